"""Fetching official builds from a local server that behaves well and badly."""

import errno
import hashlib
import json
import os
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from fieldbeat.host_tools import boards, cli, firmware_cache
from fieldbeat.host_tools.errors import CannotTry
from fieldbeat.host_tools.firmware_cache import FirmwareError

BUILD = bytes(range(256)) * 1000
BOARD = boards.load("greenhouse_esp32")
SHA256 = hashlib.sha256(BUILD).hexdigest()


class Publisher(BaseHTTPRequestHandler):
    """Serves BUILD at /good.bin, half of it at /short.bin, other bytes at /changed.bin."""

    requests: list[str] = []

    def do_GET(self) -> None:
        self.requests.append(self.path)
        if self.path == "/missing.bin":
            self.send_error(404)
            return
        body = BUILD[::-1] if self.path == "/changed.bin" else BUILD
        self.send_response(200)
        if self.path != "/unmarked.bin":
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if self.path == "/short.bin" else body)

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture(scope="module")
def publisher():
    server = HTTPServer(("127.0.0.1", 0), Publisher)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("FIELDBEAT_CACHE", str(tmp_path / "cache"))
    Publisher.requests.clear()
    return tmp_path / "cache"


def board(url: str, sha256: str | None = SHA256) -> boards.Board:
    micropython = BOARD.micropython.model_copy(update={"url": url, "sha256": sha256})
    return BOARD.model_copy(update={"micropython": micropython})


def left_in(cache) -> list[str]:
    return sorted(path.name for path in cache.iterdir()) if cache.exists() else []


def test_a_build_is_fetched_once_and_read_back(publisher, cache):
    node = board(publisher + "/good.bin")
    seen = []
    cached = firmware_cache.get(node, progress=lambda done, total: seen.append((done, total)))
    assert cached.present and cached.path.read_bytes() == BUILD
    assert seen[-1] == (len(BUILD), len(BUILD))
    assert firmware_cache.read(node) == BUILD
    firmware_cache.get(node)
    assert Publisher.requests == ["/good.bin"]
    assert left_in(cache) == ["good.bin", "lock.json"]


def test_a_server_that_does_not_tell_the_length(publisher, cache):
    assert firmware_cache.get(board(publisher + "/unmarked.bin")).present


@pytest.mark.parametrize(
    ("path", "error", "message"),
    [
        ("/changed.bin", FirmwareError, f"expected {SHA256}"),
        ("/short.bin", FirmwareError, "the download was cut short"),
        ("/missing.bin", CannotTry, "the server answers 404"),
    ],
)
def test_what_must_not_be_used_is_not_kept(publisher, cache, path, error, message):
    with pytest.raises(error, match=message):
        firmware_cache.get(board(publisher + path))
    assert left_in(cache) == []


def test_no_network(cache):
    with pytest.raises(CannotTry, match="cannot be fetched: .*refused") as caught:
        firmware_cache.get(board("http://127.0.0.1:9/x.bin"))
    assert "build with --base FILE" in caught.value.next_step
    assert left_in(cache) == []


class FullDisk:
    """A folder of a file system without space, as far as a program sees it."""

    def __init__(self, monkeypatch):
        make = tempfile.NamedTemporaryFile

        def full(**options):
            file = make(**options)
            monkeypatch.setattr(file, "write", self.write)
            return file

        monkeypatch.setattr(tempfile, "NamedTemporaryFile", full)

    def write(self, data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_full_disk_is_not_taken_for_the_network(publisher, cache, monkeypatch):
    FullDisk(monkeypatch)
    with pytest.raises(
        CannotTry, match=f"the cache {cache} cannot be written: No space"
    ) as caught:
        firmware_cache.get(board(publisher + "/good.bin"))
    assert "free space there" in caught.value.next_step
    assert left_in(cache) == []


def test_without_a_hash_nothing_is_fetched(publisher, cache):
    with pytest.raises(CannotTry, match="no sha256 is known") as caught:
        firmware_cache.get(board(publisher + "/good.bin", None))
    assert "--trust-first" in caught.value.next_step and Publisher.requests == []
    with pytest.raises(CannotTry, match="next: fieldbeat firmware get .* --trust-first, or "):
        firmware_cache.read(board(publisher + "/good.bin", None))
    with pytest.raises(CannotTry) as caught:
        firmware_cache.read(board(publisher + "/good.bin", SHA256))
    assert "--trust-first" not in caught.value.next_step


def test_the_first_download_is_remembered(publisher, cache):
    node = board(publisher + "/good.bin", None)
    assert firmware_cache.get(node, trust_first=True).sha256 == SHA256
    assert json.loads((cache / "lock.json").read_text()) == {publisher + "/good.bin": SHA256}
    assert firmware_cache.read(node) == BUILD
    (cache / "good.bin").unlink()
    assert firmware_cache.get(node).present  # no flag is needed the second time
    with pytest.raises(FirmwareError, match="contradicts .*lock.json"):
        firmware_cache.get(node, "0" * 64)


def test_the_hash_of_the_user_counts(publisher, cache):
    node = board(publisher + "/good.bin", None)
    with pytest.raises(FirmwareError, match="expected 0000"):
        firmware_cache.get(node, "0" * 64)
    assert firmware_cache.get(node, SHA256.upper()).present
    with pytest.raises(CannotTry, match="this is no SHA-256"):
        firmware_cache.get(node, "12")


def test_the_hash_of_the_user_may_not_contradict_the_manifest(publisher, cache):
    with pytest.raises(FirmwareError, match="contradicts the manifest"):
        firmware_cache.get(board(publisher + "/good.bin"), "0" * 64)


def test_a_changed_file_in_the_cache_is_refused_and_fetched_again(publisher, cache):
    node = board(publisher + "/good.bin")
    firmware_cache.get(node)
    (cache / "good.bin").write_bytes(BUILD[:-1])
    with pytest.raises(FirmwareError, match="has changed"):
        firmware_cache.read(node)
    assert firmware_cache.get(node).path.read_bytes() == BUILD


def test_a_damaged_lock_file(publisher, cache):
    cache.mkdir()
    (cache / "lock.json").write_text("{")
    with pytest.raises(CannotTry, match="is damaged"):
        firmware_cache.get(board(publisher + "/good.bin", None))


def test_an_absurdly_big_file_is_cut_off(publisher, cache, monkeypatch):
    monkeypatch.setattr(firmware_cache, "LARGEST_BYTES", 1000)
    with pytest.raises(FirmwareError, match="is bigger than 1000 bytes"):
        firmware_cache.get(board(publisher + "/good.bin"))
    assert left_in(cache) == []


def test_the_verbs(publisher, cache, monkeypatch, capsys):
    monkeypatch.setattr(boards, "load", lambda name: board(publisher + "/good.bin"))
    assert cli.main(["firmware", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["present"] is False
    assert cli.main(["firmware", "get", "greenhouse_esp32"]) == 0
    assert SHA256 in capsys.readouterr().out
    assert cli.main(["firmware", "list"]) == 0
    assert "yes" in capsys.readouterr().out
