"""Files that would do harm if anything in them were run, followed, believed or unpacked; made anew for every test.

Each touches CANARY in the current directory if it succeeds.
"""

import builtins
import gzip
import io
import json
import os
import pickle
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

CANARY = "PWNED"
COMMAND = f"touch {CANARY}"
CODE = f"open({CANARY!r}, 'w').close()"


class Calls:
    """Calls a function while it is unpickled."""

    def __init__(self, function: Any, *arguments: Any) -> None:
        self.function, self.arguments = function, arguments

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        return self.function, self.arguments


def saved(content: Any, *, is_zip: bool = True) -> bytes:
    packed = io.BytesIO()
    torch.save(content, packed, _use_new_zipfile_serialization=is_zip)
    return packed.getvalue()


def pickles() -> dict[str, bytes]:
    system, evaluates = Calls(os.system, COMMAND), Calls(builtins.eval, CODE)
    found = {f"protocol {number}": pickle.dumps(system, protocol=number) for number in range(6)}
    found |= {"eval": pickle.dumps(evaluates), "exec": pickle.dumps(Calls(builtins.exec, CODE))}
    found |= {"getattr": pickle.dumps(Calls(getattr, "text", "upper"))}
    found |= {"opcodes by hand": f"cos\nsystem\n(S'{COMMAND}'\ntR.".encode()}
    found |= {"torch": saved(system), "torch in weights": saved({"head.weight": torch.ones(1), "extra": evaluates})}
    found |= {"torch before 1.6": saved(system, is_zip=False), "a whole module": saved(torch.nn.Linear(2, 2))}
    return found


def safetensors_files() -> dict[str, bytes]:
    def of(header: bytes | dict[str, Any], data: bytes = b"") -> bytes:
        content = header if isinstance(header, bytes) else json.dumps(header).encode()
        return struct.pack("<Q", len(content)) + content + data

    def tensor(begin: int, end: int, shape: list[int], dtype: str = "F32") -> dict[str, Any]:
        return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}

    return {
        "a header longer than the file": struct.pack("<Q", 2**40) + b"{}",
        "a header of all bits": b"\xff" * 8 + b"{}",
        "offsets beyond the end": of({"head.weight": tensor(0, 2**40, [2**38])}),
        "offsets backwards": of({"head.weight": tensor(8, 0, [2])}, bytes(8)),
        "overlapping": of({"a": tensor(0, 8, [2]), "b": tensor(4, 12, [2])}, bytes(12)),
        "a shape that overflows": of({"head.weight": tensor(0, 8, [2**32, 2**32])}, bytes(8)),
        "a hole": of({"a": tensor(8, 12, [1])}, bytes(12)),
        "an unknown type": of({"a": tensor(0, 4, [1], "pickle")}, bytes(4)),
        "a name twice": of(b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":7}', bytes(4)),
        "deep nesting": of(b'{"a":' + b"[" * 50_000 + b"]" * 50_000 + b"}"),
        "no mapping": of(b"[1, 2, 3]"),
    }


def archives() -> dict[str, bytes]:
    def tar(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> bytes:
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            member = tarfile.TarInfo(name)
            member.type, member.linkname = kind, link
            archive.addfile(member)
        return packed.getvalue()

    zeros = io.BytesIO()
    with zipfile.ZipFile(zeros, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", bytes(1 << 27))
    return {
        "a parent folder": tar(f"../{CANARY}"),
        "an absolute name": tar(f"/tmp/{CANARY}"),
        "a link": tar("link", tarfile.SYMTYPE, "/etc/passwd"),
        "a device": tar("device", tarfile.CHRTYPE),
        "a zip bomb": zeros.getvalue(),
        "a gzip bomb": gzip.compress(bytes(1 << 28)),
    }


def pictures() -> dict[str, bytes]:
    def png(width: int, height: int) -> bytes:
        def chunk(kind: bytes, content: bytes) -> bytes:
            return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

        header = struct.pack(">II5B", width, height, 1, 0, 0, 0, 0)
        rows = zlib.compress(bytes((width + 7) // 8 + 1) * height) if width * height < 10**9 else b""
        text = zlib.compress(bytes(1 << 26))
        bomb = chunk(b"zTXt", b"comment\0\0" + text)
        return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + bomb + chunk(b"IDAT", rows) + chunk(b"IEND", b"")

    gif = b"GIF89a" + struct.pack("<HH3B", 65535, 65535, 0, 0, 0) + b"," + struct.pack("<4HB", 0, 0, 65535, 65535, 0)
    tiff = b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", 2)
    tiff += struct.pack("<HHII", 256, 4, 1, 2**31) + struct.pack("<HHII", 257, 4, 1, 2**31) + bytes(4)
    return {
        "a png of 81 megapixels": png(9_000, 9_000),
        "a png of all pixels": png(2**31 - 1, 2**31 - 1),
        "a gif of 4 gigapixels": gif + b"\x02\x02\x44\x01\x00;",
        "a tiff of all pixels": tiff,
        "postscript": f"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(%pipe%{COMMAND})(w) file\n".encode(),
        "fits": b"SIMPLE  =                    T".ljust(80) + b"NAXIS   =           2".ljust(2800),
        "a windows metafile": b"\xd7\xcd\xc6\x9a" + bytes(200),
        "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
    }


def texts() -> dict[str, bytes]:
    cells = [
        f"=cmd|'/c {COMMAND}'!A0",
        f"__import__('os').system({COMMAND!r})",
        "${jndi:ldap://127.0.0.1/a}",
        "{{7*7}}",
    ]
    quoted = ['"' + cell.replace('"', '""') + '"' for cell in cells]
    rows = "\n".join(f"{i},{cell},{'xy'[i % 2]}" for i, cell in enumerate(quoted * 10))
    return {
        "cells that look like code": f"a,colour,kind\n{rows}\n".encode(),
        "a header that looks like code": f'"{cells[1]}","=1+1",kind\n1,2,x\n3,4,y\n'.encode(),
        "yaml tags": f"!!python/object/apply:os.system ['{COMMAND}']\n".encode(),
        "yaml tags further in": b"data: {name: !!python/name:os.system '', path: x}\nmodel: {name: mlp}\n",
        "a yaml constructor": f"data: !!python/object/new:type {{args: [x], listitems: {{f: '{COMMAND}'}}}}\n".encode(),
        "interpolation": f"name: ${{env:HOME}}\ndata: {{name: '$({COMMAND})'}}\nmodel: {{name: '`x`'}}\n".encode(),
        "a target": b"data: {_target_: os.system, command: x}\nmodel: {class_path: subprocess.Popen}\n",
        "python": f"import os\nos.system({COMMAND!r})\n".encode(),
        "json with nan": b'{"a": NaN, "a": 1e999}',
        "nothing": b"",
        "zeros": bytes(4096),
        "a long line": b"x" * 1_000_000,
    }


KINDS: dict[str, Callable[[], dict[str, bytes]]] = {
    "pickles": pickles,
    "safetensors": safetensors_files,
    "archives": archives,
    "pictures": pictures,
    "texts": texts,
}
NAMES = ("os.system", "../mlp", "builtins:eval", "dltk.models.mlp", "/etc/passwd", "__init__", f"mlp; {COMMAND}", "")
"""What an attacker writes where the name of a component should be."""


def write(folder: Path, kind: str, suffix: str) -> dict[str, Path]:
    """Write all payloads of a kind under names that end in `suffix`; return them by what they are."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {}
    for number, (name, content) in enumerate(KINDS[kind]().items()):
        paths[name] = folder / f"{kind}{number}{suffix}"
        paths[name].write_bytes(content)
    return paths
