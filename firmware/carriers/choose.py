# The roads of a unit that is always on, as its board has them: Ethernet alone, or Wi-Fi with
# NB-IoT as the way back.
# SPDX-License-Identifier: Apache-2.0
from protocols.compat import const

from .. import later
from .inbox import Inbox
from .udp_socket import UDPSocket

_SECRET = const("firmware.wifi_secret")


# on_command(datagram); on_change(): the server is to be asked now, over another road.
def choose(node, board, on_command, on_change):
    config, clock, counters = node.config, node.clock, node.counters
    inbox = Inbox(on_command)
    if "ethernet" in board.manifest:
        interface, connect = board.network()
        return UDPSocket(interface, connect, config, counters, inbox)
    from .always_modem import AlwaysModem
    from .roads import Roads

    wifi = config["wifi"]
    password = None if wifi["open"] else later.call(_SECRET, "password")
    station, join = board.network(wifi["ssid"], password)
    socket = UDPSocket(station, join, config, counters, inbox)
    modem = AlwaysModem(board.modem(), config, clock, counters, inbox, on_change)
    return Roads(socket, station, join, modem, config, clock, counters, on_change)
