"""A server in this process, which can do all that servers and networks do wrong."""

import gzip
import http.server
import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from dltk.data import download

CONTENT = gzip.compress(bytes(range(256)) * 4000, mtime=0) + gzip.compress(os.urandom(300_000))
TEXT = b"id\tdocument\tlabel\n" * 20_000
VERSION = '"v1"'


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        asked = {name: value for name in ("Range", "If-Range") if (value := self.headers.get(name)) is not None}
        self.server.requests.append((self.path, asked))  # type: ignore[attr-defined]
        behaviours = self.server.behaviours  # type: ignore[attr-defined]
        behaviour = behaviours.pop(0) if len(behaviours) > 1 else behaviours[0]
        behaviour(self)

    def log_message(self, format: str, *args: Any) -> None:
        pass


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.behaviours: list[Callable[[Any], None]] = [sends(CONTENT)]

    def url(self, name: str = "a.gz") -> str:
        return f"http://127.0.0.1:{self.server_port}/{name}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing of a client that went away."""


def sends(
    content: bytes,
    *,
    until: int | None = None,
    version: str = VERSION,
    ignores_range: bool = False,
    pause: float = 0.0,
    says_length: bool = True,
) -> Callable[[Any], None]:
    """Send content, perhaps only until a byte of it, then break off."""

    def behave(handler: Any) -> None:
        range_ = handler.headers.get("Range", "")
        goes_on = range_ and not ignores_range and handler.headers.get("If-Range") == version
        start = int(range_.removeprefix("bytes=").rstrip("-")) if goes_on else 0
        if start >= len(content) and start:
            handler.send_error(416)
            return
        handler.send_response(206 if goes_on else 200)
        if goes_on:
            handler.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        if says_length:
            handler.send_header("Content-Length", str(len(content) - start))
        if version:
            handler.send_header("ETag", version)
        handler.end_headers()
        for position in range(start, until or len(content), 50_000):
            handler.wfile.write(content[position : min(position + 50_000, until or len(content))])
            time.sleep(pause)

    return behave


def says(code: int, **headers: str) -> Callable[[Any], None]:
    def behave(handler: Any) -> None:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return behave


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.delenv("DLTK_OFFLINE")
    monkeypatch.setattr(download, "FIRST_PAUSE_SECONDS", 0.001)
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()
