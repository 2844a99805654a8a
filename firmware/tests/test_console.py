# The console as transcripts: what is typed, and what the port shows.
# SPDX-License-Identifier: Apache-2.0
import asyncio

from firmware.console import PROMPT, Console
from firmware.tests import support
from protocols import smp, smp_codes

UP, DOWN = b"\x1b[A", b"\x1b[B"


class Hangup(Exception):
    pass


class Stream:
    def __init__(self, *pieces):
        self.pieces = list(pieces)
        self.writes = []

    async def read(self):
        if not self.pieces:
            raise Hangup
        return self.pieces.pop(0)

    def write(self, data):
        self.writes.append(bytes(data))


class Shell:
    def __init__(self):
        self.seen = []

    async def execute(self, argv):
        self.seen.append(" ".join(argv))
        return "one\ntwo", 0


class Server:
    def __init__(self):
        self.seen = []
        self.answer = [b"\x06\x09QUJD\n", b"\x04\x14REVG\n"]

    async def handle_line(self, line):
        self.seen.append(bytes(line))
        return self.answer


# -> (console, what was written after the first prompt)
def _typed(*pieces):
    stream = Stream(*pieces)
    console = Console(stream, Shell(), Server())
    console.shell, console.server = console._shell, console._server
    try:
        support.run(console.run())
    except Hangup:
        pass
    shown = b"".join(stream.writes)
    assert shown.startswith(b"\r\n" + PROMPT)
    console.stream = stream
    return console, shown[2 + len(PROMPT) :]


def test_a_line_is_echoed_and_answered():
    console, shown = _typed(b"status\r")
    assert console.shell.seen == ["status"]
    assert shown == b"status\r\none\r\ntwo\r\n" + PROMPT


def test_every_line_ending_ends_one_line():
    for ending in (b"\r", b"\n", b"\r\n"):
        console, shown = _typed(b"a" + ending + b"b" + ending)
        assert console.shell.seen == ["a", "b"] and shown.count(PROMPT) == 2
    console, shown = _typed(b"\r\r\n\n")
    assert console.shell.seen == [] and shown == (b"\r\n" + PROMPT) * 3


def test_it_does_not_matter_how_bytes_arrive():
    text = b"  read   air\r"
    for cut in range(len(text)):
        console, shown = _typed(text[:cut], text[cut:])
        assert console.shell.seen == ["read air"]


def test_editing():
    for typed, line in (
        (b"statsu\x08\x7fus\r", "status"),
        (b"\x08\x08help\r", "help"),
        (b"nonsense\x15help\r", "help"),
        (b"a\x07\x00\tb\r", "ab"),
        ("x\u00e9\x7fy\r".encode(), "xy"),
        (b"a\x1b[Cb\x1b[3~c\x1bOHd\r", "abcd"),
    ):
        console, shown = _typed(typed)
        assert console.shell.seen == [line], typed
    _, shown = _typed(b"ab\x7f\x15")
    assert shown == b"ab\b \b\r" + PROMPT + b"\x1b[K"


def test_a_line_has_a_limit():
    shell = Shell()
    shown = _shown_by(shell, b"x" * 160 + b"\r" + b"z" * 1000 + b"\r")
    assert shell.seen == ["x" * 160] and shown.count(b"z") == 160


def test_what_is_no_text_is_dropped():
    console, shown = _typed(b"\xff\xfe\r")
    assert console.shell.seen == [] and shown.endswith(PROMPT)


def test_history():
    for keys, line in (
        (UP, "c"),
        (UP + UP, "b"),
        (UP + UP + UP + UP + UP, "a"),
        (UP + UP + DOWN, "c"),
        (UP + DOWN + b"d", "d"),
        (DOWN + UP + b"1", "c1"),
    ):
        console, _ = _typed(b"a\rb\rc\rc\r" + keys + b"\r")
        assert console.shell.seen[4:] == [line], keys
    console, _ = _typed(b"".join([b"%d\r" % n for n in range(12)]) + UP * 20 + b"\r")
    assert console.shell.seen[-1] == "4"  # the eighth back


def test_smp_lines_are_neither_echoed_nor_run():
    for line in (b"\x06\x09AAAA", b"\x04\x14BBBB"):
        for ending in (b"\n", b"\r", b"\r\n"):
            console, shown = _typed(line + ending)
            assert console.server.seen == [line] and console.shell.seen == []
            assert shown == b"".join(console.server.answer)


def test_smp_in_the_middle_of_typing():
    console, shown = _typed(b"sta\x06\x09AAAA\ntus\r")
    assert console.server.seen == [b"\x06\x09AAAA"] and console.shell.seen == ["status"]


def test_half_a_lead_is_no_smp():
    console, shown = _typed(b"\x06a\x04\x06b\x14\x09\x04\x06\x09CC\n\r")
    assert console.server.seen == [b"\x06\x09CC"] and console.shell.seen == ["ab"]


def test_a_silent_server_writes_nothing():
    stream = Stream(b"\x06\x09AAAA\n\x04\x14BBBB\n")
    server = Server()
    server.answer = ()
    try:
        support.run(Console(stream, Shell(), server).run())
    except Hangup:
        pass
    assert stream.writes == [b"\r\n" + PROMPT] and len(server.seen) == 2


def test_an_answer_is_a_write_a_line():
    console, _ = _typed(b"\x06\x09AAAA\n")
    assert console.stream.writes[1:] == console.server.answer


def test_an_endless_smp_line_takes_no_memory():
    console, _ = _typed(b"\x06\x09" + b"A" * 5000, b"\nok\r")
    assert len(console.server.seen[0]) == 192 and console.shell.seen == ["ok"]


def test_log_lines_stand_above_what_is_being_typed():
    console, _ = _typed(b"sta")
    console.stream.writes.clear()
    console.say("L 12 uplink: no_ack")
    assert console.stream.writes == [b"\rL 12 uplink: no_ack\x1b[K\r\n" + PROMPT + b"sta"]


class Unloadable:
    # Shell or server where the heap has no room for either.
    forgotten = 0

    @property
    def execute(self):
        raise MemoryError

    @property
    def handle_line(self):
        raise MemoryError

    def forget(self):
        self.forgotten += 1


def test_a_full_heap_ends_no_console_and_reboot_needs_none_of_it():
    stream, shell, server = (
        Stream(b"\x06\x09QUJD\n", b"status\r", b"reboot\r"),
        Unloadable(),
        Unloadable(),
    )
    reboots = []
    console = Console(stream, shell, server, reboot=lambda: reboots.append(shell.forgotten))
    try:
        support.run(console.run())
    except Hangup:
        pass
    assert reboots == [2] and shell.forgotten == server.forgotten == 3
    assert b"".join(stream.writes).count(b"type it again") == 2


def test_a_prompt_stands_below_a_log_line_also_when_the_shell_could_not_be_loaded():
    stream = Stream(b"status\r")
    console = Console(stream, Unloadable(), Unloadable())
    try:
        support.run(console.run())
    except Hangup:
        pass
    console.say("L 12 console: MemoryError()")
    assert stream.writes[-1].endswith(b"MemoryError()\x1b[K\r\n" + PROMPT)


def test_a_whole_request_through_the_server():
    from firmware.tests.support_console import Node

    node = Node()
    try:
        request = smp.pack(smp.READ, smp_codes.GROUP_OS, 5, smp_codes.OS_ECHO, {"d": "z" * 150})
        stream = Stream(b"hel" + b"".join(smp.encode_lines(request)), b"p\r")
        try:
            support.run(Console(stream, node.shell, node.server).run())
        except Hangup:
            pass
        shown = b"".join(stream.writes)
        decoder = smp.LineDecoder()
        lines = shown[shown.index(smp.FIRST) :].split(b"\n")[:3]
        frames = [decoder.feed(line) for line in lines]
        answer = [frame for frame in frames if frame][0]
        assert smp.unpack(answer)[4] == {"r": "z" * 150}
        assert b"send what is waiting" in shown
    finally:
        node.close()


class Unknowing(Shell):
    async def execute(self, argv):
        self.seen.append(" ".join(argv))
        if argv[0] == "status":
            return "fine", 0
        return "unknown verb %s; type help" % argv[0], 1


class Screen(Stream):
    # All in one: a test's heap has no room for thousands of pieces.
    def write(self, data):
        self.shown += data


def _shown_by(shell, *pieces):
    support.World()
    stream = Screen(*pieces)
    stream.shown = bytearray()
    try:
        support.run(Console(stream, shell, Server()).run())
    except Hangup:
        pass
    return bytes(stream.shown)


def test_a_page_that_is_pasted_is_told_of_once():
    shell = Unknowing()
    page = b"Lorem ipsum dolor\r\nsit amet\r\n" * 10
    shown = _shown_by(shell, page, b"status\r", b"again\r")
    assert len(shell.seen) == 22
    assert shown.count(b"unknown verb") == 4 and shown.count(b"and so on") == 1
    assert b"fine" in shown
    page = (b"A paragraph of some words. " * 10 + b"\r\n\r\n") * 10
    shown = _shown_by(Unknowing(), page)
    assert shown.count(b"too long") == 3 and shown.count(b"and so on") == 1


class Slow(Screen):
    # A person types, and reads.
    async def read(self):
        await asyncio.sleep_ms(3000)
        return await super().read()


def test_who_types_by_hand_is_answered_each_time():
    support.World()
    stream = Slow(*[b"statis\r"] * 10)
    stream.shown = bytearray()
    try:
        support.run(Console(stream, Unknowing(), Server()).run())
    except Hangup:
        pass
    assert stream.shown.count(b"unknown verb statis") == 10


def test_a_line_that_is_too_long_is_told_of_and_not_run():
    shell = Unknowing()
    shown = _shown_by(shell, b"status " + b"A" * 5000, b"\rstatus\r")
    assert shown.count(b"this line was too long, at most 160 bytes: nothing was done") == 1
    assert shell.seen == ["status"]


def test_a_code_is_not_shown_and_not_in_the_history():
    shown = _shown_by(Unknowing(), b"unlock 7ZK4-0M1X\x7f\x7fAA\r", UP)
    assert b"7ZK" not in shown and b"unlock *********" in shown
    assert shown.endswith(PROMPT)


# As codes are printed. It is no verb, yet others look over the shoulder.
def test_a_code_behind_capitals_is_hidden_as_well():
    for verb in (b"UNLOCK ", b"Unlock ", b"unLock "):
        shell = Unknowing()
        shown = _shown_by(shell, b"status\r", verb + b"4R8M-XC3K\r", UP)
        assert b"4R8M" not in shown and verb + b"*" * 9 in shown
        assert shell.seen == ["status", (verb + b"4R8M-XC3K").decode()]
        assert shown.endswith(b"status\x1b[K")  # of the history


def test_a_code_behind_a_misspelt_verb_or_alone_is_hidden():
    for verb in (b"unlok ", b""):
        for code in (b"QVKW-5H70", b"qvkw-5h70"):
            shell = Unknowing()
            shown = _shown_by(shell, b"status\r", verb + code + b"\r", UP)
            assert code not in shown and verb + b"*" * 9 in shown
            assert shown.endswith(b"status\x1b[K")  # of the history
    assert b"unknown verb *********;" in shown
    for typed in (b"unlok QVKW5H70", b"unlok qvkw 5h70", b"unlok QVKW-5-H70"):
        shell = Unknowing()
        shown = _shown_by(shell, b"status\r", typed + b"\r", UP)
        assert shell.seen == ["status", typed.decode()]
        assert shown.endswith(b"status\x1b[K")  # of the history
    shown = _shown_by(Unknowing(), b"Unlock QVKW5H70\r", b"confg get node\r", UP, UP)
    assert shown.endswith(b"confg get node\x1b[K")  # a line is kept, to be mended
    shell = Unknowing()  # names are no codes
    _shown_by(shell, b"config set node.site soil-bed-1\r", UP + b"\r")
    assert shell.seen == ["config set node.site soil-bed-1"] * 2


def test_a_broken_escape_sequence_eats_no_character_of_the_next_line():
    for keys in (b"\x1b\r", b"\x1b[\r"):
        console, _ = _typed(keys + b"status\r")
        assert console.shell.seen == ["status"]


def test_a_wide_character_is_rubbed_out_as_a_whole():
    shown = _shown_by(Unknowing(), "\u6e29x\x7f\x7f".encode())
    assert shown.endswith("\u6e29x".encode() + b"\b \b" + b"\b\b  \b\b")


def test_whatever_comes_does_not_end_it():
    seed, shell = 1, Unknowing()
    pieces = []
    for _ in range(40):
        piece = bytearray()
        for _ in range(40):
            seed = (seed * 1103515245 + 12345) & 0x7FFFFFFF
            piece.append(seed >> 16 & 0xFF)
        pieces.append(bytes(piece))
    shown = _shown_by(shell, *pieces + [b"\r\n\x1b[K\r\nstatus\r"])
    assert shell.seen[-1] == "status" and b"fine" in shown
