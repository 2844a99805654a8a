"""Give a unit its identity, key and configuration."""

# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from pathlib import Path

import typer

from ..language import tr
from ..output import JsonOption, RegistryOption, print_json, remark


def provision(
    config: Path = typer.Argument(
        help="The node's TOML file, or a plan of units (.csv, .toml) of which --unit is one."
    ),
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
        fieldbeat provision --port /dev/ttyUSB0 village.csv --unit gh-7
        fieldbeat provision --port /dev/ttyUSB0 speaker.toml --wifi-password-file wifi.pass
    """
    from .. import boards, provisioner, provisioning_plan, unit_plan, wifi_password
    from ..errors import Interrupted
    from ..registry import Registry
    from ..smp_link import SmpLink
    from .registry import advise, progress

    if unit_plan.is_plan(config):
        plan = provisioning_plan.plan_of(unit_plan.one(config, unit).renamed(None, site))
    else:
        plan = provisioning_plan.plan(config, unit, site)
    baud = boards.load(plan.board).console.baud
    units = Registry(registry)
    advise(units, as_json)

    try:
        password = wifi_password.find(units, plan.unit, plan.wifi, wifi_password_file)
        with SmpLink(port, baud, remark=lambda text: remark(text, as_json)) as link:
            done = provisioner.Provisioner(link, units, progress(as_json)).run(
                plan, rekey, password
            )
    except KeyboardInterrupt:
        step = tr("run the same command again, it goes on where it stopped")
        raise Interrupted(tr("interrupted, the unit is not provisioned yet"), step) from None
    finally:
        units.close()
    if as_json:
        print_json(vars(done))
