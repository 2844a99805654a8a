"""Give a unit its identity, key and configuration."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from pathlib import Path

import typer

from ..output import JsonOption, RegistryOption, print_json, remark, say


def provision(
    config: Path = typer.Argument(help="The node's TOML file."),
    port: str = typer.Option(help="Serial port of the unit."),
    unit: str | None = typer.Option(None, help="Its name; default: the file's."),
    site: str | None = typer.Option(None, help="Its site; default: the file's."),
    wifi_password_file: Path | None = typer.Option(
        None,
        help="File whose first line is the password of its Wi-Fi; default: "
        "$FIELDBEAT_WIFI_PASSWORD, then what the registry knows, then it is asked for.",
    ),
    rekey: bool = typer.Option(False, help="Give it a new key, or another unit's place."),
    registry: RegistryOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give a unit its identity, key and configuration; run it again after an interruption.

    \b
    Example:
        fieldbeat provision --port /dev/ttyUSB0 greenhouse.toml --unit gh-7
        fieldbeat provision --port /dev/ttyUSB0 speaker.toml --wifi-password-file wifi.pass
    """
    from .. import boards, provisioner, wifi_password
    from ..errors import Interrupted
    from ..registry import Registry
    from ..smp_link import SmpLink

    plan = provisioner.plan(config, unit, site)
    baud = boards.load(plan.board).console.baud
    units = Registry(registry)

    def progress(step: str, text: str) -> None:
        if not as_json:
            say(f"{step:<9} {text}", indent=10)

    try:
        password = wifi_password.find(units, plan.unit, plan.wifi, wifi_password_file)
        with SmpLink(port, baud, remark=lambda text: remark(text, as_json)) as link:
            done = provisioner.Provisioner(link, units, progress).run(plan, rekey, password)
    except KeyboardInterrupt:
        step = "run the same command again, it goes on where it stopped"
        raise Interrupted("interrupted, the unit is not provisioned yet", step) from None
    finally:
        units.close()
    if as_json:
        print_json(vars(done))
