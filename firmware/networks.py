# A board's way into a local network: the interface, and what makes it try again.
# SPDX-License-Identifier: Apache-2.0
import machine

_PHYS = {"lan8720": "PHY_LAN8720"}  # names of the network module


# -> (interface, connect())
def ethernet(entry):
    import network

    pins = {
        key: machine.Pin(entry[key]) for key in ("mdc", "mdio", "power", "ref_clk") if key in entry
    }
    lan = network.LAN(
        phy_type=getattr(network, _PHYS[entry["phy"]]), phy_addr=entry["phy_addr"], **pins
    )
    lan.active(True)
    return lan, lambda: None  # it looks for a link by itself
