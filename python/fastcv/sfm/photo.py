# SPDX-License-Identifier: Apache-2.0
"""What the reconstruction knows of each photograph, and the camera that a photograph's own data suggest."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .._arrays import check
from ..scene import CAMERA_MODELS, Camera

# Focal length over longer side where nothing is known, as in COLMAP: between a phone's and a normal lens.
DEFAULT_FOCAL_FACTOR = 1.2


class PhotoInfo(Protocol):
    """The facts of ``fastcv.io.read_photo_info`` that decide about cameras."""

    @property
    def width(self) -> int: ...

    @property
    def height(self) -> int: ...

    @property
    def focal_length_px(self) -> float | None: ...

    @property
    def make(self) -> str | None: ...

    @property
    def model(self) -> str | None: ...


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
    infos: Sequence[PhotoInfo],
    *,
    camera_model: str | None = None,
    intrinsics: Sequence[float] | None = None,
    single_camera: bool | None = None,
) -> tuple[dict[int, Camera], list[int]]:
    """Cameras for photographs, and which of them took each.

    Photographs that agree in make, model, focal length and size share one camera: the lens is the same, so its few
    unknowns are better found from all of them together than from each alone.

    Parameters
    ----------
    infos : sequence of PhotoInfo
        As ``fastcv.io.read_photo_info`` returns them.
    camera_model : str, optional
        A name of ``scene.CAMERA_MODELS`` except BAL; distortion starts at zero. By default SIMPLE_RADIAL, or PINHOLE
        where intrinsics are given.
    intrinsics : (fx, fy, cx, cy), optional
        Known calibration in pixels, (0, 0) being the top-left corner, of the one camera that took all photographs.
        Without it: EXIF's focal length, or 1.2 times the longer side where there is none.
    single_camera : bool, optional
        Whether all photographs share one camera, or none do. One takes the first focal length that EXIF knows.

    Returns
    -------
    cameras : dict of int to Camera
        By id, from 1.
    camera_ids : list of int
        One per photograph.

    Raises
    ------
    ValueError
        One camera, but photographs of several sizes; two focal lengths, but a model with one; no such model.

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
    sizes = sorted({(info.width, info.height) for info in infos})
    if len(sizes) > 1 and (intrinsics is not None or single_camera):
        name = "single_camera" if intrinsics is None else "intrinsics"
        found = ", ".join(f"{width}x{height}" for width, height in sizes)
        raise ValueError(f"{name}: expected photographs of one size, got {found}")
    groups: dict[Hashable, list[int]] = {}
    for row, info in enumerate(infos):
        key: Hashable = (info.make, info.model, info.focal_length_px, info.width, info.height)
        if single_camera is not None:
            key = None if single_camera else row
        elif intrinsics is not None:
            key = None
        groups.setdefault(key, []).append(row)
    cameras, camera_ids = {}, [0] * len(infos)
    for camera_id, rows in enumerate(groups.values(), 1):
        cameras[camera_id] = _camera([infos[row] for row in rows], camera_model, intrinsics)
        for row in rows:
            camera_ids[row] = camera_id
    return cameras, camera_ids


def _camera(infos: Sequence[PhotoInfo], model: str | None, intrinsics: Sequence[float] | None) -> Camera:
    """The camera of photographs of one size."""
    width, height = infos[0].width, infos[0].height
    known = [info.focal_length_px for info in infos if info.focal_length_px is not None]
    if intrinsics is None:
        focal = known[0] if known else DEFAULT_FOCAL_FACTOR * max(width, height)
        fx, fy, cx, cy = focal, focal, width / 2, height / 2
    else:
        fx, fy, cx, cy = intrinsics
    model = model or ("SIMPLE_RADIAL" if intrinsics is None else "PINHOLE")
    _, names = CAMERA_MODELS.get(model, (0, ()))
    if "cx" not in names:
        raise ValueError(f"camera_model: expected one with a principal point, got {model!r}")
    if "f" in names and fx != fy:
        raise ValueError(f"camera_model: expected one with two focal lengths for {fx} and {fy}, got {model}")
    values = {"f": fx, "fx": fx, "fy": fy, "cx": cx, "cy": cy}
    params = np.array([values.get(name, 0.0) for name in names])
    return Camera(model, width, height, params, intrinsics is not None or bool(known))
