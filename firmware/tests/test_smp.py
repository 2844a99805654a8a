# The SMP server: what each group answers, what it refuses, and that nothing makes it fall over.
# SPDX-License-Identifier: Apache-2.0
from firmware import later
from firmware.smp_server import _GROUPS as GROUPS
from firmware.tests import support
from firmware.tests.support_console import MASTER, Node, config_bytes
from protocols import smp, smp_codes
from protocols.compat import sha256

READ, WRITE = smp.READ, smp.WRITE
OS, SETTINGS, FS, SHELL, ENUM = (
    smp_codes.GROUP_OS,
    smp_codes.GROUP_SETTINGS,
    smp_codes.GROUP_FS,
    smp_codes.GROUP_SHELL,
    smp_codes.GROUP_ENUM,
)


def _with_node(test):
    node = Node()
    try:
        test(node)
        assert not node.log_lines, node.log_lines  # it logs only what it did not foresee
    finally:
        node.close()


def _refusal(group, rc):
    return {"err": {"group": group, "rc": rc}}


def test_os_group():
    def test(node):
        for op in (READ, WRITE):
            assert node.ask(op, OS, smp_codes.OS_ECHO, {"d": "hi"}) == {"r": "hi"}
        assert node.ask(READ, OS, smp_codes.OS_PARAMETERS, {}) == {"buf_size": 512, "buf_count": 1}
        assert node.ask(READ, OS, smp_codes.OS_APPLICATION_INFO, {}) == {"output": "fieldbeat"}
        full = node.ask(READ, OS, smp_codes.OS_APPLICATION_INFO, {"format": "a"})["output"]
        assert full.startswith("fieldbeat gh-01 0.1.0 ") and "greenhouse_esp32 Micro" in full
        assert node.ask(READ, OS, smp_codes.OS_APPLICATION_INFO, {"format": "rn"})["output"] == (
            "gh-01 0.1.0"
        )
        assert node.ask(READ, OS, smp_codes.OS_APPLICATION_INFO, {"format": "x"}) == _refusal(
            OS, 2
        )
        heap = node.ask(READ, OS, smp_codes.OS_MEMORY_POOL_STATISTICS, {})["heap"]
        assert heap["blksize"] == 16 and 0 < heap["min"] <= heap["nfree"] < heap["nblks"]
        tasks = node.ask(READ, OS, smp_codes.OS_TASK_STATISTICS, {})["tasks"]
        assert tasks["sampler"] == {"prio": 0, "tid": 1, "state": 0} and len(tasks) == 2

    _with_node(test)


def test_the_clock():
    def test(node):
        assert node.ask(READ, OS, smp_codes.OS_DATETIME, {}) == _refusal(OS, 4)
        given = {"datetime": "2024-03-01T01:00:00.123456+01:00"}
        assert node.ask(WRITE, OS, smp_codes.OS_DATETIME, given) == {}
        assert node.clock.source == "console" and node.clock.now() == 60 * 86400
        told = node.ask(READ, OS, smp_codes.OS_DATETIME, {})
        assert told == {"datetime": "2024-03-01T00:00:00Z"}
        for bad in (
            "",
            "now",
            "2023-12-31T23:59:59",
            "2024-02-30T00:00:00",
            "2024-01-01T00:00:00x",
        ):
            answer = node.ask(WRITE, OS, smp_codes.OS_DATETIME, {"datetime": bad})
            assert answer["rc"] == smp.EINVAL and "give 2024-" in answer["rsn"]
        node.clock.set(100000000, "server")
        assert node.ask(WRITE, OS, smp_codes.OS_DATETIME, given) == _refusal(OS, 5)

    _with_node(test)


def test_a_time_that_is_far_from_the_network_s_is_refused():
    def test(node):
        node.clock.set(60 * 86400, "modem")
        given = {"datetime": "2030-01-01T00:00:00Z"}
        answer = node.ask(WRITE, OS, smp_codes.OS_DATETIME, given)
        assert answer["rc"] == smp.EINVAL and answer["rsn"].endswith("2024-03-01T00:00:00Z")
        given = {"datetime": "2024-03-01T08:00:00Z"}  # the modem told the time of its zone
        assert node.ask(WRITE, OS, smp_codes.OS_DATETIME, given) == {}
        assert node.clock.source == "console"
        node.clock.set(100000000, "server")
        assert node.ask(WRITE, OS, smp_codes.OS_DATETIME, given) == _refusal(OS, 5)

    _with_node(test)


def test_a_reset_comes_after_the_answer():
    def test(node):
        async def scenario():
            import asyncio

            request = smp.pack(WRITE, OS, 1, smp_codes.OS_RESET, {})
            assert smp.unpack(await node.server.handle(request))[4] == {}
            assert node.reboots == 0
            await asyncio.sleep_ms(1000)
            assert node.reboots == 1

        support.run(scenario())

    _with_node(test)


def test_identity_and_key():
    def test(node):
        for name in ("id/unit", "id/kid", "key/check", "config/sha256"):
            assert node.ask(READ, SETTINGS, 0, {"name": name}) == _refusal(SETTINGS, 3)
        values = {
            "id/unit": b"gh-01",
            "id/kid": b"\x00\x07",
            "id/epoch": b"\x00\x00\x00\x03",
            "key/master": MASTER,
        }
        for name, value in values.items():
            assert node.ask(WRITE, SETTINGS, 0, {"name": name, "val": value}) == {}
        for name in ("id/unit", "id/kid", "id/epoch"):
            assert node.ask(READ, SETTINGS, 0, {"name": name}) == {"val": values[name]}
        assert node.ask(READ, SETTINGS, 0, {"name": "id/unit", "max_size": 2}) == {"val": b"gh"}
        keys = node.secrets.keyset()
        assert keys.epoch == 3 and keys.kid == b"\x00\x07"
        check = node.ask(READ, SETTINGS, 0, {"name": "key/check"})
        assert check == {"val": keys.check_value()}

    _with_node(test)


SETTINGS_TOLD = ("unit", "kid", "epoch", "master", "issuers", "wifi", "trace", "code")


def test_settings_that_are_refused():
    def test(node):
        node.provision()
        assert node.ask(READ, SETTINGS, 0, {"name": "key/master"}) == _refusal(SETTINGS, 4)
        assert node.ask(READ, SETTINGS, 0, {"name": "key/wifi_password"}) == _refusal(SETTINGS, 4)
        assert node.ask(READ, SETTINGS, 0, {"name": "key/other"}) == _refusal(SETTINGS, 3)
        assert node.ask(READ, SETTINGS, 0, {"name": "bt/name"}) == _refusal(SETTINGS, 5)
        assert node.ask(READ, SETTINGS, 0, {"name": "x" * 99}) == _refusal(SETTINGS, 2)
        for name in ("key/check", "key/wifi_check", "config/sha256"):
            body = {"name": name, "val": b"1234"}
            assert node.ask(WRITE, SETTINGS, 0, body) == _refusal(SETTINGS, 6)
        assert node.ask(WRITE, SETTINGS, 1, {"name": "key/master"}) == _refusal(SETTINGS, 7)
        for name, value in (
            ("id/unit", b""),
            ("id/unit", b"\xff"),
            ("id/unit", b"x" * 33),
            ("id/unit", b"AAAAA"),
            ("id/unit", b"a b"),
            ("id/unit", b"-a"),
            ("id/unit", "\u00e4-b".encode()),
            ("id/unit", b"a/../x\n"),
            ("id/epoch", bytes(4)),
            ("key/master", bytes(16)),
            ("id/kid", b"123"),
            ("id/epoch", b"\x01"),
            ("id/epoch", b"\xff\xff\xff\xff"),
            ("key/master", MASTER + b"x"),
            ("key/wifi_password", b"too few"),
            ("key/issuers", b"rubbish"),
            ("key/trace", bytes(96)),
            ("key/code", b"rubbish"),
        ):
            answer = node.ask(WRITE, SETTINGS, 0, {"name": name, "val": value})
            assert answer["rc"] == smp.EINVAL, answer
            assert answer["rsn"].split(": give ")[0] in SETTINGS_TOLD, answer
        assert node.secrets.identity() == (b"\x00\x07", 3, "gh-01")
        for op in (READ, WRITE):
            assert node.ask(op, SETTINGS, smp_codes.SETTINGS_LOAD_SAVE, {}) == {}

    _with_node(test)


def test_commit_takes_over_a_good_config_and_no_other():
    def test(node):
        old, new = config_bytes(), config_bytes(fitted={})
        node.write("/config.cbor", old)
        answer = node.ask(WRITE, SETTINGS, smp_codes.SETTINGS_COMMIT, {})
        assert answer["rc"] == smp.ENOENT and "upload /config.new" in answer["rsn"]
        for bad in (b"\xff", config_bytes(uplink={"host": ""})):
            node.write("/config.new", bad)
            answer = node.ask(WRITE, SETTINGS, smp_codes.SETTINGS_COMMIT, {})
            assert answer["rc"] == smp.EINVAL and "config" in answer["rsn"]
            assert node.read("/config.cbor") == old
        node.write("/config.new", new)
        for _ in range(2):  # the second time the answer was lost
            assert node.ask(WRITE, SETTINGS, smp_codes.SETTINGS_COMMIT, {}) == {}
        assert node.read("/config.cbor") == new
        told = node.ask(READ, SETTINGS, 0, {"name": "config/sha256"})
        assert told == {"val": sha256(new).digest()}

    _with_node(test)


def test_a_file_goes_up_and_down_in_pieces():
    def test(node):
        data = bytes(range(250)) * 4
        name = "/config.new"
        node.write(name, b"an older and longer one" * 99)
        sent = 0
        while sent < len(data):
            body = {"name": name, "off": sent, "data": data[sent : sent + 300]}
            if not sent:
                body["len"] = len(data)
            for _ in range(2):  # each piece twice: the first answer was lost
                assert node.ask(WRITE, FS, 0, body) == {"off": min(sent + 300, 1000)}
            sent += 300
        assert node.read(name) == data
        assert node.ask(READ, FS, smp_codes.FS_STATUS, {"name": name}) == {"len": 1000}
        got = b""
        while len(got) < 1000:
            answer = node.ask(READ, FS, 0, {"name": name, "off": len(got)})
            assert answer["off"] == len(got) and answer.get("len") == (None if got else 1000)
            got += answer["data"]
        assert got == data
        assert node.ask(READ, FS, 0, {"name": name, "off": 1000})["data"] == b""
        assert node.ask(WRITE, FS, smp_codes.FS_CLOSE, {}) == {}

    _with_node(test)


def test_hashes():
    def test(node):
        data = bytes(range(256)) * 5
        node.write("/config.cbor", data)
        types = node.ask(READ, FS, smp_codes.FS_HASH_TYPES, {})
        assert types == {"types": {"sha256": {"format": 1, "size": 32}}}
        body = {"name": "/config.cbor"}
        digest = sha256(data).digest()
        whole = {"type": "sha256", "len": 1280, "output": digest}
        assert node.ask(READ, FS, smp_codes.FS_HASH, body) == whole
        body.update({"type": "sha256", "off": 100, "len": 700})
        part = {"type": "sha256", "off": 100, "len": 700, "output": sha256(data[100:800]).digest()}
        assert node.ask(READ, FS, smp_codes.FS_HASH, body) == part
        body["type"] = "crc32"
        assert node.ask(READ, FS, smp_codes.FS_HASH, body) == _refusal(FS, 13)
        body.update({"type": "sha256", "off": 1281})
        assert node.ask(READ, FS, smp_codes.FS_HASH, body) == _refusal(FS, 12)

    _with_node(test)


def test_files_that_are_refused():
    def test(node):
        node.write("/config.cbor", config_bytes())
        node.write("/secret", b"x")
        outside = (
            "",
            "/",
            "/secret",
            "/boot.py",
            "/outbox",
            "/outbox/",
            "/outbox/1.log\0",
            "/outbox/..",
            "config.cbor",
        )
        outside += ("/outbox/../secret", "/config.cbor/../secret", "//config.cbor", "/a/firmware")
        for name in outside:
            for op, cmd in ((READ, 0), (READ, 1), (READ, 2), (WRITE, 0)):
                body = {"name": name, "off": 0, "data": b"x"}
                assert node.ask(op, FS, cmd, body) == _refusal(FS, 2), name
        assert node.ask(READ, FS, 1, {"name": "/crash.txt"}) == _refusal(FS, 3)
        assert node.ask(READ, FS, 1, {"name": "/outbox/1.log"}) == _refusal(FS, 3)
        assert node.ask(READ, FS, 0, {"name": "/config.cbor", "off": 9999}) == _refusal(FS, 12)
        body = {"name": "/config.cbor", "off": 0, "data": b"x"}
        assert node.ask(WRITE, FS, 0, body) == _refusal(FS, 15)
        body["name"] = "/config.new"
        body["off"] = 5
        assert node.ask(WRITE, FS, 0, body) == _refusal(FS, 3)
        node.write("/config.new", b"1234")
        assert node.ask(WRITE, FS, 0, body) == _refusal(FS, 11)
        body.update({"off": 0, "len": 100000})
        large = {"rc": smp.EINVAL, "rsn": "/config.new takes at most 8192 bytes"}
        assert node.ask(WRITE, FS, 0, body) == large
        assert node.read("/config.new") == b"1234" and node.read("/secret") == b"x"
        node.write("/config.new", bytes(8192))
        assert node.ask(WRITE, FS, 0, {"name": "/config.new", "off": 8192, "data": b"x"}) == large
        assert node.ask(READ, FS, 1, {"name": "/config.new"}) == _refusal(FS, 3)

    _with_node(test)


def test_shell_group():
    def test(node):
        answer = node.ask(WRITE, SHELL, 0, {"argv": ["config", "show"]})
        assert answer["ret"] == 0 and "collector.example" in answer["o"]
        answer = node.ask(WRITE, SHELL, 0, {"argv": ["dance"]})
        assert answer == {"o": "unknown verb dance; type help", "ret": 1}
        node.log_lines[:] = ["x" * 2000]
        text = node.ask(WRITE, SHELL, 0, {"argv": ["log"]})["o"]
        node.log_lines.clear()
        assert len(text) == 1024 and "xxx ...\ncut off here; " in text
        for bad in ({}, {"argv": []}, {"argv": "help"}, {"argv": [1]}):
            assert node.ask(WRITE, SHELL, 0, bad)["rc"] == smp.EINVAL

    _with_node(test)


def test_enumeration():
    def test(node):
        ids = [0, 3, 8, 9, 10]
        assert node.ask(READ, ENUM, smp_codes.ENUM_COUNT, {}) == {"count": 5}
        assert node.ask(READ, ENUM, smp_codes.ENUM_LIST, {}) == {"groups": ids}
        assert node.ask(READ, ENUM, smp_codes.ENUM_SINGLE, {}) == {"group": 0}
        assert node.ask(READ, ENUM, smp_codes.ENUM_SINGLE, {"index": 4}) == {
            "group": 10,
            "end": True,
        }
        assert node.ask(READ, ENUM, smp_codes.ENUM_SINGLE, {"index": 5}) == _refusal(ENUM, 4)
        details = node.ask(READ, ENUM, smp_codes.ENUM_DETAILS, {"groups": [8, 99]})["groups"]
        assert details == [{"group": 8, "name": "fs mgmt", "handlers": 5}]
        details = node.ask(READ, ENUM, smp_codes.ENUM_DETAILS, {})["groups"]
        assert [group["group"] for group in details] == ids
        for group in details:
            commands = later.call(*GROUPS[group["group"]], node.server).commands
            assert group["handlers"] == len(commands)

    _with_node(test)


def test_errors_of_both_versions():
    def test(node):
        for version in (0, 1):
            assert node.ask(READ, 77, 0, {}, version) == {"rc": smp.ENOTSUP}
            assert node.ask(READ, OS, 99, {}, version) == {"rc": smp.ENOTSUP}
            assert node.ask(WRITE, OS, smp_codes.OS_PARAMETERS, {}, version) == {"rc": smp.ENOTSUP}
            answer = node.ask(READ, FS, 0, {"name": "/config.cbor"}, version)
            assert answer == {"rc": smp.EINVAL, "rsn": "field off must be int"}
        missing = {"name": "/config.cbor", "off": 0}
        assert node.ask(READ, FS, 0, missing, 0) == {"rc": smp.ENOENT}
        assert node.ask(READ, FS, 0, missing, 1) == _refusal(FS, 3)
        assert node.ask(READ, OS, 0, {"d": "x"}, 2) == {"rc": smp.EUNSUPPORTED_TOO_NEW}
        for value in (True, -1, "0", None, 1.5):
            answer = node.ask(READ, FS, 0, {"name": "/config.cbor", "off": value})
            assert answer["rc"] == smp.EINVAL

    _with_node(test)


def test_frames_that_are_none():
    def test(node):
        def handle(data):
            return support.run(node.server.handle(data))

        good = smp.pack(READ, OS, 7, smp_codes.OS_ECHO, {"d": "hi"})
        for short in range(8):
            assert handle(good[:short]) is None
        for op in (1, 3, 4, 5, 6, 7):
            assert handle(bytes((8 | op,)) + good[1:]) is None
        assert node.counters.snapshot() == {"smp_bad_frame": 14}
        for size in range(8, len(good)):
            assert smp.unpack(handle(good[:size]))[4]["rc"] == smp.EINVAL
        not_a_map = good[:8] + b"\x84\x01\x02\x03\x04"
        assert smp.unpack(handle(not_a_map[:3] + b"\x05" + not_a_map[4:]))[4]["rc"] == smp.EINVAL
        full = smp.pack(READ, OS, 7, smp_codes.OS_ECHO, {"d": "x" * 494})
        assert len(full) == 508 and len(smp.unpack(handle(full))[4]["r"]) == 494
        large = smp.pack(READ, OS, 7, smp_codes.OS_ECHO, {"d": "x" * 501})
        assert smp.unpack(handle(large))[4]["rc"] == smp.ENOMEM

    _with_node(test)


def test_who_finds_no_heap_is_told_to_ask_again_and_gets_his_answer_then():
    def test(node):
        node.provision()
        frame = smp.pack(WRITE, SHELL, 1, 0, {"argv": ["status"]})
        execute = node.shell.execute

        async def full(argv):
            raise MemoryError

        def no_room(frame):
            raise MemoryError

        node.shell.execute = full
        body = smp.unpack(support.run(node.server.handle(frame)))[4]
        assert body["rc"] == smp.ENOMEM and "ask again" in body["rsn"]
        node.shell.execute = execute
        assert smp.unpack(support.run(node.server.handle(frame)))[4]["ret"] == 0
        assert not node.reboots
        node.server._handler = no_room
        support.run(node.server.handle(smp.pack(WRITE, OS, 2, smp_codes.OS_RESET, {})))
        assert node.reboots == 1

    _with_node(test)


def test_no_change_of_any_byte_brings_it_down():
    def test(node):
        node.provision()
        frames = (
            smp.pack(READ, FS, 1, smp_codes.FS_HASH, {"name": "/config.cbor", "off": 1, "len": 5}),
            smp.pack(WRITE, SHELL, 1, 0, {"argv": ["config", "show"]}),
            smp.pack(WRITE, SETTINGS, 1, 0, {"name": "id/epoch", "val": b"\x00\x00\x00\x09"}),
        )
        node.write("/config.cbor", config_bytes())
        answers = 0
        for frame in frames:
            for at in range(len(frame)):
                for flip in (0x01, 0x80, 0xFF):
                    changed = bytearray(frame)
                    changed[at] ^= flip
                    answer = support.run(node.server.handle(bytes(changed)))
                    if answer:
                        answers += 1
                        assert smp.unpack(answer)[4].get("rc") != smp.EUNKNOWN, changed
                        assert MASTER not in answer
        assert answers > 250

    _with_node(test)


def test_a_fault_of_our_own_is_answered_and_logged():
    def test(node):
        node.tasks = None
        for version in (0, 1):
            body = node.ask(READ, OS, smp_codes.OS_TASK_STATISTICS, {}, version)
            assert body == {"rc": smp.EUNKNOWN}
        assert len(node.log_lines) == 2 and node.log_lines[0].startswith("smp: ")
        node.log_lines.clear()

    _with_node(test)


def test_lines_in_lines_out():
    def test(node):
        request = smp.pack(READ, OS, 7, smp_codes.OS_ECHO, {"d": "y" * 200})
        lines = list(smp.encode_lines(request))
        assert len(lines) == 3

        def handle(line):
            return list(support.run(node.server.handle_line(line)))

        assert handle(lines[0]) == handle(lines[1]) == []
        answer = handle(lines[2])
        decoder = smp.LineDecoder()
        frames = [decoder.feed(line) for line in answer]
        assert smp.unpack(frames[-1])[4] == {"r": "y" * 200}
        assert handle(lines[2]) == [] and handle(b"\x06\x09!!!!") == []
        assert node.counters.snapshot() == {"smp_bad_frame": 2}

    _with_node(test)
