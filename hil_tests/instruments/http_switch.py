"""One GET to a switch on the network, and in plain words why it did not work."""

from __future__ import annotations

import base64
import json
import os
import urllib.error
import urllib.request
from typing import Any

from ..benches.blocked import Blocked

TIMEOUT_S = 5


def get(host: str, path: str, user: str = "", password: str | None = None) -> dict[str, Any]:
    """The JSON that the device answers; with a password by HTTP's basic authentication."""
    request = urllib.request.Request(f"http://{host}{path}")
    if password is not None:
        token = base64.b64encode(f"{user}:{password}".encode()).decode()
        request.add_header("Authorization", f"Basic {token}")
    try:
        # No proxy: the switch is on the lab's own network.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=TIMEOUT_S) as answer:
            found = json.loads(answer.read())
    except urllib.error.HTTPError as error:
        step = "see its web page"
        if error.code == 401:
            step = "set user and password_env, or take the password off the device"
        raise Blocked(f"the switch at {host} answers {error.code} {error.reason}", step) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        step = "see that it has power and is on this network; open it in a browser"
        raise Blocked(f"the switch at {host} does not answer ({reason})", step) from None
    if not isinstance(found, dict):
        raise Blocked(f"the switch at {host} answers {found!r}", "see which device that is")
    return found


def password(variable: str | None) -> str | None:
    """The password that an environment variable holds; None if none is needed."""
    if variable is None:
        return None
    if variable not in os.environ:
        raise Blocked(f"${variable} is not set", f"export {variable}=... with the password")
    return os.environ[variable]


def surprising(host: str, wanted: str, answer: dict[str, Any], step: str) -> Blocked:
    """The error for an answer without what it should have."""
    return Blocked(f"the switch at {host} answers {answer} instead of {wanted}", step)
