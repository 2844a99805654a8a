"""The command line itself: verbs from entry points, exit codes, one line an error, fast help."""

import json
import os
import subprocess
import sys
from importlib.metadata import EntryPoint

import pytest
import typer
from fieldbeat.host_tools import cli
from fieldbeat.host_tools.errors import CannotTry, FieldbeatError

HEAVY = ("rich", "pydantic", "esptool", "serial", "cryptography", "cbor2", "littlefs")


def plain_verb(number: int = 1) -> None:
    """Does one thing.

    \b
    Example:
        fieldbeat plain --number 2
    """
    print("plain", number)


def failing(as_json: bool = typer.Option(False, "--json")) -> None:
    raise FieldbeatError("the pump is dry", "fill it")


def untried() -> None:
    raise CannotTry("there is no pump", "buy one")


def broken() -> None:
    raise ZeroDivisionError("by\nnought")


def interrupted() -> None:
    raise KeyboardInterrupt


def code() -> int:
    return 7


group = typer.Typer(rich_markup_mode=None)
single = typer.Typer()


@group.command()
def left() -> None:
    """Goes left, in a sentence of which somebody who reads the help wants to know the very end.

    Then more.
    """
    print("left")


@group.command()
def right() -> None:
    print("right")


@single.command()
def only(name: str = typer.Argument("nobody")) -> None:
    print("hello", name)


@pytest.fixture(autouse=True)
def some_verbs(monkeypatch):
    targets = (
        "plain:plain_verb failing untried broken interrupted code group single gone:no_such_name"
    )
    points = {}
    for target in targets.split():
        name, _, attribute = target.partition(":")
        value = f"{__name__}:{attribute or name}"
        points[name] = EntryPoint(name, value, cli.ENTRY_POINT_GROUP)
    points["absent"] = EntryPoint("absent", "no_such_package.x:y", cli.ENTRY_POINT_GROUP)
    monkeypatch.setattr(cli, "verbs", lambda: points)


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        (["plain"], "plain 1"),
        (["plain", "--number", "3"], "plain 3"),
        (["group", "right"], "right"),
        (["single"], "hello nobody"),
        (["single", "you"], "hello you"),
    ],
)
def test_functions_groups_and_single_apps_are_verbs(capsys, arguments, printed):
    assert cli.main(arguments) == 0
    assert capsys.readouterr().out.strip() == printed


@pytest.mark.parametrize(
    ("arguments", "exit_code", "line"),
    [
        (["failing"], 1, "error: the pump is dry; next: fill it"),
        (["untried"], 2, "error: there is no pump; next: buy one"),
        (["broken"], 1, "error: unexpected ZeroDivisionError: by nought; next: run it again with"),
        (["plain", "--number", "x"], 2, "error: Invalid value for '--number'"),
        (["plain", "more"], 2, "next: see 'fieldbeat plain --help'"),
        (["group"], 2, "error: Missing command; next: see 'fieldbeat group --help'"),
        (["plian"], 2, "Did you mean 'plain'"),
        (["gone"], 2, "error: the verb 'gone' cannot be loaded"),
        (["absent"], 2, "No module named 'no_such_package'"),
    ],
)
def test_an_error_is_one_line_that_says_what_to_do(capsys, arguments, exit_code, line):
    assert cli.main(arguments) == exit_code
    shown = capsys.readouterr().err
    assert line in shown
    assert shown.count("\n") == 1 and "; next: " in shown


def test_with_json_an_error_is_a_line_of_json_on_stderr(capsys):
    assert cli.main(["failing", "--json"]) == 1
    told = capsys.readouterr()
    assert told.out == "" and told.err.count("\n") == 1
    assert json.loads(told.err) == {
        "error": "the pump is dry",
        "next": "fill it",
        "exit_code": 1,
    }


def test_ctrl_c_is_said(capsys):
    assert cli.main(["interrupted"]) == 130
    assert "error: interrupted; next: run the same command again" in capsys.readouterr().err


def test_the_help_of_a_group_cuts_no_sentence_off(capsys):
    assert cli.main(["group", "--help"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "wants to know the very end. right" in shown and "more" not in shown


@pytest.mark.parametrize("arguments", [["--debug", "failing"], ["failing", "--debug"]])
def test_debug_shows_the_traceback_wherever_it_stands(capsys, arguments):
    assert cli.main(arguments) == 1
    assert "Traceback" in capsys.readouterr().err


def test_a_verb_may_return_its_exit_code():
    assert cli.main(["code"]) == 7


def test_help_has_the_first_docstring_line_of_each_module(capsys):
    assert cli.main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert "plain" in shown and "The command line itself: verbs from entry points" in shown
    assert "absent" in shown and "(cannot be loaded)" in shown


def test_no_arguments_show_the_help(capsys):
    assert cli.main([]) == 0
    assert "Verbs:" in capsys.readouterr().out


def test_the_help_names_the_files_that_are_taken_by_default(capsys, monkeypatch):
    monkeypatch.undo()
    assert cli.main(["show", "--help"]) == 0
    shown = "".join(capsys.readouterr().out.split())
    assert "default:" in shown and "store.sqlite." in shown and "registry.sqlite." in shown


def test_help_imports_no_verb_and_nothing_heavy():
    script = (
        "import sys, json\n"
        "from fieldbeat.host_tools import cli\n"
        "assert cli.main(['--help']) == 0\n"
        "print(json.dumps(sorted(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    loaded = set(json.loads(done.stderr))
    assert not loaded.intersection(HEAVY)
    assert not [name for name in loaded if ".commands." in name]


def our_verbs() -> list[list[str]]:
    """Every verb of this distribution, with the verbs below it."""
    found = []
    for point in cli.entry_points(group=cli.ENTRY_POINT_GROUP):
        if point.module.startswith("fieldbeat.host_tools"):
            command = cli.load(point)
            below = getattr(command, "commands", None)
            found += [[point.name, name] for name in below] if below else [[point.name]]
    return found


def test_the_help_of_every_verb_shows_an_example(capsys, monkeypatch):
    monkeypatch.undo()
    verbs = our_verbs()
    assert ["config", "check"] in verbs and ["flash"] in verbs
    for verb in verbs:
        assert cli.main([*verb, "--help"]) == 0
        assert f"fieldbeat {' '.join(verb)}" in capsys.readouterr().out.partition("Example:")[2]


@pytest.mark.parametrize(
    ("words", "who"),
    [
        ("host_tools.cli pictures sheet river-1 --out x.png", "'fieldbeat pictures sheet'"),
        ("host_tools.cli bench up river_cam_esp32_uart --for 1", "'fieldbeat bench up'"),
        ("hil_tests.demo river", "the demo 'river'"),
    ],
)
def test_a_library_that_is_not_there_is_named_with_its_extra(tmp_path, words, who):
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.modules['cv2'] = None")
    environment = os.environ | {"PYTHONPATH": str(tmp_path), "FIELDBEAT_HOME": str(tmp_path)}
    run = [sys.executable, "-m", *f"fieldbeat.{words}".split()]
    done = subprocess.run(run, env=environment, capture_output=True, text=True)
    told = f"error: {who} needs OpenCV; next: pip install 'fieldbeat[pictures]'\n"
    assert (done.returncode, done.stderr) == (2, told)
