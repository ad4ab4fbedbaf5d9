"""One attempt to bring a file from a server: over https, from where the last attempt stopped, with progress."""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import json
import os
import re
import shutil
import socket
import ssl
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import IO, Any, Literal
from urllib.parse import urlsplit

from tqdm import tqdm

from dltk.config.errors import WriteError
from dltk.config.terminal import escaped

TIMEOUT_SECONDS = 30.0
SECONDS_PER_LINE = 15.0
MAX_REASON_LENGTH = 200
voice: ContextVar[Literal["auto", "lines", "silent"]] = ContextVar("voice", default="auto")
"""How progress is shown: a bar where stderr is a terminal, lines only, or nothing."""

_CHUNK_BYTES = 1 << 18
_PASSING = {408, 425, 429, 500, 502, 503, 504}
_HTTP_PARTIAL, _HTTP_BEYOND_END = 206, 416
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+)")


class Broken(Exception):
    """An attempt failed in a way that may pass."""


class Refused(Exception):
    """An address does not give the file, and will not when asked again."""


def transfer(url: str, part: Path, num_bytes: int | None) -> None:
    """Bring a file into `part`, which may hold its beginning; on return it is of the length that the server said.

    Args:
        url: https, or http on this very machine.
        part: The unfinished file, which exists. Beside it lies what says whether it can be gone on with.
        num_bytes: The length it must have, where that is known.

    Raises:
        Broken: The connection broke, or the server was busy; what came is kept.
        Refused: There is no such file, it has another length, the address is not safe, or there is no network.
        WriteError: There is no room for it.
    """
    _refuse_insecure(url, came_from=url)
    start, validator = _progress_of(part, url)
    headers = {"User-Agent": "dltk", "Accept-Encoding": "identity"}
    if start:
        headers |= {"Range": f"bytes={start}-", "If-Range": validator}
    with (
        _explained(part),
        _opener(url).open(urllib.request.Request(url, headers=headers), timeout=TIMEOUT_SECONDS) as response,
    ):
        start, total = _extent(response, start)
        if num_bytes is not None and total not in {None, num_bytes}:
            raise Refused(f"the file there has {total:,} bytes instead of {num_bytes:,}")
        _refuse_full(part, total, start)
        os.truncate(part, start)  # before the note: it must never vouch for bytes of another version
        _keep(part, url, response.headers)
        _copy(response, part, start, total, urlsplit(url).hostname or "")
    now = num_bytes_in(part)
    wanted = num_bytes if total is None else total
    if wanted is not None and now != wanted:
        raise Broken(f"the connection ended after {now:,} of {wanted:,} bytes")


def say(line: str) -> None:
    """Say one line on stderr, unless nothing is to be said or nobody listens."""
    if voice.get() != "silent" and sys.stderr is not None:
        with contextlib.suppress(OSError, ValueError):
            print(line, file=sys.stderr, flush=True)  # noqa: T201


def spelled(num_bytes: int) -> str:
    """Spell a size, such as "9.9 MB"."""
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if num_bytes >= size:
            return f"{num_bytes / size:.1f} {unit}"
    return f"{num_bytes} bytes"


def num_bytes_in(part: Path) -> int:
    """Return how much of an unfinished file is there."""
    return part.stat().st_size if part.exists() else 0


def forget(part: Path) -> None:
    """Remove what lies beside an unfinished file."""
    _notes(part).unlink(missing_ok=True)


def _notes(part: Path) -> Path:
    return part.with_name(f"{part.name}.json")


def _progress_of(part: Path, url: str) -> tuple[int, str]:
    """Return how many bytes are there and the server's word for their version; 0 where they cannot be gone on with."""
    try:
        notes = json.loads(_notes(part).read_text(encoding="utf-8"))
        validator = notes["validator"]
    except (OSError, ValueError, LookupError, TypeError):
        return 0, ""
    is_usable = (
        notes.get("url") == url and isinstance(validator, str) and validator.isascii() and validator.isprintable()
    )
    return (num_bytes_in(part), validator) if is_usable and validator else (0, "")


def _keep(part: Path, url: str, headers: Any) -> None:
    """Write down which version of the file the bytes are of: a strong ETag, or when it was changed."""
    etag = headers.get("ETag", "")
    validator = etag if etag.startswith('"') else headers.get("Last-Modified", "")
    _notes(part).write_text(json.dumps({"url": url, "validator": validator}), encoding="utf-8")


def _extent(response: Any, start: int) -> tuple[int, int | None]:
    """Return from which byte on the answer goes, and how long the whole file is, where that is said."""
    if response.headers.get("Content-Encoding", "identity") != "identity":
        raise Refused("the server packs the file in a way that was not asked for")
    if response.status != _HTTP_PARTIAL:
        length = response.headers.get("Content-Length", "")
        return 0, int(length) if length.isdecimal() else None
    match = _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))
    if match is None or int(match[1]) != start:
        raise Refused("the server sends another part of the file than was asked for")
    return start, int(match[2])


def _refuse_full(part: Path, total: int | None, start: int) -> None:
    free = shutil.disk_usage(part.parent).free
    if total is not None and total - start > free:
        raise WriteError(
            f"there is no room for {part.stem}",
            where=str(part.parent),
            found=f"{spelled(free)} free",
            expected=f"{spelled(total - start)}",
            do="make room, or let $DLTK_CACHE name a folder on another disk",
        )


def _copy(response: Any, part: Path, start: int, total: int | None, host: str) -> None:
    size = "of unknown size" if total is None else spelled(total)
    rest = f", the last {spelled(total - start)}" if start and total is not None else ""
    say(f"downloading {part.stem} ({size}{rest}) from {host} to {part.parent}")
    with part.open("ab") as file, _progress(part.stem, start, total) as advance:
        while chunk := _piece_of(response):
            file.write(chunk)
            advance(len(chunk))


def _piece_of(response: Any) -> bytes:
    try:
        return bytes(response.read(_CHUNK_BYTES))
    except OSError as error:  # told apart from a disk's
        raise Broken(f"the connection broke ({type(error).__name__})") from None


@contextlib.contextmanager
def _progress(name: str, start: int, total: int | None) -> Iterator[Any]:
    """Yield what is told of each piece: it moves a bar, or says a line now and then."""
    done, last_said_at = start, time.monotonic()

    def line(num_bytes: int) -> None:
        nonlocal done, last_said_at
        done += num_bytes
        if time.monotonic() - last_said_at > SECONDS_PER_LINE:
            last_said_at = time.monotonic()
            say(f"{name}: {spelled(done)}{'' if total is None else f' of {spelled(total)}'}")

    if voice.get() == "auto" and sys.stderr is not None and sys.stderr.isatty():
        with tqdm(
            total=total, initial=start, unit="B", unit_scale=True, leave=False, desc=name, file=sys.stderr
        ) as bar:
            yield bar.update
    else:
        yield line


def _opener(url: str) -> urllib.request.OpenerDirector:
    """Return what follows redirects to safe addresses only; for this machine, no proxy is asked."""
    proxies = urllib.request.ProxyHandler({} if _is_this_machine(url) else None)
    return urllib.request.build_opener(proxies, _SafeRedirects())


class _SafeRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, req: Any, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str) -> Any:
        """Follow a redirect that stays as safe as the address it comes from."""
        _refuse_insecure(newurl, came_from=req.full_url)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _refuse_insecure(url: str, came_from: str) -> None:
    """Refuse everything but https; http only on this machine, and only where one began there."""
    scheme = urlsplit(url).scheme
    if scheme == "https" or (scheme == "http" and _is_this_machine(url) and _is_this_machine(came_from)):
        return
    raise Refused(f"only https is safe; {'redirected to' if url != came_from else 'received'} {escaped(url)}")


def _is_this_machine(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@contextlib.contextmanager
def _explained(part: Path) -> Iterator[None]:
    """Turn what the network's libraries raise into what it means: it may pass, or it will not."""
    try:
        yield
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == _HTTP_BEYOND_END:
            part.open("wb").close()
            raise Broken("the server has less than what was there already") from None
        raise (Broken if error.code in _PASSING else Refused)(
            f"the server says {error.code} {escaped(str(error.reason))}"
        ) from None
    except urllib.error.URLError as error:
        raise _meaning(error.reason) from None
    except (http.client.HTTPException, ConnectionError, TimeoutError, ssl.SSLError) as error:
        raise Broken(f"the connection broke ({type(error).__name__})") from None


def _meaning(reason: object) -> Broken | Refused:
    if isinstance(reason, TimeoutError):
        return Broken("the server does not answer")
    if isinstance(reason, (ConnectionResetError, ConnectionAbortedError)):
        return Broken("the connection broke")
    if isinstance(reason, socket.gaierror):
        return Refused("no network, or no such server")
    if isinstance(reason, ssl.SSLCertVerificationError):
        return Refused(f"the server cannot prove who it is: {reason.verify_message}")
    return Refused(f"no connection: {escaped(str(getattr(reason, 'strerror', None) or reason))[:MAX_REASON_LENGTH]}")
