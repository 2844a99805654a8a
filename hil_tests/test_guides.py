"""What the guides show is what happens: their blocks are run against virtual boards."""

from __future__ import annotations

import re
from contextlib import closing

import pytest

from . import transcripts
from .transcripts import ROOT, Differs, Page, blocks, lines_of, matches

DOCS = ROOT / "docs"
TECHNICIANS = DOCS / "technicians-guide.md"


@pytest.mark.long
def test_a_newcomer_gets_from_bare_to_certified(tmp_path):
    with closing(Page(TECHNICIANS, tmp_path)) as page:
        page.run()
        said = "".join(answer for _, answer in page.said)
    assert "3 of 3 done" in said
    assert [len(re.findall(rf"gh-0{n}: PASSED", said)) for n in (1, 2, 3)] == [1, 2, 1]
    assert said.count("genuine: gh-0") == 3
    assert "gh-02 is provisioned as key id" in said


@pytest.mark.parametrize("ends", [True, False])
def test_what_never_begins_fails_the_page(tmp_path, monkeypatch, ends):
    terminal = transcripts.Terminal(tmp_path)
    terminal.paste("true")
    command = "echo at first" if ends else "echo at first; exec sleep 600"
    monkeypatch.setattr(transcripts, "TIMEOUT_S", 60 if ends else 0.5)
    with closing(terminal), pytest.raises(Differs, match="it has ended: ") as told:
        terminal.beside(command)
    assert "\nat first\n" in str(told.value) and ("(not begun in" in str(told.value)) != ends


def code(path):
    """The blocks of a page without their remarks, which are in its language."""
    found = blocks(path.read_text("utf-8"))
    texts = [re.sub(r" *(^|(?<= ))#.*", "", block.text) for block in found]
    return [(block.language, block.words, text) for block, text in zip(found, texts, strict=True)]


def headings(path):
    """How deep each heading is, and its number if it has one."""
    text = re.sub(r"^```.*?^```", "", path.read_text("utf-8"), flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"^(#+ (?:\d+\.)?)", text, re.MULTILINE)


def links(path):
    return re.findall(r"\]\(([^)#]+)", path.read_text("utf-8"))


def test_both_languages_say_the_same():
    chinese = DOCS / "technicians-guide.zh.md"
    assert code(chinese) == code(TECHNICIANS)
    assert headings(chinese) == headings(TECHNICIANS)
    ours, theirs = links(TECHNICIANS), links(chinese)
    ours.remove(chinese.name)
    theirs.remove(TECHNICIANS.name)
    assert theirs == ours


@pytest.mark.parametrize(
    "shown, said, same",
    [
        ("a\nb", "a\r\nb\r\n", True),
        ("a", "a\nb\n", False),
        ("a\n...\nc", "a\nc\n", True),
        ("a\n...\nc", "a\nb\nb\nc\n", True),
        ("a\n...\nc", "a\nb\n", False),
        ("at ... s", "at 12.5 s", True),
        ("at ... s", "at 12.5 min", False),
        ("a.b", "axb", False),
        ("...", "", True),
        ("", "", True),
        ("", "x", False),
        ("green", "\x1b[32mgreen\x1b[0m  \n\n", True),
        ("done", "10%\r50%\rdone\n", True),
    ],
)
def test_answers_are_compared(shown, said, same):
    assert matches(shown.splitlines(), said) is same, lines_of(said)


def broken(tmp_path, block):
    page = tmp_path / "page.md"
    page.write_text(f"# A page\n\n{block}\n", "utf-8")
    folder = tmp_path / "work"
    folder.mkdir()
    with closing(Page(page, folder)) as opened:
        opened.run()


@pytest.mark.parametrize(
    "block, said",
    [
        ("```sh run\ntrue\nfalse\ntrue\n```", "page.md:4: 'false' has failed"),
        ("```console run\n$ echo a\nb\n```", "page.md:4: echo a\n--- shown\nb\n--- said\na"),
        ("```console run\nfieldbeat> status\n```", "typed before 'fieldbeat console'"),
        ("```console run\nb\n```", "a transcript begins with"),
        ("```sh run apart\necho gone\n```", "it has ended: echo gone"),
    ],
)
def test_a_page_that_is_wrong_is_noticed(tmp_path, block, said):
    with pytest.raises(AssertionError, match=re.escape(said)):
        broken(tmp_path, block)


def test_what_is_set_in_one_block_is_there_in_the_next(tmp_path):
    one = "```sh run\nNAME='two words'\ncd docs\n```"
    two = "```console run\n$ echo $NAME; pwd -P\ntwo words\n...docs\n$ printenv NAME\n...\n```"
    broken(tmp_path, f"{one}\n\n{two}")


def test_a_file_of_the_page_is_saved(tmp_path):
    broken(
        tmp_path,
        "```python file=a.py\nprint(6 * 7)\n```\n\n```console run\n$ python a.py\n42\n```",
    )


@pytest.mark.long
def test_what_integrators_read_and_set(tmp_path):
    with closing(Page(DOCS / "integrators-guide.md", tmp_path)) as page:
        page.run()
    assert len(page.said) > 20
