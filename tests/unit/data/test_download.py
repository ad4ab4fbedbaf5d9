"""Downloads, where servers, networks and disks do what they can do wrong."""

import gzip
import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from dltk.config.errors import IntegrityError, MissingInput, Unavailable, WriteError
from dltk.data import download, transfer
from dltk.data.download import Remote, fetch, pinned_digest
from tests.servers import CONTENT, TEXT, VERSION, Server, says, sends, server

__all__ = ["server"]


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "set" / "a.gz"


def leftovers(target: Path) -> list[str]:
    return sorted(path.name for path in target.parent.iterdir() if path != target)


def test_a_file_comes_whole_with_its_digest_beside_it_and_says_its_size_first(server, target, capsys):
    fetch(Remote("set/a.gz", (server.url(),)), target)
    assert target.read_bytes() == CONTENT
    assert leftovers(target) == ["a.gz.sha256"]
    assert pinned_digest(target) == hashlib.sha256(CONTENT).hexdigest()
    (line,) = capsys.readouterr().err.splitlines()
    assert line == f"downloading a.gz ({len(CONTENT) / 1000:.1f} kB) from 127.0.0.1 to {target.parent}"


def test_a_broken_connection_is_gone_on_with_where_it_broke(server, target):
    server.behaviours = [sends(CONTENT, until=100_000), sends(CONTENT, until=200_000), sends(CONTENT)]
    fetch(Remote("set/a.gz", (server.url(),)), target)
    assert target.read_bytes() == CONTENT
    asked = [headers for _, headers in server.requests]
    assert asked == [{}, *({"Range": f"bytes={n}-", "If-Range": VERSION} for n in (100_000, 200_000))]


def test_a_file_that_changed_on_the_server_is_taken_from_its_start(server, target):
    new = gzip.compress(os.urandom(150_000))
    server.behaviours = [sends(CONTENT, until=100_000), sends(new, version='"v2"')]
    fetch(Remote("set/a.gz", (server.url(),)), target)
    assert target.read_bytes() == new


@pytest.mark.parametrize("kind", [{"ignores_range": True}, {"version": ""}, {"version": 'W/"weak"'}])
def test_where_a_server_cannot_go_on_the_file_is_taken_from_its_start(server, target, kind):
    server.behaviours = [sends(CONTENT, until=100_000, **kind), sends(CONTENT, **kind)]
    fetch(Remote("set/a.gz", (server.url(),)), target)
    assert target.read_bytes() == CONTENT


def test_a_server_that_always_breaks_off_is_given_up_and_what_came_is_kept(server, target):
    server.behaviours = [sends(CONTENT, until=100_000)]
    with pytest.raises(Unavailable) as caught:
        fetch(Remote("set/a.gz", (server.url(),)), target)
    assert f"the connection ended after 100,000 of {len(CONTENT):,} bytes, 4 times" in caught.value.found
    assert str(target) in caught.value.do
    assert not target.exists()
    assert (target.parent / "a.gz.part").stat().st_size == 100_000


def test_an_overloaded_server_is_asked_again(server, target, capsys):
    server.behaviours = [says(503), says(500), sends(CONTENT)]
    fetch(Remote("set/a.gz", (server.url(),)), target)
    assert target.read_bytes() == CONTENT
    assert "the server says 503 Service Unavailable; trying again in" in capsys.readouterr().err


@pytest.mark.parametrize(("code", "times"), [(404, 1), (403, 1), (503, 4)])
def test_what_a_server_refuses_is_named_with_its_code(server, target, code, times):
    server.behaviours = [says(code)]
    with pytest.raises(Unavailable, match=r"'a\.gz' cannot be downloaded") as caught:
        fetch(Remote("set/a.gz", (server.url(),)), target)
    assert f"{server.url()}: the server says {code}" in caught.value.found
    assert caught.value.code == 69
    assert len(server.requests) == times


def test_the_next_address_is_asked_where_one_fails(server, target):
    server.behaviours = [says(404), sends(CONTENT)]
    fetch(Remote("set/a.gz", (server.url("gone.gz"), server.url("b.gz"))), target)
    assert target.read_bytes() == CONTENT
    assert [path for path, _ in server.requests] == ["/gone.gz", "/b.gz"]


def test_no_network_is_said_at_once_and_leaves_nothing(server, target):
    server.server_close()
    with pytest.raises(Unavailable) as caught:
        fetch(Remote("set/a.gz", (server.url(),)), target)
    assert "no connection: Connection refused" in caught.value.found
    assert leftovers(target) == []


def test_a_server_that_does_not_answer_is_given_up(server, target, monkeypatch):
    monkeypatch.setattr(transfer, "TIMEOUT_SECONDS", 0.05)
    server.behaviours = [lambda handler: time.sleep(0.3)]
    with pytest.raises(Unavailable) as caught:
        fetch(Remote("set/a.gz", (server.url(),)), target)
    assert "4 times" in caught.value.found


WRONG: dict[str, Any] = {
    "a web page": (b"\n<!DOCTYPE html><html>Log in</html>", {}, Unavailable, "a web page"),
    "another length": (CONTENT, {"num_bytes": 5}, Unavailable, "bytes instead of 5"),
    "another MD5": (CONTENT, {"md5": "0" * 32}, IntegrityError, "the MD5 is"),
    "no gzip": (TEXT, {}, Unavailable, "damaged"),
    "a cut gzip": (CONTENT[:-100], {}, Unavailable, "damaged"),
    "a flipped bit": (CONTENT[:9000] + b"\x01" + CONTENT[9001:], {}, Unavailable, "damaged"),
    "a bomb": (gzip.compress(bytes(80_000_000), 9), {}, IntegrityError, "unpacks to far more"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_content_is_asked_for_once_more_then_refused_and_kept_aside(server, target, case):
    content, stated, error, reason = WRONG[case]
    server.behaviours = [sends(content)]
    with pytest.raises(error) as caught:
        fetch(Remote("set/a.gz", (server.url(),), **stated), target)
    assert reason in caught.value.found
    assert not target.exists()
    if "num_bytes" not in stated:
        assert len(server.requests) == 2
        assert (target.parent / "a.gz.bad").read_bytes() == content


def test_wrong_content_may_come_right_the_second_time(server, target):
    server.behaviours = [sends(b"<html></html>"), sends(CONTENT)]
    fetch(Remote("set/a.gz", (server.url(),), md5=hashlib.md5(CONTENT).hexdigest()), target)
    assert target.read_bytes() == CONTENT


def test_a_text_needs_no_packing_and_a_server_may_not_know_its_length(server, target):
    server.behaviours = [sends(TEXT, says_length=False)]
    fetch(Remote("set/a.txt", (server.url("a.txt"),)), target.with_suffix(".txt"))
    assert target.with_suffix(".txt").read_bytes() == TEXT


@pytest.mark.parametrize("address", ["http://example.com/a.gz", "ftp://127.0.0.1/a.gz", "file:///etc/passwd"])
def test_only_https_is_asked_but_for_this_machine(server, target, address):
    with pytest.raises(Unavailable) as caught:
        fetch(Remote("set/a.gz", (address,)), target)
    assert "only https is safe" in caught.value.found


@pytest.mark.parametrize("address", ["http://example.com/a.gz", "file:///etc/passwd"])
def test_a_redirect_to_plain_http_is_refused(server, target, address):
    server.behaviours = [says(302, Location=address)]
    with pytest.raises(Unavailable) as caught:
        fetch(Remote("set/a.gz", (server.url(),)), target)
    assert "example.com" in caught.value.found or "302" in caught.value.found
    assert len(server.requests) == 1


def test_an_https_address_never_leads_to_plain_http_on_this_machine():
    with pytest.raises(transfer.Refused, match="only https"):
        transfer._refuse_insecure("http://127.0.0.1/a", came_from="https://example.com/a")


def test_a_full_disk_is_noticed_before_it_is_full(server, target, monkeypatch):
    monkeypatch.setattr(transfer.shutil, "disk_usage", lambda path: type("Usage", (), {"free": 1000}))  # type: ignore[attr-defined]
    with pytest.raises(WriteError, match=r"there is no room for a\.gz") as caught:
        fetch(Remote("set/a.gz", (server.url(),)), target)
    assert caught.value.found == "1.0 kB free"
    assert "$DLTK_CACHE" in caught.value.do


def test_a_cache_that_cannot_be_written_is_said(server, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(WriteError) as caught:
        fetch(Remote("set/a.gz", (server.url(),)), tmp_path / "file" / "a.gz")
    assert caught.value.code == 74


DOWNLOAD = """
import sys
from pathlib import Path
from dltk.data.download import Remote, fetch
fetch(Remote("set/a.gz", (sys.argv[1],)), Path(sys.argv[2]))
"""


def started(server: Server, target: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", DOWNLOAD, server.url(), str(target)], stderr=subprocess.DEVNULL)


def test_a_killed_download_is_gone_on_with(server, target):
    server.behaviours = [sends(CONTENT, pause=0.2), sends(CONTENT)]
    process, part = started(server, target), target.parent / "a.gz.part"
    while not (part.exists() and part.stat().st_size >= 100_000):
        assert process.poll() is None
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not target.exists()
    fetch(Remote("set/a.gz", (server.url(),)), target)
    assert target.read_bytes() == CONTENT
    assert server.requests[1][1]["Range"] == f"bytes={part_size(server)}-"
    assert leftovers(target) == ["a.gz.sha256"]


def part_size(server: Server) -> int:
    size = int(server.requests[1][1]["Range"].removeprefix("bytes=").rstrip("-"))
    assert size >= 100_000
    return size


@pytest.mark.skipif(sys.platform == "win32", reason="no file locks")
def test_of_several_processes_one_downloads(server, target):
    server.behaviours = [sends(CONTENT, pause=0.1)]
    processes = [started(server, target) for _ in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert len(server.requests) == 1
    assert target.read_bytes() == CONTENT
    assert leftovers(target) == ["a.gz.sha256"]


def test_offline_opens_no_socket(server, target, monkeypatch):
    monkeypatch.setenv("DLTK_OFFLINE", "1")
    with pytest.raises(MissingInput, match="dltk is offline"):
        fetch(Remote("set/a.gz", (server.url(),)), target)
    assert server.requests == []


@pytest.mark.parametrize(("value", "is_offline"), [("", False), ("0", False), ("1", True), ("yes", True)])
def test_the_environment_says_whether_dltk_is_offline(monkeypatch, value, is_offline):
    monkeypatch.setenv("DLTK_OFFLINE", value)
    assert download.is_offline() is is_offline


def test_progress_is_said_line_by_line_where_there_is_no_terminal(server, target, monkeypatch, capsys):
    monkeypatch.setattr(transfer, "SECONDS_PER_LINE", 0.0)
    fetch(Remote("set/a.gz", (server.url(),)), target)
    lines = capsys.readouterr().err.splitlines()
    size = transfer.spelled(len(CONTENT))
    assert lines[-1] == f"a.gz: {size} of {size}"


def test_quietly_means_without_a_word(server, target, capsys):
    token = transfer.voice.set("silent")
    fetch(Remote("set/a.gz", (server.url(),)), target)
    transfer.voice.reset(token)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("size", "text"), [(12, "12 bytes"), (1500, "1.5 kB"), (9_912_422, "9.9 MB"), (3 * 10**9, "3.0 GB")]
)
def test_sizes_are_spelled_for_people(size, text):
    assert transfer.spelled(size) == text
