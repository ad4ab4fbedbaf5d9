"""Image files: which files of a folder are images, and how one of them becomes pixels."""

from __future__ import annotations

import os
import struct
import warnings
import zlib
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Literal

import numpy as np
import PIL.Image
import PIL.ImageOps
import torch
from torch import Tensor

from dltk.config.errors import shown
from dltk.data.resources import cores
from dltk.data.specs import Image

IMAGE_EXTENSIONS = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
MAX_PIXELS = 50_000_000
Resize = Literal["crop", "pad", "stretch"]
FORMATS = ("BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP")
"""What is read, whatever a file is called: other readers of Pillow run programs, or have had holes."""
DECODER = f"1, Pillow {PIL.__version__}"
"""What pixels depend on beside file and options: the number changes whenever `decode` gives others than before."""
_MAX_THREADS = 8
_CHUNK = 256
_MAX_16_BIT = 65535
# What Pillow's readers are known to raise on damaged files, beside OSError.
DECODING_ERRORS = (
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    OSError,
    PIL.Image.DecompressionBombError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)


class Unreadable(ValueError):
    """A file is no image that can be read; the message says why."""


def is_image_name(path: Path) -> bool:
    """Tell whether a file is called like an image; hidden ones (".x.png") never count."""
    return path.suffix.lower() in IMAGE_EXTENSIONS and not path.name.startswith(".")


def printable(path: Path) -> str:
    """Spell a path with forward slashes; bytes that are no UTF-8 are replaced."""
    return path.as_posix().encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def files_below(folder: Path) -> list[Path]:
    """Return all files of a folder and its subfolders, sorted by path; hidden subfolders are left out.

    Raises:
        OSError: A folder cannot be listed.
    """
    found: list[Path] = []
    for parent, folders, files in os.walk(folder, onerror=_raise):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(parent, name) for name in files]
    return sorted(found)


def decode_all(paths: Sequence[str | Path], form: Image, resize: Resize) -> list[Tensor | Unreadable]:
    """Decode files side by side; where one cannot be read, its place holds the reason."""

    def attempt(path: str | Path) -> Tensor | Unreadable:
        try:
            return decode(path, form, resize)
        except Unreadable as error:
            return error

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what Pillow warns about is refused here, or does not touch the pixels
        with ThreadPoolExecutor(min(cores(), _MAX_THREADS)) as pool:
            return list(pool.map(attempt, paths))


def reasons(paths: Sequence[Path], form: Image) -> list[str]:
    """Return why each file cannot be read, "" for one that can; pixels are not kept."""
    found: list[str] = []
    for start in range(0, len(paths), _CHUNK):
        decoded = decode_all(paths[start : start + _CHUNK], form, "stretch")
        found += [str(result) if isinstance(result, Unreadable) else "" for result in decoded]
    return found


def decode(path: str | Path, form: Image, resize: Resize) -> Tensor:
    """Return the pixels of an image file as the viewer would see it: uint8 (C, H, W).

    EXIF orientation is applied, transparency lies over white, 16 bits are scaled to 8, and of an animation
    only the first picture counts.

    Raises:
        Unreadable: The content is no whole image of a known format, or it is too large.
    """
    try:
        with PIL.Image.open(path, formats=FORMATS) as image:
            _refuse_large(image)
            # A JPEG is decoded at 1/2, 1/4 or 1/8 of its size where twice what is needed remains.
            image.draft("", (2 * max(form.height, form.width),) * 2)
            image.load()
            upright = PIL.ImageOps.exif_transpose(image)
            picture = fitted(_eight_bit(upright, form.channels), form.height, form.width, resize)
            pixels = torch.from_numpy(np.array(picture, dtype=np.uint8))
    except DECODING_ERRORS as error:
        raise Unreadable(_reason(path, error)) from None
    return pixels.view(form.height, form.width, form.channels).permute(2, 0, 1)


def fitted(picture: PIL.Image.Image, height: int, width: int, resize: Resize) -> PIL.Image.Image:
    """Return a picture in another size.

    Args:
        picture: In mode L or RGB.
        height: Of the result, in pixels.
        width: Of the result, in pixels.
        resize: "crop" keeps the proportions and cuts off what stands over on both sides, "pad" keeps the proportions
            and adds black borders, "stretch" keeps all and gives up the proportions.
    """
    size, bilinear = (width, height), PIL.Image.Resampling.BILINEAR
    if resize == "stretch":
        return picture.resize(size, bilinear)
    if resize == "crop":
        return PIL.ImageOps.fit(picture, size, bilinear)
    scale = min(width / picture.width, height / picture.height)
    inner = (max(round(picture.width * scale), 1), max(round(picture.height * scale), 1))
    canvas = PIL.Image.new(picture.mode, size)
    canvas.paste(picture.resize(inner, bilinear), ((width - inner[0]) // 2, (height - inner[1]) // 2))
    return canvas


def _refuse_large(image: PIL.Image.Image) -> None:
    if image.width * image.height > MAX_PIXELS:
        raise Unreadable(
            f"{image.width} x {image.height} pixels; at most {MAX_PIXELS // 10**6} million pixels are read"
        )


def _eight_bit(image: PIL.Image.Image, channels: int) -> PIL.Image.Image:
    """Return an image of any mode as L (one channel) or RGB (three)."""
    if image.mode == "F":
        raise Unreadable("floating-point pixels have no known range; 8 or 16 bits are read")
    if image.mode.startswith("I"):
        image = _scaled_to_eight_bit(image)
    if image.has_transparency_data:
        over = image.convert("RGBA")
        image = PIL.Image.alpha_composite(PIL.Image.new("RGBA", over.size, "white"), over)
    if image.mode != "L":
        image = image.convert("RGB")
    return image.convert("L" if channels == 1 else "RGB")


def _scaled_to_eight_bit(image: PIL.Image.Image) -> PIL.Image.Image:
    values = np.asarray(image)
    if values.min() < 0 or values.max() > _MAX_16_BIT:
        raise Unreadable("32-bit pixels have no known range; 8 or 16 bits are read")
    scaled = (values.astype(np.uint32) * 255 + _MAX_16_BIT // 2) // _MAX_16_BIT
    return PIL.Image.fromarray(scaled.astype(np.uint8))


def _reason(path: str | Path, error: BaseException) -> str:
    if isinstance(error, Unreadable):
        return str(error)
    if isinstance(error, PIL.Image.DecompressionBombError):
        return f"too large; at most {MAX_PIXELS // 10**6} million pixels are read"
    if isinstance(error, PIL.UnidentifiedImageError):
        is_empty = Path(path).stat().st_size == 0
        return "an empty file" if is_empty else f"no image of a known format ({', '.join(FORMATS)})"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return f"damaged: {shown(str(error)).strip(chr(39))}"


def _raise(error: OSError) -> None:
    raise error
