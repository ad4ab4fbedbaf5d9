import gzip
import io
import random
import stat
import subprocess
import sys
import tarfile
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dltk.config.errors import DataError, DltkError, IntegrityError, MissingInput, WriteError
from dltk.data.archive_entries import Limits
from dltk.data.archives import gunzip, unpack


def tar_of(*entries: tuple[tarfile.TarInfo, bytes]) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for member, content in entries:
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def file(name: str, content: bytes = b"hostile") -> tuple[tarfile.TarInfo, bytes]:
    return tarfile.TarInfo(name), content


def other(name: str, kind: bytes, link: str = "") -> tuple[tarfile.TarInfo, bytes]:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, link
    return member, b""


def zip_of(*entries: tuple[str, bytes], mode: int = 0) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return packed.getvalue()


def overlapping_zip() -> bytes:
    """Two central entries that point at one local file."""
    packed = bytearray(zip_of(("a", b"x" * 100), ("b", b"y" * 100)))
    second = packed.rindex(b"PK\x01\x02")
    packed[second + 42 : second + 46] = (0).to_bytes(4, "little")
    return bytes(packed)


def quoting_zip() -> bytes:
    """A stored file whose content is the local part of another entry (the quoted overlap of Fifield 2019)."""
    inner = zip_of(("b", b"y" * 100))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a", inner[: inner.index(b"PK\x01\x02")])
        (quoted,) = zipfile.ZipFile(io.BytesIO(inner)).infolist()
        quoted.header_offset = packed.getvalue().index(b"PK\x03\x04", 4)
        archive.filelist.append(quoted)
        archive.NameToInfo["b"] = quoted
    return packed.getvalue()


def renaming_tar() -> bytes:
    """A harmless name that an extended header replaces."""
    member = tarfile.TarInfo("harmless.txt")
    member.pax_headers = {"path": "../outside.txt"}
    return tar_of((member, b"hostile"))


def long_header_tar() -> bytes:
    member = tarfile.TarInfo("a")
    member.pax_headers = {"comment": "x" * (3 << 20)}
    return gzip.compress(tar_of((member, b"")))


HOSTILE: dict[str, Callable[[], bytes]] = {
    "a parent folder": lambda: tar_of(file("../outside.txt")),
    "a parent folder further in": lambda: tar_of(file("in/../../outside.txt")),
    "an absolute name": lambda: tar_of(file("/tmp/outside.txt")),
    "a drive": lambda: tar_of(file("C:/outside.txt")),
    "a backslash": lambda: tar_of(file("..\\outside.txt")),
    "a symbolic link, then a file through it": lambda: tar_of(
        other("in", tarfile.SYMTYPE, ".."), file("in/outside.txt")
    ),
    "a symbolic link to a file": lambda: tar_of(other("innocent", tarfile.SYMTYPE, "/etc/passwd")),
    "a hard link": lambda: tar_of(file("a"), other("b", tarfile.LNKTYPE, "a")),
    "a character device": lambda: tar_of(other("null", tarfile.CHRTYPE)),
    "a pipe": lambda: tar_of(other("pipe", tarfile.FIFOTYPE)),
    "an unknown type": lambda: tar_of(other("odd", b"Z")),
    "a name twice": lambda: tar_of(file("a"), file("./a")),
    "a file that is a folder, too": lambda: tar_of(file("a"), file("a/b")),
    "a chain of long paths": lambda: tar_of(file("/".join(["d" * 200] * 20))),
    "a name beyond a file system's": lambda: tar_of(file("n" * 300)),
    "a header without end": long_header_tar,
    "a parent folder in a zip": lambda: zip_of(("../outside.txt", b"x")),
    "an absolute name in a zip": lambda: zip_of(("/tmp/outside.txt", b"x")),
    "a symbolic link in a zip": lambda: zip_of(("link", b"/etc/passwd"), mode=stat.S_IFLNK | 0o777),
    "a device in a zip": lambda: zip_of(("device", b""), mode=stat.S_IFCHR),
    "overlapping files in a zip": overlapping_zip,
    "a file inside another one in a zip": quoting_zip,
    "a name that another header replaces": renaming_tar,
    "a drive in a zip": lambda: zip_of(("C:/outside.txt", b"x")),
    "a backslash in a zip": lambda: zip_of(("..\\outside.txt", b"x")),
    "a name twice in a zip": lambda: zip_of(("a", b"x"), ("./a", b"y")),
    "a bomb": lambda: zip_of(("zeros", bytes(1 << 27))),
    "a compressed bomb of a tar": lambda: gzip.compress(tar_of(file("zeros", bytes(1 << 27)))),
}


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b"" for path in folder.rglob("*")}


def unpacked(tmp_path: Path, content: bytes, limits: Limits | None = None) -> Path:
    (tmp_path / "archive").write_bytes(content)
    unpack(tmp_path / "archive", tmp_path / "cache" / "target", limits)
    return tmp_path / "cache" / "target"


def refused(tmp_path: Path, content: bytes) -> DltkError | None:
    try:
        unpacked(tmp_path, content)
    except DltkError as error:
        return error
    return None


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_archive_is_refused_and_leaves_nothing(tmp_path, name):
    (tmp_path / "cache").mkdir()
    (tmp_path / "outside.txt").write_text("mine")
    content = HOSTILE[name]()
    with pytest.raises(IntegrityError, match="refused") as caught:
        unpacked(tmp_path, content)
    assert caught.value.code == 81
    (problem,) = caught.value.problems
    assert (problem.id, problem.as_json()["file"]) == ("DLTK-DATA-ARCHIVE", str(tmp_path / "archive"))
    assert "the entry" not in problem.message or "member" in problem.as_json()
    assert tree(tmp_path) == {"archive": content, "outside.txt": b"mine", "cache": b""}


def test_a_bomb_is_stopped_by_the_bytes_written(tmp_path):
    limits = Limits(ratio=10, ratio_from_bytes=1000)
    noise = random.Random(0).randbytes(2000)
    assert (unpacked(tmp_path, zip_of(("noise", noise)), limits) / "noise").read_bytes() == noise
    with pytest.raises(IntegrityError, match="far more than its"):
        unpacked(tmp_path / "cache", zip_of(("zeros", bytes(5000))), limits)


def test_entries_are_counted(tmp_path):
    with pytest.raises(IntegrityError, match="more than 2 entries"):
        unpacked(tmp_path, tar_of(file("a"), file("b"), file("c")), Limits(entries=2))


def test_files_and_folders_come_out_as_they_were(tmp_path):
    folder = tarfile.TarInfo("./in/empty/")
    folder.type = tarfile.DIRTYPE
    content = tar_of((folder, b""), (folder, b""), file("./in/가.txt", b"\x00\xff"), file("run.sh", b""))
    target = unpacked(tmp_path, content)
    assert tree(target) == {"in": b"", "in/empty": b"", "in/가.txt": b"\x00\xff", "run.sh": b""}
    assert [entry.name for entry in target.parent.iterdir()] == ["target"]


def test_the_content_decides_the_kind_of_an_archive(tmp_path):
    for i, content in enumerate([zip_of(("a", b"x")), tar_of(file("a", b"x")), gzip.compress(tar_of(file("a", b"x")))]):
        (tmp_path / str(i)).mkdir()
        assert tree(unpacked(tmp_path / str(i), content)) == {"a": b"x"}


def test_an_empty_archive_is_an_empty_folder(tmp_path):
    assert tree(unpacked(tmp_path, tar_of())) == {}


@pytest.mark.parametrize("cut", [0, 100, 512, 700, 1024, 1536])
def test_an_archive_that_is_cut_off_is_damaged(tmp_path, cut):
    content = tar_of(file("a", b"x" * 400), file("b", b"y" * 400))[:cut]
    for i, packed in enumerate([content, gzip.compress(content)]):
        (tmp_path / str(i)).mkdir()
        with pytest.raises(DataError, match="damaged"):
            unpacked(tmp_path / str(i), packed)
        assert tree(tmp_path / str(i) / "cache") == {}


def test_a_broken_header_is_not_taken_for_the_end(tmp_path):
    content = bytearray(tar_of(file("a", b"x"), file("b", b"y")))
    content[1024 + 5] ^= 1
    with pytest.raises(DataError, match="checksum"):
        unpacked(tmp_path, bytes(content))


def test_a_flipped_bit_in_a_zip_is_noticed(tmp_path):
    content = bytearray(zip_of(("a", random.Random(0).randbytes(1000))))
    content[500] ^= 1
    with pytest.raises(DataError, match="damaged"):
        unpacked(tmp_path, bytes(content))


def test_an_encrypted_or_oddly_packed_zip_says_so(tmp_path):
    encrypted = bytearray(zip_of(("a", b"x")))
    encrypted[encrypted.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(DataError, match="encrypted"):
        unpacked(tmp_path, bytes(encrypted))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_BZIP2) as archive:
        archive.writestr("a", b"x")
    with pytest.raises(DataError, match="stored and deflated"):
        unpacked(tmp_path, packed.getvalue())


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(position=st.integers(0, 2500), value=st.integers(0, 255), packed=st.sampled_from(["tar", "zip", "gz"]))
@example(position=761, value=0, packed="zip")  # a name of no length
def test_any_changed_byte_is_harmless_or_a_clear_error(tmp_path_factory, position, value, packed):
    tmp_path = tmp_path_factory.mktemp("changed")
    tar = tar_of(file("in/a", b"x" * 600), file("b", b"y"))
    content = bytearray(
        {"tar": tar, "zip": zip_of(("in/a", b"x" * 600), ("b", b"y")), "gz": gzip.compress(tar)}[packed]
    )
    content[position % len(content)] = value
    refusal = refused(tmp_path, bytes(content))
    assert refusal is None or refusal.code in {65, 81}
    assert refusal is None or tree(tmp_path / "cache") == {}
    assert {entry.name for entry in tmp_path.iterdir()} == {"archive", "cache"}


def test_the_second_of_two_processes_finds_the_target(tmp_path):
    archive, target = tmp_path / "archive", tmp_path / "cache" / "target"
    archive.write_bytes(tar_of(*(file(f"in/{i}", b"x" * i) for i in range(200))))
    threads = [threading.Thread(target=unpack, args=(archive, target)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(tree(target)) == 201
    assert [entry.name for entry in (tmp_path / "cache").iterdir()] == ["target"]


UNPACK = "import sys; from pathlib import Path; from dltk.data.archives import unpack; unpack(*map(Path, sys.argv[1:]))"


def unpacking(archive: Path, target: Path) -> subprocess.Popen[bytes]:
    """Unpack in a process of its own."""
    return subprocess.Popen([sys.executable, "-c", UNPACK, archive, target])


@pytest.mark.skipif(sys.platform == "win32", reason="needs locks")
def test_what_a_killed_process_left_is_cleared_away_and_does_not_count(tmp_path):
    archive, target = tmp_path / "archive", tmp_path / "cache" / "target"
    archive.write_bytes(tar_of(*(file(f"in/{i}", b"x" * 100) for i in range(4_000))))
    process = unpacking(archive, target)
    while not list(tmp_path.glob("cache/.unfinished-*/in/1*")):
        time.sleep(0.002)
    process.kill()
    process.wait()
    assert not target.exists()
    unpack(archive, target)
    assert len(tree(target)) == 4_001
    assert [entry.name for entry in target.parent.iterdir()] == ["target"]


@pytest.mark.skipif(sys.platform == "win32", reason="needs locks")
def test_a_process_waits_for_another_that_unpacks_the_same(tmp_path):
    archive, target = tmp_path / "archive", tmp_path / "cache" / "target"
    archive.write_bytes(tar_of(*(file(f"in/{i}", b"x" * 100) for i in range(4_000))))
    processes = [unpacking(archive, target)]
    while not list(tmp_path.glob("cache/.unfinished-*/in/1*")):
        time.sleep(0.002)
    processes += [unpacking(archive, target) for _ in range(3)]
    most = 0
    while any(process.poll() is None for process in processes):
        most = max(most, len(list(tmp_path.glob("cache/.unfinished-*"))))
        time.sleep(0.002)
    assert [process.returncode for process in processes] == [0] * 4
    assert most == 1
    assert [entry.name for entry in target.parent.iterdir()] == ["target"]


def test_a_target_that_cannot_be_written_is_code_74(tmp_path):
    (tmp_path / "cache").write_text("a file where the cache should be")
    with pytest.raises(WriteError) as caught:
        unpacked(tmp_path, tar_of(file("a")))
    assert caught.value.code == 74


def test_a_gzipped_file_is_read_within_limits(tmp_path):
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(b"content" * 1000))
    assert gunzip(path) == b"content" * 1000
    with pytest.raises(IntegrityError, match="far more"):
        gunzip(path, Limits(ratio=10, ratio_from_bytes=1000))
    path.write_bytes(gzip.compress(b"content" * 1000)[:30])
    with pytest.raises(DataError, match="damaged"):
        gunzip(path)
    with pytest.raises(MissingInput):
        gunzip(tmp_path / "b.gz")
