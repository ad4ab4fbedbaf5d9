import zlib
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch

from dltk.data.images.files import (
    Unreadable,
    decode,
    decode_all,
    files_below,
    fitted,
    is_image_name,
    printable,
)
from dltk.data.specs import Image

COLOUR, GREY = Image(3, 1, 2), Image(1, 1, 2)


def written(folder: Path, picture: PIL.Image.Image, name: str = "picture.png", **options: Any) -> Path:
    path = folder / name
    picture.save(path, **options)
    return path


def two_pixels(mode: str, *values: Any) -> PIL.Image.Image:
    picture = PIL.Image.new(mode, (2, 1))
    for x, value in enumerate(values):
        picture.putpixel((x, 0), value)
    return picture


def palette() -> PIL.Image.Image:
    picture = two_pixels("P", 0, 1)
    picture.putpalette([250, 0, 0, 0, 0, 100])
    return picture


def sixteen_bit() -> PIL.Image.Image:
    return PIL.Image.fromarray(np.array([[0x8080, 0xFFFF]], dtype=np.uint16))


def sixteen_bit_big_endian() -> PIL.Image.Image:
    return PIL.Image.frombytes("I;16B", (2, 1), b"\x80\x80\xff\xff")


GOLDEN = [
    ("1", two_pixels("1", 0, 1), "png", [[0, 255]] * 3, [[0, 255]]),
    ("L", two_pixels("L", 7, 200), "png", [[7, 200]] * 3, [[7, 200]]),
    ("LA", two_pixels("LA", (100, 255), (100, 0)), "png", [[100, 255]] * 3, [[100, 255]]),
    ("P", palette(), "png", [[250, 0], [0, 0], [0, 100]], [[75, 11]]),
    ("P in a gif", palette(), "gif", [[250, 0], [0, 0], [0, 100]], [[75, 11]]),
    ("RGB", two_pixels("RGB", (1, 2, 3), (255, 0, 0)), "bmp", [[1, 255], [2, 0], [3, 0]], [[2, 76]]),
    ("RGBA", two_pixels("RGBA", (255, 0, 0, 255), (0, 0, 0, 51)), "png", [[255, 204], [0, 204], [0, 204]], [[76, 204]]),
    ("CMYK", two_pixels("CMYK", (0, 255, 255, 0), (0, 0, 0, 255)), "tif", [[255, 0], [0, 0], [0, 0]], [[76, 0]]),
    ("PA", two_pixels("PA", (0, 255), (0, 0)), "tif", [[0, 255]] * 3, [[0, 255]]),
    ("YCbCr", two_pixels("YCbCr", (50, 128, 128), (200, 128, 128)), "tif", [[50, 200]] * 3, [[50, 200]]),
    ("32 bits, small", PIL.Image.fromarray(np.array([[0, 65_535]], np.int32)), "tif", [[0, 255]] * 3, [[0, 255]]),
    ("16 bit, big-endian", sixteen_bit_big_endian(), "tif", [[128, 255]] * 3, [[128, 255]]),
    ("16 bit", sixteen_bit(), "png", [[128, 255]] * 3, [[128, 255]]),
    ("16 bit in a tiff", sixteen_bit(), "tif", [[128, 255]] * 3, [[128, 255]]),
]


@pytest.mark.parametrize(
    ("picture", "kind", "colour", "grey"), [case[1:] for case in GOLDEN], ids=[case[0] for case in GOLDEN]
)
def test_every_mode_gives_the_pixels_a_viewer_shows(tmp_path, picture, kind, colour, grey):
    path = written(tmp_path, picture, f"picture.{kind}")
    assert decode(path, COLOUR, "stretch").squeeze(1).tolist() == colour
    assert decode(path, GREY, "stretch").squeeze(1).tolist() == grey
    assert decode(path, COLOUR, "stretch").dtype == torch.uint8


def sixteen_bit_colour_png() -> bytes:
    """Return a PNG of one pixel with 16 bits per channel, which Pillow cannot write."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checksum = zlib.crc32(kind + content).to_bytes(4, "big")
        return len(content).to_bytes(4, "big") + kind + content + checksum

    header = (1).to_bytes(4, "big") * 2 + bytes([16, 2, 0, 0, 0])
    pixel = b"\x00" + b"\x12\x34\x80\x00\xff\xff"
    chunks = [chunk(b"IHDR", header), chunk(b"IDAT", zlib.compress(pixel)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def test_of_16_bits_in_colour_the_upper_8_count(tmp_path):
    (tmp_path / "deep.png").write_bytes(sixteen_bit_colour_png())
    assert decode(tmp_path / "deep.png", Image(3, 1, 1), "stretch").flatten().tolist() == [0x12, 0x80, 0xFF]


def test_a_printers_jpeg_is_not_inverted(tmp_path):
    """Adobe's programs store the inks of a CMYK JPEG inverted, and say so in a marker, which Pillow writes, too."""
    inks = PIL.Image.new("CMYK", (8, 8), (0, 255, 255, 0))
    path = written(tmp_path, inks, "print.jpg", quality=95)
    red, green, blue = decode(path, Image(3, 8, 8), "stretch")[:, 4, 4].tolist()
    assert red > 240
    assert max(green, blue) < 15


def test_a_transparent_palette_colour_is_white(tmp_path):
    path = written(tmp_path, palette(), transparency=0)
    assert decode(path, COLOUR, "stretch").squeeze(1).tolist() == [[255, 0], [255, 0], [255, 100]]


def test_of_an_animation_the_first_picture_counts(tmp_path):
    frames = [PIL.Image.new("RGB", (2, 1), colour) for colour in ("red", "blue")]
    path = written(tmp_path, frames[0], "moving.gif", save_all=True, append_images=frames[1:])
    assert decode(path, COLOUR, "stretch").squeeze(1).tolist() == [[255, 255], [0, 0], [0, 0]]


# How a camera held in another way stores the same scene (EXIF 2.32, tag 0x0112).
STORED_AS = {
    2: PIL.Image.Transpose.FLIP_LEFT_RIGHT,
    3: PIL.Image.Transpose.ROTATE_180,
    4: PIL.Image.Transpose.FLIP_TOP_BOTTOM,
    5: PIL.Image.Transpose.TRANSPOSE,
    6: PIL.Image.Transpose.ROTATE_90,
    7: PIL.Image.Transpose.TRANSVERSE,
    8: PIL.Image.Transpose.ROTATE_270,
}


@pytest.mark.parametrize("kind", ["png", "tif", "webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_scene_looks_alike_however_the_camera_was_held(tmp_path, kind, orientation):
    scene = PIL.Image.fromarray(np.arange(6 * 4 * 3, dtype=np.uint8).reshape(4, 6, 3))
    stored = scene.transpose(STORED_AS[orientation]) if orientation in STORED_AS else scene
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    lossless = {"lossless": True} if kind == "webp" else {}
    path = written(tmp_path, stored, f"scene.{kind}", exif=exif, **lossless)
    assert np.array_equal(decode(path, Image(3, 4, 6), "crop").permute(1, 2, 0).numpy(), np.asarray(scene))


def damaged_files(folder: Path) -> dict[str, Path]:
    whole = written(
        folder, PIL.Image.fromarray(np.random.default_rng(0).integers(0, 256, (9, 9, 3), np.uint8))
    ).read_bytes()
    contents = {
        "empty": b"",
        "text": b"this is no picture",
        "truncated": whole[: len(whole) // 2],
        "header_only": whole[:41],
        "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 2 2\nshowpage\n",
        "flipped": whole[:60] + bytes(byte ^ 255 for byte in whole[60:90]) + whole[90:],
    }
    paths = {name: folder / f"{name}.png" for name in contents}
    for name, content in contents.items():
        paths[name].write_bytes(content)
    (folder / "folder.png").mkdir()
    return {**paths, "folder": folder / "folder.png", "absent": folder / "absent.png"}


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("empty", "an empty file"),
        ("text", "no image of a known format"),
        ("truncated", "damaged: "),
        ("header_only", "damaged: "),
        ("postscript", "no image of a known format"),
        ("flipped", "damaged: "),
        ("folder", "is a directory"),
        ("absent", "no such file"),
    ],
)
def test_a_damaged_file_says_why(tmp_path, kind, reason):
    with pytest.raises(Unreadable, match=f"^{reason}"):
        decode(damaged_files(tmp_path)[kind], COLOUR, "crop")


def test_floating_point_pixels_are_refused(tmp_path):
    path = written(tmp_path, PIL.Image.new("F", (2, 1), 0.5), "picture.tif")
    with pytest.raises(Unreadable, match="floating-point pixels have no known range"):
        decode(path, COLOUR, "crop")


def test_32_bit_pixels_outside_of_16_bits_are_refused(tmp_path):
    path = written(tmp_path, PIL.Image.fromarray(np.array([[0, 70_000]], dtype=np.int32)), "picture.tif")
    with pytest.raises(Unreadable, match="32-bit pixels have no known range"):
        decode(path, COLOUR, "crop")


@pytest.mark.parametrize("side", [9_000, 12_000, 20_000])
def test_a_picture_of_too_many_pixels_is_refused_by_its_header(tmp_path, side):
    path = tmp_path / "bomb.bmp"
    header = bytearray(written(tmp_path, PIL.Image.new("RGB", (2, 1)), "small.bmp").read_bytes())
    header[18:26] = side.to_bytes(4, "little") * 2
    path.write_bytes(header)
    (result,) = decode_all([path], COLOUR, "crop")
    assert isinstance(result, Unreadable)
    assert "at most 50 million pixels" in str(result)


def test_crop_keeps_the_middle():
    picture = PIL.Image.fromarray(np.array([[99, 10, 10, 99], [99, 20, 20, 99]], dtype=np.uint8))
    assert np.asarray(fitted(picture, 2, 2, "crop")).tolist() == [[10, 10], [20, 20]]


def test_pad_keeps_all_between_black_borders():
    picture = PIL.Image.fromarray(np.array([[10, 20], [30, 40]], dtype=np.uint8))
    assert np.asarray(fitted(picture, 2, 4, "pad")).tolist() == [[0, 10, 20, 0], [0, 30, 40, 0]]


def test_stretch_keeps_all_and_gives_up_the_proportions():
    picture = PIL.Image.fromarray(np.array([[10, 10], [10, 10]], dtype=np.uint8))
    assert np.asarray(fitted(picture, 1, 3, "stretch")).tolist() == [[10, 10, 10]]


@pytest.mark.parametrize("resize", ["crop", "pad", "stretch"])
@pytest.mark.parametrize("size", [(1, 3000), (3000, 1), (1, 1)])
def test_extreme_proportions_fit_any_size(tmp_path, resize, size):
    path = written(tmp_path, PIL.Image.new("L", size, 50))
    assert decode(path, Image(3, 5, 7), resize).shape == (3, 5, 7)


def test_a_large_jpeg_decoded_at_a_part_of_its_size_looks_the_same(tmp_path):
    y, x = np.mgrid[0:800, 0:1200]
    smooth = PIL.Image.fromarray(np.stack([x / 5, y / 4, (x + y) / 8], axis=2).astype(np.uint8))
    path = written(tmp_path, smooth, "large.jpg", quality=95)
    exact = np.asarray(PIL.Image.open(path).resize((32, 32), PIL.Image.Resampling.BILINEAR)).astype(int)
    fast = decode(path, Image(3, 32, 32), "stretch").permute(1, 2, 0).numpy().astype(int)
    assert abs(exact - fast).max() <= 2


def test_files_decoded_side_by_side_stay_in_order(tmp_path):
    paths = [written(tmp_path, PIL.Image.new("L", (2, 1), i), f"{i}.png") for i in range(40)]
    paths.insert(3, tmp_path / "absent.png")
    results = decode_all(paths, GREY, "crop")
    assert isinstance(results.pop(3), Unreadable)
    assert [int(pixels[0, 0, 0]) for pixels in results if isinstance(pixels, torch.Tensor)] == list(range(40))


def test_images_are_told_by_their_name_and_hidden_files_are_none():
    names = ["a.PNG", "b.jpeg", "c.tiff", "d.txt", "e", ".f.png", "._g.jpg"]
    assert [is_image_name(Path(name)) for name in names] == [True, True, True, False, False, False, False]


def test_files_of_subfolders_are_found_in_order_without_hidden_ones(tmp_path):
    for name in ("b/2.png", "b/1.png", "a.png", ".hidden/x.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [file.relative_to(tmp_path).as_posix() for file in files_below(tmp_path)] == ["a.png", "b/1.png", "b/2.png"]


def test_a_folder_that_is_not_there_is_an_error_and_not_empty(tmp_path):
    with pytest.raises(FileNotFoundError):
        files_below(tmp_path / "absent")


def test_a_name_that_is_no_text_can_be_printed():
    assert printable(Path("a/\udcff.png")) == "a/\ufffd.png"
