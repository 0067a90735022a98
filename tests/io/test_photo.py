# SPDX-License-Identifier: Apache-2.0
"""Photographs: pixels against OpenCV, EXIF against pycolmap and by hand, every mode, and damage."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import cv2
import numpy as np
import PIL.Image
import pycolmap
import pytest
from PIL.TiffImagePlugin import IFDRational

from fastcv import FormatError, MissingDependencyError
from fastcv.io import list_photos, read_photo, read_photo_info, write_image

RAMP = np.arange(4 * 6 * 3, dtype=np.uint8).reshape(4, 6, 3) * 3
EXIF_IFD = 0x8769


def save_jpeg(
    path: Path, exif: dict[int, object], size: tuple[int, int] = (60, 40), main: dict[int, object] | None = None
) -> Path:
    block = PIL.Image.Exif()
    block.update(main or {})
    block.get_ifd(EXIF_IFD).update(exif)
    PIL.Image.new("RGB", size).save(path, exif=block)
    return path


def test_pixels_are_those_of_opencv(data_dir: Path) -> None:
    path = data_dir / "sfm" / "fountain-P11" / "images"
    first = list_photos(path)[0]
    image = read_photo(first)
    assert (image.shape, image.dtype) == ((1024, 1536, 3), np.uint8)
    np.testing.assert_array_equal(image, cv2.imread(str(first))[..., ::-1])


def test_info_of_a_camera(data_dir: Path) -> None:
    path = data_dir / "sfm" / "sceaux" / "100_7100.JPG"
    info = read_photo_info(path)
    assert (info.path, info.width, info.height, info.orientation) == (path, 2832, 2128, 1)
    assert (info.make, info.model) == ("EASTMAN KODAK COMPANY", "KODAK Z612 ZOOM DIGITAL CAMERA")
    assert info.captured_at == datetime(2010, 10, 12, 14, 43, 7)
    # pycolmap rounds the diagonal of 35 mm film to 43.27 mm, from 43.2666.
    assert info.focal_length_px == pytest.approx(pycolmap.infer_camera_from_image(path).params[0], rel=1e-4)


def test_info_without_exif(data_dir: Path) -> None:
    info = read_photo_info(list_photos(data_dir / "sfm" / "fountain-P11" / "images")[0])
    assert (info.width, info.height) == (1536, 1024)
    assert (info.focal_length_px, info.make, info.model, info.captured_at) == (None, None, None, None)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_told_not_applied(tmp_path: Path, orientation: int) -> None:
    path = save_jpeg(tmp_path / "a.jpg", {0xA405: 35}, main={0x0112: orientation})
    info = read_photo_info(path)
    assert (info.width, info.height, info.orientation) == (60, 40, orientation)
    assert read_photo(path).shape == (40, 60, 3)
    assert np.asarray(pycolmap.Bitmap.read(path, True).to_array()).shape == (40, 60, 3)


R = IFDRational


@pytest.mark.parametrize(
    ("exif", "expected"),
    [
        ({}, None),
        # 36 x 24 mm film and a 3:2 picture: 35 / 36 of the width.
        ({0xA405: 35}, 35 / 36 * 60),
        ({0xA405: 0}, None),
        # 8 mm on a sensor of 250 pixels per centimetre.
        ({0x920A: R(8, 1), 0xA20E: R(250, 1), 0xA210: 3}, 200.0),
        ({0x920A: R(8, 1), 0xA20E: R(254, 1), 0xA210: 2}, 80.0),
        ({0x920A: R(8, 1), 0xA20E: R(254, 1)}, 80.0),
        ({0x920A: R(8, 1), 0xA20E: R(25, 1), 0xA210: 4}, 200.0),
        ({0x920A: R(8, 1), 0xA20E: R(25, 1000), 0xA210: 5}, 200.0),
        # Taken 240 pixels wide, now 60.
        ({0x920A: R(8, 1), 0xA20E: R(250, 1), 0xA210: 3, 0xA002: 240}, 50.0),
        ({0xA405: 35, 0x920A: R(8, 1), 0xA20E: R(250, 1), 0xA210: 3}, 35 / 36 * 60),
        ({0xA405: 0, 0x920A: R(8, 1), 0xA20E: R(250, 1), 0xA210: 3}, 200.0),
        ({0x920A: R(8, 0), 0xA20E: R(250, 1), 0xA210: 3}, None),
        ({0x920A: R(8, 1), 0xA20E: R(0, 0), 0xA210: 3}, None),
        ({0x920A: R(8, 1), 0xA20E: R(250, 1), 0xA210: 1}, None),
        ({0x920A: R(8, 1)}, None),
    ],
)
def test_focal_length(tmp_path: Path, exif: dict[int, object], expected: float | None) -> None:
    focal_length = read_photo_info(save_jpeg(tmp_path / "a.jpg", exif)).focal_length_px
    assert [focal_length] == [expected if expected is None else pytest.approx(expected, rel=1e-12)]


def test_focal_length_of_a_tall_picture(tmp_path: Path) -> None:
    path = save_jpeg(tmp_path / "a.jpg", {0xA405: 50}, size=(30, 40))
    assert read_photo_info(path).focal_length_px == pytest.approx(50 * 50 / math.sqrt(36**2 + 24**2), rel=1e-12)


@pytest.mark.parametrize(
    ("text", "expected"), [("2020:02:30 10:00:00", None), ("    :  :     :  :  ", None), ("junk", None)]
)
def test_bad_times_are_missing(tmp_path: Path, text: str, expected: None) -> None:
    path = save_jpeg(tmp_path / "a.jpg", {0x9003: text}, main={0x010F: "  ", 0x0110: "Model \0", 0x0112: 99})
    info = read_photo_info(path)
    assert (info.captured_at, info.make, info.model, info.orientation) == (expected, None, "Model", 1)


@pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.ppm", "a.tif", "a.webp"])
def test_lossless_formats(tmp_path: Path, name: str) -> None:
    PIL.Image.fromarray(RAMP).save(tmp_path / name, **({"lossless": True} if name == "a.webp" else {}))
    np.testing.assert_array_equal(read_photo(tmp_path / name), RAMP)


def test_modes(tmp_path: Path) -> None:
    grey = RAMP[:, :, 0]
    repeated = np.repeat(grey[:, :, None], 3, axis=2)
    deep = grey.astype(np.uint16) * 256 + 99
    alpha = np.dstack([RAMP, np.full(grey.shape, 7, np.uint8)])
    cases = {
        "grey.png": (PIL.Image.fromarray(grey), repeated),
        "deep.png": (PIL.Image.fromarray(deep), repeated),
        "deep.tif": (PIL.Image.fromarray(deep), repeated),
        "alpha.png": (PIL.Image.fromarray(alpha), RAMP),
        "grey_alpha.png": (PIL.Image.fromarray(alpha[:, :, 2:]), np.repeat(RAMP[:, :, 2:], 3, axis=2)),
        "palette.png": (PIL.Image.fromarray(RAMP).quantize(256), RAMP),
        "bits.png": (PIL.Image.fromarray(grey > 100), np.where(repeated > 100, 255, 0)),
        # Without black, CMYK is the complement of RGB.
        "cmyk.tif": (PIL.Image.fromarray(np.dstack([255 - RAMP, 0 * grey]), "CMYK"), RAMP),
    }
    for name, (image, expected) in cases.items():
        image.save(tmp_path / name)
        result = read_photo(tmp_path / name)
        np.testing.assert_array_equal(result, expected, err_msg=name)
        assert (result.dtype, result.flags.writeable) == (np.uint8, True)


def test_palette_with_transparent_entries(tmp_path: Path) -> None:
    palette = PIL.Image.fromarray(RAMP).quantize(16)
    palette.save(tmp_path / "a.png", transparency=bytes(range(16)))
    np.testing.assert_array_equal(read_photo(tmp_path / "a.png"), np.asarray(palette.convert("RGB")))


def test_floats_are_refused(tmp_path: Path) -> None:
    PIL.Image.fromarray(np.ones((2, 3), np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(FormatError, match=r"a\.tif: expected pixels of 8 or 16 bits, got floats"):
        read_photo(tmp_path / "a.tif")
    PIL.Image.fromarray(np.full((2, 3), 70000, np.int32)).save(tmp_path / "b.tif")
    with pytest.raises(FormatError, match=r"b\.tif: expected values of 16 bits, got 70000 to 70000"):
        read_photo(tmp_path / "b.tif")


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif", "a.webp", "a.bmp", "a.ppm"])
def test_cut_files(tmp_path: Path, survives_damage: Callable[..., None], name: str) -> None:
    path = tmp_path / name
    PIL.Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 50, 3), np.uint8)).save(path)
    size = path.stat().st_size
    # Decoders end before the very last bytes: PNG without its IEND chunk still has all pixels.
    survives_damage(path, lambda: read_photo(path), flips=0, lengths=range(0, size - 64, size // 40))


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif"])
@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, of damaged EXIF and TIFF tags
def test_flipped_bytes(tmp_path: Path, survives_damage: Callable[..., None], name: str) -> None:
    path = tmp_path / name
    PIL.Image.fromarray(RAMP).save(path, exif=PIL.Image.open(save_jpeg(tmp_path / "b.jpg", {0xA405: 35})).info["exif"])
    survives_damage(path, lambda: (read_photo(path), read_photo_info(path)), flips=150, lengths=range(0))


def test_what_is_no_photo(tmp_path: Path) -> None:
    (tmp_path / "empty.jpg").write_bytes(b"")
    (tmp_path / "text.jpg").write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n")
    for name in ("empty.jpg", "text.jpg"):
        for read in (read_photo, read_photo_info):
            with pytest.raises(FormatError, match=f"{name}: expected a BMP, JPEG"):
                read(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        read_photo(tmp_path / "missing.jpg")
    with pytest.raises(IsADirectoryError):
        read_photo(tmp_path)


def test_decompression_bomb(tmp_path: Path) -> None:
    (tmp_path / "bomb.pgm").write_bytes(b"P5 100000 100000 255\n")
    with pytest.raises(FormatError, match=r"bomb\.pgm: expected at most 178956970 pixels, got: .*10000000000"):
        read_photo(tmp_path / "bomb.pgm")


@pytest.mark.parametrize("shape", [(4, 6), (4, 6, 3), (4, 6, 4)])
def test_write_png(tmp_path: Path, shape: tuple[int, ...]) -> None:
    image = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    write_image(tmp_path / "a.png", image[::-1])
    expected = {2: image, 3: image[..., [2, 1, 0, 3][: shape[-1]]]}[len(shape)][::-1]
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / "a.png"), cv2.IMREAD_UNCHANGED), expected)


def test_write_deep_png_and_jpeg(tmp_path: Path) -> None:
    deep = np.arange(24, dtype=np.uint16).reshape(4, 6) * 2777
    write_image(tmp_path / "a.png", deep)
    np.testing.assert_array_equal(cv2.imread(str(tmp_path / "a.png"), cv2.IMREAD_UNCHANGED), deep)
    smooth = np.repeat(np.repeat(RAMP, 8, axis=0), 8, axis=1)
    for name in ("a.jpg", "a.JPEG"):
        write_image(tmp_path / name, smooth)
        # Quality 95 keeps flat 8 × 8 blocks to rounding of the colour transform.
        assert np.abs(cv2.imread(str(tmp_path / name))[..., ::-1].astype(int) - smooth).max() <= 3


def test_what_cannot_be_written(tmp_path: Path, full_disk) -> None:
    cases = [
        ("a.gif", RAMP, ValueError, "path: expected a name that ends with"),
        ("a.png", RAMP.astype(float), TypeError, "image: expected dtype uint8, got float64"),
        ("a.jpg", RAMP[:, :, 0].astype(np.uint16), TypeError, "image: expected dtype uint8, got uint16"),
        ("a.png", RAMP.astype(np.uint16), TypeError, "image: expected dtype uint8, got uint16"),
        ("a.png", RAMP[0, 0], ValueError, "image: expected shape"),
        ("a.png", RAMP[:, :, :2], ValueError, "image: expected shape"),
        ("a.png", RAMP[:0], ValueError, "image: expected shape"),
        ("a.jpg", np.dstack([RAMP, RAMP[:, :, :1]]), ValueError, "image: expected shape"),
    ]
    for name, image, error, message in cases:
        with pytest.raises(error, match=message):
            write_image(tmp_path / name, image)
    noise = np.random.default_rng(0).integers(0, 256, (99, 99, 3), np.uint8)
    with pytest.raises(OSError, match="File too large"), full_disk(100):
        write_image(tmp_path / "a.png", noise)
    assert os.listdir(tmp_path) == []


def test_list_photos(tmp_path: Path) -> None:
    for name in (
        "b.jpg",
        "a.JPG",
        "sub/c.png",
        "sub/notes.txt",
        ".hidden.jpg",
        ".cache/d.jpg",
        "sub/._c.png",
        "e.tiff",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "folder.jpg").mkdir()
    found = [path.relative_to(tmp_path).as_posix() for path in list_photos(tmp_path)]
    assert found == ["a.JPG", "b.jpg", "e.tiff", "sub/c.png"]
    assert list_photos(str(tmp_path / "folder.jpg")) == []
    with pytest.raises(NotADirectoryError, match="expected a folder of photographs"):
        list_photos(tmp_path / "b.jpg")


def test_pillow_is_imported_only_for_pixels() -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    program = "import sys, fastcv.io; print('PIL' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_missing_pillow_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_image(tmp_path / "a.png", RAMP)
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'fastcv\[pipeline\]'"):
        read_photo(tmp_path / "a.png")


@pytest.mark.parametrize(("channels", "expected"), [(4, 4), (3, 3)])
def test_alpha_is_kept_where_it_is_asked_for_and_there(tmp_path, channels, expected):
    image = np.random.default_rng(0).integers(0, 256, (5, 7, channels), dtype=np.uint8)
    write_image(tmp_path / "1.png", image)
    read = read_photo(tmp_path / "1.png", alpha=True)
    assert read.shape == (5, 7, expected)
    np.testing.assert_array_equal(read, image)
    np.testing.assert_array_equal(read_photo(tmp_path / "1.png"), image[:, :, :3])
