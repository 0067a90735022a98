# SPDX-License-Identifier: Apache-2.0
"""Photographs in, pictures out: pixels, what the camera wrote about them, and which files are photographs."""

from __future__ import annotations

import io
import math
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import FormatError, MissingDependencyError
from ._atomic import atomic_write

if TYPE_CHECKING:
    from PIL import Image as PilImage

PHOTO_SUFFIXES = (".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
# Pillow's other readers start programs (EPS) or are no photographs.
_FORMATS = ("BMP", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
_JPEG_QUALITY = 95
# Tags of Exif 3.0 (CIPA DC-008), sections 4.6.4 to 4.6.6.
_MAKE, _MODEL, _ORIENTATION, _EXIF_IFD = 0x010F, 0x0110, 0x0112, 0x8769
_CAPTURED_AT, _FOCAL_LENGTH, _FOCAL_LENGTH_35MM, _PIXEL_X_DIMENSION = 0x9003, 0x920A, 0xA405, 0xA002
_FOCAL_PLANE_X_RESOLUTION, _FOCAL_PLANE_UNIT = 0xA20E, 0xA210
_MM_PER_UNIT: dict[float | None, float] = {2: 25.4, 3: 10.0, 4: 1.0, 5: 1e-3}
_DIAGONAL_35MM = math.hypot(36.0, 24.0)


@dataclass(frozen=True)
class PhotoInfo:
    """What a photograph says about itself.

    Parameters
    ----------
    path : Path
    width, height : int
        Of the stored pixels, as ``read_photo`` returns them.
    focal_length_px : float or None
        Focal length in pixels by EXIF, None if it says nothing usable.
    orientation : int
        EXIF orientation, 1 to 8: how to turn the picture for a viewer. 1 if it is not given.
    make, model : str or None
        The camera.
    captured_at : datetime or None
        By the camera's clock, without time zone.
    """

    path: Path
    width: int
    height: int
    focal_length_px: float | None = None
    orientation: int = 1
    make: str | None = None
    model: str | None = None
    captured_at: datetime | None = None


def read_photo(path: str | os.PathLike[str], *, alpha: bool = False) -> NDArray[np.uint8]:
    """Read the pixels of a photograph as RGB.

    Pixels come as the sensor stored them: the EXIF orientation is NOT applied (as in COLMAP; OpenCV's ``imread``
    does apply it). Thus all photographs of one camera share one principal point and distortion, however it was
    held. ``PhotoInfo.orientation`` says how to turn the picture for a viewer.

    Grey is repeated, 16 bits keep their high byte, palettes and CMYK are converted, and colour profiles are not
    applied.

    Parameters
    ----------
    path : path-like
        BMP, JPEG, PNG, PGM, PPM, TIFF or WebP.
    alpha : bool, optional
        Keep the alpha of a file that has it as a fourth channel, colours not multiplied by it. It is dropped otherwise.

    Returns
    -------
    (H, W, 3) uint8 array, or (H, W, 4) with alpha

    Raises
    ------
    FormatError
        Not such a file, cut or damaged, float pixels, or more than twice ``PIL.Image.MAX_IMAGE_PIXELS`` pixels (a
        decompression bomb; Pillow warns from half of that).
    MissingDependencyError
        Pillow is not installed.

    Examples
    --------
    >>> write_image("grey.png", np.full((2, 3), 7, np.uint8))
    >>> read_photo("grey.png").shape
    (2, 3, 3)
    """
    path = Path(path)
    image = _open(path)
    try:
        if image.mode == "F":
            raise FormatError(path, "expected pixels of 8 or 16 bits, got floats")
        if image.mode.startswith("I"):  # 16 bits: Pillow would clip them at 255
            return np.repeat((_levels16(path, image) >> 8).astype(np.uint8)[:, :, None], 3, axis=2)
        if "transparency" in image.info:  # a palette with alpha, of which Pillow warns otherwise
            image = image.convert("RGBA")
        return np.array(image.convert("RGBA" if alpha and image.mode in ("RGBA", "LA", "PA") else "RGB"))
    except (FormatError, MemoryError):
        raise
    except Exception as error:  # Pillow has no common base for what a damaged file makes it raise
        raise FormatError(path, f"expected an image that decodes, got: {error}") from error


def read_image16(path: str | os.PathLike[str]) -> NDArray[np.uint16]:
    """Read an image of one channel with 16 bits a pixel, such as a depth map, as it is.

    Parameters
    ----------
    path : path-like
        PNG, PGM or TIFF.

    Returns
    -------
    (H, W) uint16 array

    Raises
    ------
    FormatError
        Another kind of image, cut or damaged, or more pixels than ``read_photo`` takes.
    MissingDependencyError
        Pillow is not installed.
    """
    path = Path(path)
    image = _open(path)
    if not image.mode.startswith("I"):
        raise FormatError(path, f"expected one channel of 16 bits, got an image of kind {image.mode}")
    return _levels16(path, image)


def read_photo_info(path: str | os.PathLike[str]) -> PhotoInfo:
    """Read size and EXIF without decoding the pixels.

    The focal length in pixels is, in this order,

    1. ``FocalLengthIn35mmFilm · √(w² + h²) / √(36² + 24²)``: equal diagonal angles of view, as CIPA DCG-001 defines
       the tag;
    2. ``FocalLength · FocalPlaneXResolution / millimetres per FocalPlaneResolutionUnit``, times
       ``w / PixelXDimension`` if the picture was resized since;
    3. None.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    PhotoInfo
        Damaged EXIF reads as missing.

    Raises
    ------
    FormatError
        Not an image file.
    MissingDependencyError
        Pillow is not installed.

    Examples
    --------
    >>> write_image("plain.png", np.zeros((2, 3), np.uint8))
    >>> info = read_photo_info("plain.png")
    >>> info.width, info.height, info.focal_length_px
    (3, 2, None)
    """
    path = Path(path)
    image = _open(path)
    try:
        exif = image.getexif()
        tags: dict[int, Any] = {**exif, **exif.get_ifd(_EXIF_IFD)}
    except Exception:  # whatever Pillow raises about damaged EXIF: the picture is still good
        tags = {}
    orientation = tags.get(_ORIENTATION)
    return PhotoInfo(
        path=path,
        width=image.width,
        height=image.height,
        focal_length_px=_focal_length_px(tags, image.width, image.height),
        orientation=orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1,
        make=_text(tags.get(_MAKE)),
        model=_text(tags.get(_MODEL)),
        captured_at=_time(tags.get(_CAPTURED_AT)),
    )


def write_image(path: str | os.PathLike[str], image: NDArray[Any]) -> None:
    """Write a PNG or JPEG (quality 95, full colour resolution), by the suffix, atomically.

    Parameters
    ----------
    path : path-like
        ``.png``, ``.jpg`` or ``.jpeg``.
    image : (H, W) or (H, W, 3) uint8 array, or (H, W) uint16 array
        PNG also takes (H, W, 4) uint8 and (H, W) uint16.

    Raises
    ------
    TypeError
        Another dtype.
    ValueError
        Another shape or suffix.
    MissingDependencyError
        Pillow is not installed.
    """
    path = Path(path)
    kind = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG"}.get(path.suffix.lower())
    if kind is None:
        raise ValueError(f"path: expected a name that ends with .png, .jpg or .jpeg, got {path.name!r}")
    dtypes = (np.uint8, np.uint16) if kind == "PNG" and image.ndim == 2 else (np.uint8,)
    if image.dtype not in dtypes:
        raise TypeError(f"image: expected dtype {' or '.join(d.__name__ for d in dtypes)}, got {image.dtype}")
    channels = (3, 4) if kind == "PNG" else (3,)
    if image.size == 0 or not (image.ndim == 2 or (image.ndim == 3 and image.shape[2] in channels)):
        raise ValueError(
            f"image: expected shape (H, W) or (H, W, {' or '.join(map(str, channels))}), got {image.shape}"
        )
    picture = _pillow().fromarray(np.ascontiguousarray(image))
    with atomic_write(path) as file:
        picture.save(file, kind, **({"quality": _JPEG_QUALITY, "subsampling": 0} if kind == "JPEG" else {}))


def list_photos(folder: str | os.PathLike[str]) -> list[Path]:
    """Photographs in a folder and the folders in it, by suffix, sorted by path. Hidden files and folders are left out.

    Parameters
    ----------
    folder : path-like

    Returns
    -------
    list of Path
        Each begins with ``folder``. Suffixes count in any case: those of ``PHOTO_SUFFIXES``.

    Raises
    ------
    NotADirectoryError
        There is no such folder.

    Examples
    --------
    >>> os.makedirs("photos/left")
    >>> write_image("photos/left/1.png", np.zeros((2, 2), np.uint8))
    >>> [path.as_posix() for path in list_photos("photos")]
    ['photos/left/1.png']
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder}: expected a folder of photographs, got none")
    found = []
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(parent, n) for n in names if not n.startswith(".") and n.lower().endswith(PHOTO_SUFFIXES)]
    return sorted(found)


def _pillow() -> Any:
    try:
        from PIL import Image
    except ImportError as error:
        raise MissingDependencyError("photographs need Pillow: pip install 'fastcv[pipeline]'") from error
    return Image


def _open(path: Path) -> PilImage.Image:
    """Open from memory: whatever Pillow raises is then about the content, for OSError came before."""
    data = path.read_bytes()
    pillow = _pillow()
    try:
        return pillow.open(io.BytesIO(data), formats=_FORMATS)
    except MemoryError:
        raise
    except pillow.UnidentifiedImageError as error:  # its text names the memory, not the file
        raise FormatError(path, f"expected a {', '.join(_FORMATS)} image, got another file") from error
    except pillow.DecompressionBombError as error:
        raise FormatError(path, f"expected at most {2 * pillow.MAX_IMAGE_PIXELS} pixels, got: {error}") from error
    except Exception as error:
        raise FormatError(path, f"expected a {', '.join(_FORMATS)} image, got: {error}") from error


def _focal_length_px(tags: dict[int, Any], width: int, height: int) -> float | None:
    film = _positive(tags.get(_FOCAL_LENGTH_35MM))
    if film is not None:
        return film * math.hypot(width, height) / _DIAGONAL_35MM
    focal, resolution = _positive(tags.get(_FOCAL_LENGTH)), _positive(tags.get(_FOCAL_PLANE_X_RESOLUTION))
    unit = _MM_PER_UNIT.get(_positive(tags.get(_FOCAL_PLANE_UNIT, 2)))
    if focal is None or resolution is None or unit is None:
        return None
    original_width = _positive(tags.get(_PIXEL_X_DIMENSION)) or width
    return focal * resolution / unit * width / original_width


def _levels16(path: Path, image: PilImage.Image) -> NDArray[np.uint16]:
    """Pixels of a mode that begins with I, which holds 16 bits or 32."""
    try:
        values = np.asarray(image)
    except MemoryError:
        raise
    except Exception as error:  # as in read_photo
        raise FormatError(path, f"expected an image that decodes, got: {error}") from error
    if values.size and not 0 <= values.min() <= values.max() < 2**16:
        raise FormatError(path, f"expected values of 16 bits, got {values.min()} to {values.max()}")
    return values.astype(np.uint16)


def _positive(value: Any) -> float | None:
    """A finite positive number, else None: EXIF writes 0, 0/0 and 1/0 for "unknown"."""
    try:
        number = float(value)
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    return number if 0 < number < math.inf else None


def _text(value: Any) -> str | None:
    return (value.strip(" \0") or None) if isinstance(value, str) else None


def _time(value: Any) -> datetime | None:
    try:
        return datetime.strptime(str(value).strip(" \0"), "%Y:%m:%d %H:%M:%S")
    except ValueError:
        return None
