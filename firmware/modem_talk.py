# What a person asks the modem itself, between two wakes: one line, or how it stands with the
# network, in words. Loaded for the question.
# SPDX-License-Identifier: Apache-2.0
from drivers.errors import ModemError
from protocols.compat import const

from .shell import Failed

_LINE_MS = const(10000)
_LINE_BYTES = const(128)
# Of the SIM's PIN and keys, of a password of the APN; and another baud rate would cut us off.
_REFUSED = const(
    ("+CPIN=", "+CPWD", "+CLCK", "+CRSM", "+CSIM", "+CGLA", "+CGAUTH", "+IPR", "+NATSPEED", "+ICF")
)
# TS 27.007, 7.46 (+CEREG) and 9.2 (+CME ERROR); number and meaning.
_STANDS = const(
    """\
0 not registered, and not searching: see SIM and antenna
1 registered, at home
2 searching for a network
3 denied: see the contract of the SIM, and the APN
4 unknown: out of coverage
5 registered, roaming
"""
)
_ERRORS = const(
    """\
3 not allowed
4 not supported
10 no SIM
11 the SIM wants its PIN
13 the SIM fails
14 the SIM is busy
15 this is no SIM for it
16 wrong password
30 no network service
50 wrong parameters
"""
)
# Bands: of BC26, BC95 and SIM7020 each has one of them. Signal and cell: BC95.
_QUESTIONS = const("+CEREG? +CESQ +CSQ +CGPADDR +QBAND? +NBAND? +CBAND? +NUESTATS")


# args: the line, as it was split -> what came
async def at(node, args):
    line = " ".join(args)
    upper = line.upper()
    # A byte that a modem drops, or that ends a line for it, would hide one of the words below.
    plain = upper.startswith("AT") and " " <= min(line) <= max(line) <= "~"
    if not plain or len(line) > _LINE_BYTES:
        raise Failed("type at LINE with a line that begins with AT, for instance at AT+CSQ")
    if any([word in upper.replace(" ", "") for word in _REFUSED]):
        raise Failed("this line is not sent: it is about secrets of the SIM, or the line itself")
    (command,) = await _talk(node, (line,))
    final = command.final or "no answer in %d s" % (_LINE_MS // 1000)
    return "\n".join(command.lines + [_explained(final)])


# -> rows
async def stand(node):
    rows = []
    for command in await _talk(node, ["AT" + question for question in _QUESTIONS.split()]):
        if command.final.startswith("+CM"):
            rows.append((command.text, _explained(command.final)))
        for line in command.lines:
            name, _, value = line.partition(":")
            rows.append((name.strip("+"), _in_words(name, value.strip())))
    return rows


def _in_words(name, value):
    numbers = value.split(",")
    try:
        if name == "+CEREG":
            return _looked_up(_STANDS, numbers[1]) or value
        if name == "+CESQ":  # TS 27.007, 8.69: the last of six
            rsrp = int(numbers[5])
            return "not known" if rsrp == 255 else _strength(rsrp - 140)
        if name == "+CSQ":  # 8.5
            return "not known" if numbers[0] == "99" else "%d dBm" % (2 * int(numbers[0]) - 113)
        if name == "Signal power":  # tenths
            return _strength(int(value) // 10)
    except (ValueError, IndexError):  # a torn line
        pass
    return value


def _strength(rsrp_dbm):
    words = "good" if rsrp_dbm >= -100 else "fair" if rsrp_dbm >= -115 else "weak"
    return "%d dBm, %s" % (rsrp_dbm, words if rsrp_dbm >= -125 else "at the edge")


def _explained(final):
    words = _looked_up(_ERRORS, final.rpartition(" ")[2]) if final.startswith("+CM") else None
    return "%s (%s)" % (final, words) if words else final


def _looked_up(table, number):
    for line in table.split("\n"):
        key, _, words = line.partition(" ")
        if key == number:
            return words
    return None


# -> the commands, as drivers/at.py has them
async def _talk(node, lines):
    carrier = node.uplink.carrier
    modem, lock = getattr(carrier, "modem", None), node.uplink.lock
    if not modem:
        raise Failed("this unit has no modem")
    always = getattr(modem, "lock", None) and modem  # of two roads: the one that stays attached
    if lock.locked() or always and always.lock.locked():
        raise Failed("the modem is in use; try again in a minute")
    if always:
        async with always.lock:
            return await _run(always.modem, lines)
    async with lock:
        try:
            await modem.start()
            return await _run(modem, lines)
        except ModemError as error:
            raise Failed("%s; see its supply, SIM and antenna" % error)
        finally:
            await carrier.close()


async def _run(modem, lines):
    commands = []
    for line in lines:
        commands.append(await modem.run(line, "", timeout_ms=_LINE_MS))
    return commands
