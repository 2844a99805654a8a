# What a station does with an order that may be obeyed.
# SPDX-License-Identifier: Apache-2.0
from firmware import commands as commands_of_a_unit
from firmware import orders
from protocols import command as commands
from protocols import receipt
from protocols.authority import Authority, Verdict
from protocols.reasons import code


class Control:
    def __init__(self):
        self.ordered = []

    def order(self, *args):
        self.ordered.append(args)
        return args[0] == "roof"


class Role:
    def __init__(self):
        self.control = Control()
        self.trace = None


class Commands(commands_of_a_unit.Commands):
    def __init__(self, role):
        self._role = role
        self.noted = []

    def note(self, id, stage):
        self.noted.append((id, stage))


class Command:
    command = commands.OPERATE

    def __init__(self, number, *args):
        self.id = bytes((number,)) * 8
        self.counter = number
        self.args = args


# highest: of the issuer's numbers, with this one
def obey(command, highest):
    role = Role()
    station = orders._Orders(None, role)
    station.commands = Commands(station)
    station.obey(command, Verdict(command, (b"grower",), None, {b"grower": [highest, 1]}))
    ((_, told),) = station.told
    ((_, stage),) = station.commands.noted
    return role.control.ordered, stage, told


def body(command, stage, reason=None):
    return receipt.body(command.id, stage, reason and code(reason))


def test_an_order_is_obeyed_and_answered():
    command = Command(7, "roof", 40, 600)
    expected = body(command, receipt.DONE)
    assert obey(command, 7) == ([("roof", 40, 600)], receipt.DONE, expected)


def test_what_there_is_not_is_refused():
    command = Command(7, "rof", 40, 600)
    expected = body(command, receipt.REFUSED, "actuator_unknown")
    assert obey(command, 7)[1:] == (receipt.REFUSED, expected)


def test_what_comes_after_a_later_order_is_refused_and_says_so():
    command = Command(7, "roof", 100, 600)
    expected = body(command, receipt.REFUSED, "cmd_overtaken")
    assert obey(command, 8) == ([], receipt.REFUSED, expected)
    assert code("cmd_overtaken") == 82


class Uplink:
    untold: tuple = ()


def test_what_comes_twice_in_a_wake_is_answered_once():
    role, command = Role(), Command(7, "roof", 40, 600)
    role.uplink = Uplink()
    station = orders._Orders(None, role)
    station.commands = Commands(station)
    station.commands.authority = Authority({}, {}, ring=command.id + bytes((receipt.DONE,)))
    station.repeated(command)
    assert station.told == [("receipt", body(command, receipt.DONE))]
    role.uplink.untold = (("health", True),) + tuple(station.told)
    station.repeated(command)
    assert len(station.told) == 1
