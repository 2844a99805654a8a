"""`provision` and `console` over a real PTY, answered by the firmware's own SMP server."""

import io
import json
import os
import pty
import select
import socket
import subprocess
import sys
import threading
import tty
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from fieldbeat.host_tools import serial_port, smp_link, unit_code
from fieldbeat.host_tools.cli import main
from fieldbeat.host_tools.console_link import pump
from fieldbeat.host_tools.errors import CannotTry
from fieldbeat.host_tools.registry import Registry
from fieldbeat.host_tools.smp_link import LinkError, Refused, SmpLink
from fieldbeat.host_tools.tests.village import rows, village

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "greenhouse.toml"
FAKE_UNIT = Path(__file__).with_name("fake_unit.py")


@contextmanager
def unit(folder, answers=-1):
    """Run a unit and yield its port."""
    command = [sys.executable, str(FAKE_UNIT), str(folder), str(answers)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(smp_link, "SETTLE_S", 0.0)  # the fake resets before it reads on
    monkeypatch.setattr(smp_link, "ANSWER_S", 0.5)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("FIELDBEAT_HOME", str(tmp_path / "home"))
    made = tmp_path / "unit"
    made.mkdir()
    return made


def test_provision_by_command(folder, capsys):
    with unit(folder) as port:
        assert main(["provision", "--port", port, str(EXAMPLE), "--unit", "gh-7"]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert [line.split()[0] for line in lines] == [
            *("talk", "identity", "registry", "key", "config", "lock", "reset", "done")
        ]
        assert main(["provision", "--port", port, str(EXAMPLE), "--unit", "gh-7", "--json"]) == 0
        again = json.loads(capsys.readouterr().out)
    assert (again["name"], again["kid"], again["state"]) == ("gh-7", "0001", "provisioned")
    nvs = json.loads((folder / "nvs.json").read_text())
    registry = Registry()
    assert bytes.fromhex(nvs["key"]) == registry.keys(b"\0\1")[0][1] + bytes((0, 0, 0, 1, 0, 1))
    assert bytes.fromhex(nvs["unit"]) == b"gh-7"


def test_provision_by_a_plan_of_units(folder, tmp_path, capsys):
    plan = village(tmp_path, rows(9))
    assert main(["provision", "--port", "/dev/null", str(plan)]) == 2
    told = capsys.readouterr().err
    assert "is a plan of 9 units; next: name one of them: --unit, allowed: gh-1, gh-2" in told
    with unit(folder) as port:
        assert main(["provision", "--port", port, str(plan), "--unit", "gh-7"]) == 0
    known = Registry().unit("gh-7")
    assert (known.site, known.state) == ("valley", "provisioned")


def test_provision_with_the_password_of_a_wifi(folder, capsys, monkeypatch):
    example = EXAMPLE.with_name("speaker-nbiot.toml")
    monkeypatch.setenv("FIELDBEAT_WIFI_PASSWORD", "correct horse")
    with unit(folder) as port:
        assert main(["provision", "--port", port, str(example)]) == 0
        monkeypatch.delenv("FIELDBEAT_WIFI_PASSWORD")
        assert main(["provision", "--port", port, str(example)]) == 0  # the registry knows it
        told = capsys.readouterr()
        assert "'riverside-poles': written and compared" in told.out
        assert "horse" not in told.out + told.err
        assert main(["console", "--port", port, "--exec", "config"]) in (0, 1)
        assert "horse" not in capsys.readouterr().out
        with SmpLink(port) as link:
            assert len(link.read_setting("key/wifi_check")) == 4
            with pytest.raises(Refused):
                link.read_setting("key/wifi_password")
    nvs = json.loads((folder / "nvs.json").read_text())
    assert bytes.fromhex(nvs["wifi"]) == b"correct horse"


@pytest.mark.parametrize("answers", [1, 10, 14, 17, 20])
def test_provision_goes_on_after_a_pulled_cable(folder, capsys, answers):
    with unit(folder, answers) as port:
        assert main(["provision", "--port", port, str(EXAMPLE)]) in (1, 2)
        error = capsys.readouterr().err
        assert error.startswith("error: ") and len(error.splitlines()) == 1
    with unit(folder) as port:
        assert main(["provision", "--port", port, str(EXAMPLE)]) == 0
    assert [entry.state for entry in Registry().units()] == ["provisioned"]


def test_provision_says_that_a_unit_is_in_safe_mode_and_why(folder, capsys):
    (folder / "safe_mode").write_text("cannot start: KeyError('x')")
    with unit(folder) as port:
        assert main(["provision", "--port", port, str(EXAMPLE)]) == 1
    said = capsys.readouterr()
    assert "state     safe mode: cannot start: KeyError('x')\n" in said.out
    assert "is in safe mode: cannot start: KeyError('x'); next: see 'log'" in said.err


def test_an_interrupted_provision_says_how_it_goes_on(folder, capsys, monkeypatch):
    def interrupt(self):
        raise KeyboardInterrupt

    monkeypatch.setattr(SmpLink, "information", interrupt)
    with unit(folder) as port:
        assert main(["provision", "--port", port, str(EXAMPLE)]) == 130
    assert capsys.readouterr().err == (
        "error: interrupted, the unit is not provisioned yet; "
        "next: run the same command again, it goes on where it stopped\n"
    )


@pytest.fixture
def answering():
    """A port where the same bytes answer whatever is sent; yields a function that opens one."""
    ends = []

    def answer(near, said):
        with suppress(OSError):
            while os.read(near, 4096):
                os.write(near, said)

    def start(said):
        near, far = pty.openpty()
        tty.setraw(far)
        ends.extend((near, far))
        threading.Thread(target=answer, args=(near, said), daemon=True).start()
        return os.ttyname(far)

    yield start
    for end in reversed(ends):
        os.close(end)


@pytest.mark.parametrize("prompt", [b"NameError: name 'AAoAAA'\r\n>>> ", b"\r\n... "])
def test_a_unit_at_the_prompt_of_micropython_is_no_silent_one(answering, capsys, prompt):
    port = answering(b"AAoAAA\r\n" + prompt)
    for verb in (["console", "--exec", "status"], ["provision", str(EXAMPLE)]):
        assert main([verb[0], "--port", port, *verb[1:]]) == 2
        said = capsys.readouterr().err
        assert "stands at the MicroPython prompt; next: press Ctrl-D in 'fieldbeat con" in said


def test_a_verb_that_is_empty_is_refused(capsys):
    assert main(["console", "--port", "/dev/null", "--exec", " "]) == 2
    assert "--exec names no verb; next: give one" in capsys.readouterr().err


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_who_waits_is_told_what_for(answering, capsys, monkeypatch, options):
    monkeypatch.setattr(smp_link.SmpLink.wait, "__defaults__", (1.5,))
    port = answering(b"")
    assert main(["console", "--port", port, "--exec", "status", *options]) == 2
    lines = capsys.readouterr().err.splitlines()
    if options:
        [line] = lines
        assert json.loads(line)["error"].startswith(f"{port} is silent")
    else:
        assert lines[0] == f"waiting for the unit at {port}, at most 2 s ..."
        assert lines[1].startswith(f"error: {port} is silent") and len(lines) == 2


def test_the_key_cannot_be_read(folder):
    with unit(folder) as port, SmpLink(port) as link:
        link.wait()
        link.write_setting("key/master", bytes(range(16)))
        with pytest.raises(Refused, match="READ_NOT_SUPPORTED"):
            link.read_setting("key/master")
        assert link.read_setting("no/such") is None


def test_a_unit_that_has_no_heap_now_is_asked_again(folder, monkeypatch):
    monkeypatch.setattr(smp_link, "ROOM_S", 0.0)
    no_heap = folder / "no_heap"
    with unit(folder) as port, SmpLink(port) as link:
        link.wait()
        link.write_setting("id/unit", b"gh-1")
        no_heap.write_text("2")
        assert link.read_setting("id/unit") == b"gh-1" and no_heap.read_text() == "0"
        no_heap.write_text("99")
        with pytest.raises(Refused, match="ENOMEM.*next: no heap for it now, ask again"):
            link.read_setting("id/unit")


def test_files_of_several_chunks(folder):
    data = bytes(range(256)) * 10
    with unit(folder) as port, SmpLink(port) as link:
        link.wait()
        link.upload("/config.new", data)
        assert link.download("/config.new") == data
        assert link.download("/crash.txt") is None
        with pytest.raises(Refused, match="FILE_INVALID_NAME"):
            link.download("/boot.py")
        with pytest.raises(Refused, match="the configuration.*next: "):
            link.commit_settings()


def test_console_runs_one_verb(folder, capsys, monkeypatch):
    with unit(folder) as port:
        assert main(["console", "--port", port, "--exec", "status"]) == 0
        assert capsys.readouterr().out == "unit    gh-1\nuptime  7 s\n"
        assert main(["console", "--port", port, "--exec", "dance"]) == 1
        assert "unknown verb dance" in capsys.readouterr().out
        monkeypatch.setenv("FIELDBEAT_LANG", "zh")
        assert main(["console", "--port", port, "--exec", "status"]) == 0
        assert capsys.readouterr().out == "设备    gh-1\n已运行  7 s\n"
        assert main(["console", "--port", port, "--exec", "status", "--json"]) == 0
        assert json.loads(capsys.readouterr().out)["code"] == 0


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("en", "waiting for the answer to 'uplink test': with network and server this takes at"),
        ("zh", "正在等待 'uplink test' 的应答：连同网络和服务器最多需要 180 秒"),
    ],
)
def test_who_has_a_unit_report_is_told_at_once_how_long_that_may_take(
    folder, capsys, monkeypatch, language, told
):
    monkeypatch.setenv("FIELDBEAT_LANG", language)
    verb = ["--exec", "uplink test"]
    for options in ([], ["--json"]):
        with unit(folder) as port:  # gone before its answer comes
            assert main(["console", "--port", port, *verb, *options]) == 1
        *_, before, error = ["", *capsys.readouterr().err.splitlines()]
        assert port in error and before.startswith(told) == (not options)
    with unit(folder) as port:
        assert main(["console", "--port", port, "--exec", "status"]) == 0
    assert told not in capsys.readouterr().err


def test_console_writes_a_line_of_json_for_each_verb(folder, capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("status\ndance\n"))
    with unit(folder) as port:
        assert main(["console", "--port", port, "--json"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [json.loads(line)["verb"] for line in lines] == ["status", "dance"]


def test_console_takes_verbs_from_a_pipe(folder, capsys, monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.StringIO("status\n\ndance\n"))
    with unit(folder) as port:
        assert main(["console", "--port", port]) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "unknown verb dance; type help"


def test_console_unlocks_by_a_code_that_no_other_program_sees(folder, capsys, monkeypatch):
    file, code = folder / "gh.code", "7ZK40M1X"
    file.write_text("7zk4-0m1x\n")
    file.chmod(0o600)
    with unit(folder) as port:
        with SmpLink(port) as link:
            link.wait()
            link.write_setting("key/code", unit_code.for_unit(code))
            link.reset()
        console = ["console", "--port", port]
        assert main([*console, "--exec", "unlock", "--code-file", str(file), "--json"]) == 0
        said = json.loads(capsys.readouterr().out)
        assert (said["verb"], said["output"]) == ("unlock", "unlocked")
        monkeypatch.setenv(unit_code.VARIABLE, code)
        assert main([*console, "--exec", "unlock"]) == 0
        monkeypatch.delenv(unit_code.VARIABLE)
        monkeypatch.setattr(sys, "stdin", io.StringIO(f"unlock {code}\nUNLOCK {code}\n"))
        capsys.readouterr()
        assert main([*console, "--json"]) == 1
        said = capsys.readouterr()
        assert '"verb": "unlock ***"' in said.out and '"verb": "UNLOCK ***"' in said.out
        assert code not in said.out + said.err
        assert main([*console, "--exec", "unlock"]) == 2
        assert "nobody is there to ask for the code" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["unlock 7ZK4-0M1X", " Unlock  7ZK4 0M1X"])
def test_console_takes_no_code_as_an_argument(folder, capsys, verb):
    assert main(["console", "--port", str(folder / "none"), "--exec", verb]) == 2
    said = capsys.readouterr()
    assert "other programs can read a code behind --exec" in said.err
    assert "--code-file FILE" in said.err and "7ZK4" not in said.out + said.err


def test_a_terminal_carries_every_byte_until_ctrl_bracket():
    keyboard, keys = os.pipe()
    shown, screen = os.pipe()
    far, near = pty.openpty()
    line = serial_port.open_port(os.ttyname(near), timeout_s=0.1)
    thread = threading.Thread(target=pump, args=(keyboard, screen, line))
    thread.start()
    os.write(keys, b"status\r\x03")
    typed = b""
    while len(typed) < 8:
        typed += os.read(far, 100)
    os.write(far, b"unit gh-1\r\n")
    seen = b""
    while len(seen) < 11:
        seen += os.read(shown, 100)
    os.write(keys, b"x\x1dnot sent")
    thread.join(5)
    assert not thread.is_alive()
    assert (typed, seen, os.read(far, 100)) == (b"status\r\x03", b"unit gh-1\r\n", b"x")
    line.close()
    for file in (keyboard, keys, shown, screen, near, far):
        os.close(file)


def test_a_terminal_ends_when_its_port_is_lost():
    keyboard, keys = os.pipe()
    far, near = pty.openpty()
    line = serial_port.open_port(os.ttyname(near), timeout_s=0.1)
    os.close(near)
    os.close(far)
    with pytest.raises(OSError):
        pump(keyboard, keys, line)
    line.close()
    os.close(keyboard)
    os.close(keys)


@contextmanager
def over_tcp(port):
    """Serve a serial port by TCP, byte for byte, and yield the URL."""
    server = socket.create_server(("127.0.0.1", 0))
    local = os.open(port, os.O_RDWR | os.O_NOCTTY)
    ended, end = os.pipe()

    def serve():
        connection = None
        while True:
            waiting = [server, local, ended] + ([connection] if connection else [])
            readable, _, _ = select.select(waiting, [], [])
            if ended in readable:
                break
            if server in readable:
                connection = server.accept()[0]
            if connection in readable:
                data = connection.recv(4096)
                if not data:
                    connection = None
                os.write(local, data)
            if local in readable:
                connection.sendall(os.read(local, 4096))

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"socket://127.0.0.1:{server.getsockname()[1]}"
    finally:
        os.write(end, b".")
        thread.join()
        server.close()
        for file in (local, ended, end):
            os.close(file)


def test_a_port_may_be_on_another_machine(folder, capsys):
    with unit(folder) as port, over_tcp(port) as url:
        assert main(["provision", "--port", url, str(EXAMPLE)]) == 0
        capsys.readouterr()
        assert main(["console", "--port", url, "--exec", "status"]) == 0
        assert capsys.readouterr().out.startswith("unit")
        keyboard, keys = os.pipe()
        line = serial_port.open_port(url, timeout_s=0.1)
        shown, screen = os.pipe()
        thread = threading.Thread(target=pump, args=(keyboard, screen, line))
        thread.start()
        os.write(keys, b"\x1d")
        thread.join()
        line.close()
        for file in (keyboard, keys, shown, screen):
            os.close(file)
    with socket.create_server(("127.0.0.1", 0)) as server:
        nobody = f"socket://127.0.0.1:{server.getsockname()[1]}"
    for verb in (["provision", str(EXAMPLE)], ["console", "--exec", "status"]):
        assert main([*verb, "--port", nobody]) == 2
        assert f"nobody answers at {nobody}" in capsys.readouterr().err


def test_no_port(folder, capsys):
    assert main(["provision", "--port", "/dev/ttyNONE", str(EXAMPLE)]) == 2
    assert "there is no port /dev/ttyNONE; next: plug" in capsys.readouterr().err


def test_a_busy_port(folder, capsys):
    with unit(folder) as port, SmpLink(port):
        assert main(["console", "--port", port, "--exec", "status"]) == 2
    assert f"{port} is busy; next: close the program" in capsys.readouterr().err


def test_something_that_is_no_port(tmp_path, capsys):
    file = tmp_path / "file"
    file.touch()
    assert main(["console", "--port", str(file), "--exec", "status"]) == 2
    assert "next: name the serial port of a board" in capsys.readouterr().err


@pytest.mark.parametrize(
    "noise", [b"", b"\x06\x09AAA\n\x04\x14=\n\x06\x09" + b"QUFB" * 30 + b"\n"]
)
def test_a_port_without_answers(noise):
    near, far = pty.openpty()
    port = os.ttyname(far)
    with SmpLink(port) as link:
        os.write(near, noise)
        with pytest.raises(CannotTry, match="is silent.*next: see that the board has power"):
            link.wait(0.1)
    os.close(near)
    os.close(far)


def test_a_key_that_nobody_answered_is_in_no_log(caplog):
    caplog.set_level(0)  # as whoever looks for a mistake sets it
    near, far = pty.openpty()
    with SmpLink(os.ttyname(far)) as link, pytest.raises(LinkError, match="no answer"):
        link.write_setting("key/master", b"MASTERKEY-16byte")
    assert "MASTERKEY" not in caplog.text
    os.close(near)
    os.close(far)


def test_no_message_has_a_code():
    near, far = pty.openpty()
    with SmpLink(os.ttyname(far)) as link:
        with pytest.raises(LinkError, match="no answer to 'operate fan 0 60'"):
            link.run(["operate", "fan", "0", "60"], timeout_s=0.1)
        for verb in ("unlock", "UNLOCK"):  # as codes are printed
            with pytest.raises(LinkError, match=rf"no answer to '{verb} \*\*\*'"):
                link.run([verb, "7ZK40M1X"], timeout_s=0.1)
    os.close(near)
    os.close(far)


@pytest.mark.parametrize(
    ("port", "step"),
    [
        ("/dev/ttyUSB0", "see that the cable is plugged in and the board powered"),
        ("rfc2217://10.0.0.7:4001", "see that the server of this port runs and that the network"),
    ],
)
def test_what_to_do_about_a_lost_port_fits_the_port(port, step):
    assert serial_port.lost_step(port).startswith(step)


def test_a_port_that_vanishes(folder):
    near, far = pty.openpty()
    with SmpLink(os.ttyname(far)) as link:
        os.close(far)
        os.close(near)
        with pytest.raises(LinkError, match="was lost; next: see that the cable"):
            link.wait(0.1)
