# SPDX-License-Identifier: Apache-2.0
"""Scenes from files: ``transforms.json``, archives and COLMAP models."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import io
from ..scene import Camera, Reconstruction
from .scene import Scene, estimate_box

_TEST_EVERY = 8  # where no split is given, as in Mildenhall et al. 2020
Box: TypeAlias = NDArray[np.float64]


def read_scene(
    path: str | os.PathLike[str],
    *,
    photos: str | os.PathLike[str] | None = None,
    box: ArrayLike | None = None,
    background: ArrayLike = (1, 1, 1),
) -> Scene:
    """Read a scene: ``transforms.json`` or the folder of it, an ``.npz`` archive, or a COLMAP model with photographs.

    Parameters
    ----------
    path : path-like
        See :func:`fastcv.io.read_transforms` and :func:`fastcv.io.read_nerf_archive`; or a folder with COLMAP's
        ``cameras``, ``images`` and ``points3D``, or with such a folder as ``sparse/0`` or ``sparse``.
    photos : path-like, optional
        The folder of a COLMAP model's photographs; ``images`` beside ``sparse`` where it is None.
    box : (2, 3) array, optional
        Of what is to be reconstructed. Where it is None, that of ``transforms.json``; that of instant-ngp's unit cube
        for archives; by :func:`estimate_box` for COLMAP models.
    background : (3,) array, optional
        The colour where alpha is less than 1.

    Returns
    -------
    Scene
        Where no split is given, images 0, 8, 16 and so on are for tests.

    Raises
    ------
    FormatError
        A file that does not follow its format.
    FileNotFoundError
        There is no such file, or a photograph of the model is missing.
    ValueError
        Images of different sizes, or another error of :class:`Scene`.

    Examples
    --------
    >>> from fastcv import nerf
    >>> images, poses = np.zeros((9, 8, 8, 4), np.uint8), np.tile(np.eye(4), (9, 1, 1))
    >>> np.savez("scene.npz", images_train=images, c2w_train=poses, focal=12.0)
    >>> nerf.read_scene("scene.npz").splits["test"]
    array([0, 8])
    """
    path = Path(path)
    colour = np.array(background, np.float32)
    given = None if box is None else np.array(box, np.float64)
    if path.suffix == ".npz":
        return _from_archive(path, given, colour)
    model = _colmap_folder(path)
    if model is not None:
        return _from_colmap(model, _photo_folder(path) if photos is None else Path(photos), given, colour)
    return _from_transforms(path, given, colour)


def _from_archive(path: Path, box: Box | None, background: NDArray[np.float32]) -> Scene:
    archive = io.read_nerf_archive(path)
    numbers = np.arange(len(archive.images))
    splits = _every_eighth(len(numbers))
    if archive.num_train < len(numbers):
        splits = {"train": numbers[: archive.num_train], "test": numbers[archive.num_train :]}
    box = io.Transforms(Reconstruction(), {}).box if box is None else box
    return Scene(archive.images, (archive.camera,), archive.cam_from_world, box, splits, background)


def _from_colmap(model: Path, photos: Path, box: Box | None, background: NDArray[np.float32]) -> Scene:
    found = io.read_colmap(model)
    paths = {key: photos / image.name for key, image in found.images.items()}
    missing = [file for file in paths.values() if not file.is_file()]
    if missing:
        raise FileNotFoundError(f"{missing[0]}: expected a photograph of the model, got no file")
    files, cameras, poses = _views(found, paths)
    if box is None:
        box = estimate_box(poses, found.points3D.xyz if len(found.points3D) else None)
    return Scene(files, cameras, poses, box, _every_eighth(len(files)), background)


def _from_transforms(path: Path, box: Box | None, background: NDArray[np.float32]) -> Scene:
    found = io.read_transforms(path)
    splits = {name: np.array(ids, np.int64) - 1 for name, ids in found.splits.items()}
    if "train" not in splits:
        splits = _every_eighth(len(found.paths))
    views = _views(found.reconstruction, found.paths)
    return Scene(*views, found.box if box is None else box, splits, background)


def _views(scene: Reconstruction, paths: dict[int, Path]) -> tuple[list[Path], tuple[Camera, ...], NDArray[np.float64]]:
    """Files, cameras and poses of all images; one camera where all share it."""
    images = scene.images
    used = {image.camera_id for image in images.values()}
    cameras = [scene.cameras[image.camera_id] for image in images.values()]
    poses = np.array([image.cam_from_world for image in images.values()]).reshape(-1, 3, 4)
    return [paths[key] for key in images], tuple(cameras[:1] if len(used) == 1 else cameras), poses


def _every_eighth(count: int) -> dict[str, NDArray[np.int64]]:
    numbers = np.arange(count)
    held_out = numbers % _TEST_EVERY == 0
    return {"train": numbers[~held_out], "test": numbers[held_out]}


def _colmap_folder(path: Path) -> Path | None:
    folders = (path, path / "sparse" / "0", path / "sparse")
    names = ("cameras.bin", "cameras.txt")
    return next((folder for folder in folders if any((folder / name).is_file() for name in names)), None)


def _photo_folder(path: Path) -> Path:
    roots = (path, path.parent, path.parent.parent)
    return next((root / "images" for root in roots if (root / "images").is_dir()), path / "images")
