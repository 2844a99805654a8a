# The console as transcripts: what is typed, and what the port shows.
# SPDX-License-Identifier: Apache-2.0
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
    console, shown = _typed(b"x" * 1000 + b"\r")
    assert len(console.shell.seen[0]) == 160 and shown.count(b"x") == 160


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


def test_a_prompt_stands_below_a_log_line_also_when_the_shell_could_not_be_loaded():
    class Unloadable:
        @property
        def execute(self):
            raise MemoryError

    stream = Stream(b"status\r")
    console = Console(stream, Unloadable(), Server())
    try:
        support.run(console.run())
    except MemoryError:
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
