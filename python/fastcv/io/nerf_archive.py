# SPDX-License-Identifier: Apache-2.0
"""Posed images in one ``.npz``: small versions of NeRF's synthetic scenes."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import FormatError
from ..scene import Camera
from ._text_cameras import inverse, rigid

_FLIP = np.diag([1.0, -1.0, -1.0, 1.0])  # OpenGL's camera looks along -z with y up


class NerfArchive(NamedTuple):
    """Images with poses, those for training first.

    Parameters
    ----------
    images : (N, H, W, 3 or 4) uint8 array
        Colours are not multiplied by alpha.
    camera : Camera
        SIMPLE_PINHOLE.
    cam_from_world : (N, 3, 4) float64 array
    num_train : int
        The others are for tests.
    """

    images: NDArray[np.uint8]
    camera: Camera
    cam_from_world: NDArray[np.float64]
    num_train: int


def read_nerf_archive(path: str | os.PathLike[str]) -> NerfArchive:
    """Read an ``.npz`` with images, poses and one focal length.

    Its arrays are ``images_train`` and ``images_test`` (N, H, W, 3 or 4) uint8, ``c2w_train`` and ``c2w_test``
    (N, 4, 4) from OpenGL's camera to the world, and ``focal`` in pixels; the principal point is the image's middle.
    The two arrays of test images may be missing.

    Parameters
    ----------
    path : path-like

    Returns
    -------
    NerfArchive

    Raises
    ------
    FormatError
        No such archive, an array that is missing, of another dtype or of a shape that does not fit, or a pose that is
        not rigid.

    Examples
    --------
    >>> images, poses = np.zeros((2, 8, 8, 4), np.uint8), np.tile(np.eye(4), (2, 1, 1))
    >>> np.savez("scene.npz", images_train=images, c2w_train=poses, focal=12.0)
    >>> read_nerf_archive("scene.npz").camera.params
    array([12.,  4.,  4.])
    """
    path = Path(path)
    content = path.read_bytes()  # numpy would leave a broken file open
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (ValueError, EOFError, KeyError, AttributeError, zipfile.BadZipFile) as error:
        raise FormatError(path, f"expected an npz archive of arrays, got: {error}") from error
    images, poses = [], []
    for split in ("train", "test"):
        if split == "test" and "images_test" not in arrays:
            continue
        image, pose = (_array(path, arrays, f"{name}_{split}") for name in ("images", "c2w"))
        if image.ndim != 4 or image.shape[3] not in (3, 4) or image.dtype != np.uint8 or 0 in image.shape:
            rule = f"images_{split}: expected shape (N, H, W, 3 or 4) and dtype uint8"
            raise FormatError(path, f"{rule}, got {image.shape} and {image.dtype}")
        if pose.shape != (len(image), 4, 4) or pose.dtype.kind != "f":
            rule = f"c2w_{split}: expected shape ({len(image)}, 4, 4) of floats"
            raise FormatError(path, f"{rule}, got {pose.shape} of {pose.dtype}")
        images.append(image)
        poses += [inverse(rigid(path, p[:3])) for p in pose.astype(np.float64) @ _FLIP]
    if len({image.shape[1:] for image in images}) != 1:
        raise FormatError(path, f"images_test: expected shape (N, {images[0].shape[1:]}), got {images[1].shape}")
    focal = _array(path, arrays, "focal")
    if focal.shape != () or focal.dtype.kind not in "fi" or not (0 < focal < np.inf):
        raise FormatError(path, f"focal: expected a positive number, got {focal}")
    height, width = images[0].shape[1:3]
    camera = Camera("SIMPLE_PINHOLE", width, height, np.array([float(focal), width / 2, height / 2]))
    return NerfArchive(np.concatenate(images), camera, np.array(poses), len(images[0]))


def _array(path: Path, arrays: dict[str, NDArray], name: str) -> NDArray:
    if name not in arrays:
        raise FormatError(path, f"expected an array {name}, got {', '.join(arrays) or 'none'}")
    return arrays[name]
