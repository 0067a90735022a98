# SPDX-License-Identifier: Apache-2.0
"""What the reconstruction knows of each photograph, and the camera that a photograph's own data suggest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .._arrays import check
from ..scene import Camera

# Focal length over longer side where nothing is known, as in COLMAP: between a phone's and a normal lens.
DEFAULT_FOCAL_FACTOR = 1.2


class PhotoInfo(Protocol):
    """The facts of ``fastcv.io.read_photo_info`` that decide about cameras."""

    width: int
    height: int
    focal_length_px: float | None
    make: str | None
    model: str | None


@dataclass(frozen=True)
class Photo:
    """One photograph as ``reconstruct`` sees it.

    Parameters
    ----------
    name : str
        How messages and ``scene.Image.name`` call it.
    camera_id : int
        Key into the cameras.
    keypoints : (M, 2) float32 or float64 array
        Pixels; (0, 0) is the top-left corner of the image.
    colors : (M, 3) uint8 array
        Colour at each keypoint.
    """

    name: str
    camera_id: int
    keypoints: NDArray[Any]
    colors: NDArray[np.uint8]

    def __post_init__(self) -> None:
        dims: dict[str, int] = {}
        check("keypoints", self.keypoints, ("M", 2), ("float32", "float64"), dims)
        check("colors", self.colors, ("M", 3), ("uint8",), dims)


def cameras_from_photos(
    infos: Sequence[PhotoInfo], *, K: NDArray[np.float64] | None = None
) -> tuple[dict[int, Camera], list[int]]:
    """Cameras for photographs, and which of them took each.

    Photographs that agree in make, model, focal length and size share one camera: the lens is the same, so its few
    unknowns are better found from all of them together than from each alone.

    Parameters
    ----------
    infos : sequence of PhotoInfo
        As ``fastcv.io.read_photo_info`` returns them.
    K : (3, 3) array, optional
        Known calibration without distortion, in pixels, principal point in the corner convention. Holds for every
        photograph, which must then all have one size. Without it: SIMPLE_RADIAL with EXIF's focal length, or with 1.2
        times the longer side where there is none.

    Returns
    -------
    cameras : dict of int to Camera
        By id, from 1.
    camera_ids : list of int
        One per photograph.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from fastcv import sfm
    >>> phone = dict(make="A", model="B", width=4000, height=3000)
    >>> photos = [SimpleNamespace(**phone, focal_length_px=f) for f in (3000.0, 3000.0, None)]
    >>> cameras, ids = sfm.cameras_from_photos(photos)
    >>> ids, cameras[1].focal_length, cameras[2].focal_length
    ([1, 1, 2], 3000.0, 4800.0)
    """
    if K is not None:
        K = np.asarray(K, np.float64)
        check("K", K, (3, 3))
        sizes = {(info.width, info.height) for info in infos}
        if len(sizes) > 1:
            raise ValueError(f"infos: expected one image size where K is given, got {sorted(sizes)}")
    ids: dict[tuple[Any, ...], int] = {}
    cameras: dict[int, Camera] = {}
    camera_ids = []
    for info in infos:
        key = (info.make, info.model, info.focal_length_px, info.width, info.height) if K is None else ()
        if key not in ids:
            ids[key] = len(ids) + 1
            cameras[ids[key]] = _camera(info, K)
        camera_ids.append(ids[key])
    return cameras, camera_ids


def _camera(info: PhotoInfo, K: NDArray[np.float64] | None) -> Camera:
    width, height = info.width, info.height
    if K is not None:
        return Camera("PINHOLE", width, height, np.array([K[0, 0], K[1, 1], K[0, 2], K[1, 2]]), True)
    known = info.focal_length_px is not None
    focal = info.focal_length_px if known else DEFAULT_FOCAL_FACTOR * max(width, height)
    return Camera("SIMPLE_RADIAL", width, height, np.array([focal, width / 2, height / 2, 0.0]), known)
