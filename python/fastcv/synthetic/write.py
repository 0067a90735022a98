# SPDX-License-Identifier: Apache-2.0
"""A dataset as files: photographs as a camera would leave them, and the truth in the formats of the field."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np

from ..errors import MissingDependencyError
from ..scene import Camera
from .dataset import Dataset

# Tags of Exif 3.0 (CIPA DC-008), sections 4.6.4 to 4.6.6.
_MAKE, _MODEL, _EXIF_IFD, _FOCAL_LENGTH_35MM = 0x010F, 0x0110, 0x8769, 0xA405
_DIAGONAL_35MM = np.hypot(36.0, 24.0)


def write_dataset(dataset: Dataset, folder: str | os.PathLike[str], *, exif: bool = True) -> None:
    """Write photographs and truth.

    ========================  ==================================================================================
    ``photos/*.jpg``          JPEG of quality 95
    ``truth/sparse/*.bin``    COLMAP model: cameras, poses, points and exact tracks
    ``truth/depth/*.pfm``     float32 depth along z in scene units, 0 for none
    ``truth/mask/*.png``      silhouettes: 255 where there is a surface, else 0
    ========================  ==================================================================================

    Parameters
    ----------
    dataset : Dataset
    folder : path-like
        Created if it is missing; files of the same names are replaced.
    exif : bool
        Photographs name the focal length as cameras do: in whole millimetres on 35 mm film of the same diagonal
        (CIPA DCG-001), which is right to about 2 %.

    Raises
    ------
    MissingDependencyError
        Pillow is not installed.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from fastcv.synthetic import make_dataset, write_dataset
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_dataset(make_dataset("object", num_views=2, width=32, height=24), folder)
    ...     sorted(path.name for path in Path(folder).rglob("*.*g"))
    ['object_000.jpg', 'object_000.png', 'object_001.jpg', 'object_001.png']
    """
    from ..io import write_colmap, write_image, write_pfm

    folder = Path(folder)
    for part in ("photos", "truth/depth", "truth/mask"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    write_colmap(dataset.reconstruction, folder / "truth" / "sparse")
    for row, image in enumerate(dataset.reconstruction.images.values()):
        camera = dataset.reconstruction.cameras[image.camera_id]
        _write_photo(folder / "photos" / image.name, dataset.images[row], camera if exif else None)
        stem = Path(image.name).stem
        write_pfm(folder / "truth" / "depth" / f"{stem}.pfm", dataset.depths[row])
        write_image(folder / "truth" / "mask" / f"{stem}.png", dataset.masks[row].astype(np.uint8) * np.uint8(255))


def _write_photo(path: Path, pixels: np.ndarray, camera: Camera | None) -> None:
    """JPEG, with the EXIF of ``camera`` unless it is None."""
    from ..io import atomic_write

    try:
        from PIL import Image
    except ImportError as error:
        raise MissingDependencyError("photographs need Pillow: pip install 'fastcv[pipeline]'") from error
    tags = Image.Exif()
    if camera is not None:
        tags[_MAKE], tags[_MODEL] = "fastcv", "synthetic"
        film = camera.focal_length * _DIAGONAL_35MM / np.hypot(camera.width, camera.height)
        tags.get_ifd(_EXIF_IFD)[_FOCAL_LENGTH_35MM] = round(film)
    with atomic_write(path) as file:
        Image.fromarray(pixels).save(file, "JPEG", quality=95, exif=tags)
