# The modems that few boards have, and how to make them; apart, for names are counted.
# SPDX-License-Identifier: Apache-2.0


def _bc95(uart, pwrkey, reset):
    from drivers.bc95 import BC95

    return BC95(uart, None, reset)  # it has no power key


def _sim7020(uart, pwrkey, reset):
    from drivers.sim7020 import SIM7020

    return SIM7020(uart, pwrkey, reset)


MODEMS = {"bc95": _bc95, "sim7020": _sim7020}
