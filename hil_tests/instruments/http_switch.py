"""One GET to a switch on the network, and in plain words why it did not work."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from ..benches.blocked import Blocked

if TYPE_CHECKING:
    from requests.auth import AuthBase

TIMEOUT_S = 5


def get(host: str, path: str, auth: AuthBase | None = None, step_401: str = "") -> dict[str, Any]:
    """The JSON that the device answers; `step_401` is what to do if it wants another password."""
    # Takes a tenth of a second, which a bench without such a switch saves.
    from requests.exceptions import RequestException
    from requests.sessions import Session

    try:
        with Session() as session:
            session.trust_env = False  # no proxy: the switch is on the lab's own network
            answer = session.get(f"http://{host}{path}", auth=auth, timeout=TIMEOUT_S)
        if not answer.ok:
            step = step_401 if answer.status_code == 401 and step_401 else "see its web page"
            reason = f"the switch at {host} answers {answer.status_code} {answer.reason}"
            raise Blocked(reason, step)
        found = answer.json()
    except (RequestException, ValueError) as error:
        step = "see that it has power and is on this network; open it in a browser"
        reason = f"the switch at {host} does not answer ({_in_short(error)})"
        raise Blocked(reason, step) from None
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


def wrong_password(user: str, variable: str | None) -> str:
    """What to do about a device that wants a password, or another one."""
    if variable is None:
        return "name its password with password_env, or take the password off the device"
    return f"see that ${variable} holds the password of its user {user}"


def surprising(host: str, wanted: str, answer: dict[str, Any], step: str) -> Blocked:
    """The error for an answer without what it should have."""
    return Blocked(f"the switch at {host} answers {answer} instead of {wanted}", step)


def _in_short(error: Exception) -> str:
    """The innermost reason: requests and urllib3 wrap it several times."""
    inner: BaseException = error
    while inner.__context__ is not None:
        inner = inner.__context__
    return str(inner)
