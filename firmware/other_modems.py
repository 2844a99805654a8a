# The modems that few boards have, and how to make them; apart, for names are counted.
# SPDX-License-Identifier: Apache-2.0


def _bc95(make, uart, pwrkey, reset):
    modules = "drivers.bc95 drivers.by_address drivers.nbiot drivers.modem drivers.at"
    return make(modules + " protocols.calendar", "BC95", uart, None, reset)  # without a power key


def _sim7020(make, *lines):
    modules = "drivers.sim7020 drivers.by_address drivers.nbiot drivers.modem drivers.at"
    return make(modules + " protocols.calendar", "SIM7020", *lines)


MODEMS = {"bc95": _bc95, "sim7020": _sim7020}
