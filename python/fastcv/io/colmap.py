# SPDX-License-Identifier: Apache-2.0
"""COLMAP models: a folder of cameras, images and points3D files, with rigs and frames where COLMAP 3.12+ wrote it."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path

from ..errors import FormatError
from ..scene import Frame, Reconstruction, Rig
from . import _colmap_binary, _colmap_text
from ._atomic import atomic_write
from ._colmap_export import prepare
from ._colmap_model import assemble, poses_from_frames, rigid_matrices, rigs_of_cameras

_CLASSIC = ("cameras", "images", "points3D")
_RIGS_AND_FRAMES = ("rigs", "frames")


def read_colmap(folder: str | os.PathLike[str]) -> Reconstruction:
    """Read a COLMAP model, binary or text, of the classic three files or the newer five.

    As in COLMAP, binary files win over text files in the same folder, and where rigs and frames exist they decide
    the poses: ``cam_from_world = sensor_from_rig · rig_from_world``; the poses in the images file are then ignored.

    Not kept: rigs of one camera, sensors that are no cameras (where such a one is the reference, the rig's first camera
    takes its place), sensors of unknown pose, frames without images. COLMAP stores no ``has_prior_focal_length``; it is
    False. Image names that are not UTF-8 carry surrogates, as ``os.fsdecode`` gives them.

    Parameters
    ----------
    folder : path-like

    Returns
    -------
    Reconstruction

    Raises
    ------
    FileNotFoundError
        There is no model in the folder.
    FormatError
        A file is cut, a length exceeds it, an id occurs twice or refers to nothing, a value is not finite, a quaternion
        is not of unit length (to 1e-3; rounded ones are normalised), the camera model is not one of
        ``scene.CAMERA_MODELS``, or tracks and keypoints contradict each other. With the byte offset or the line.

    References
    ----------
    https://colmap.github.io/format.html

    Examples
    --------
    >>> os.mkdir("sparse")
    >>> write_colmap(Reconstruction(), "sparse")
    >>> read_colmap("sparse").images
    {}
    """
    folder = Path(folder)
    for layout in (_colmap_binary, _colmap_text):
        paths = {name: folder / f"{name}{layout.SUFFIX}" for name in (*_CLASSIC, *_RIGS_AND_FRAMES)}
        if all(paths[name].is_file() for name in _CLASSIC):
            break
    else:
        raise FileNotFoundError(f"{folder}: expected cameras, images and points3D, all .bin or all .txt, got none")
    cameras = layout.read_cameras(paths["cameras"])
    images = layout.read_images(paths["images"])
    poses = rigid_matrices(images.source, images.places, images.poses)
    existing = [name for name in _RIGS_AND_FRAMES if paths[name].is_file()]
    if len(existing) == 1:
        raise FormatError(paths[existing[0]], "expected a rigs and a frames file, or neither, got this one alone")
    kept: tuple[dict[int, Rig], dict[int, Frame]] = {}, {}
    if existing:
        rigs, rig_source = layout.read_rigs(paths["rigs"])
        frames, frame_source = layout.read_frames(paths["frames"])
        if rigs or frames:  # empty files are COLMAP's classic layout too
            poses = poses_from_frames(images, rigs, rig_source, frames, frame_source)
            kept = rigs_of_cameras(images, rigs, rig_source, frames, frame_source)
    result = assemble(cameras, images, poses, layout.read_points3D(paths["points3D"]))
    result.rigs, result.frames = kept
    return result


def write_colmap(reconstruction: Reconstruction, folder: str | os.PathLike[str], *, binary: bool = True) -> None:
    """Write a COLMAP model of five files, which old versions (three of them) and new ones read.

    A camera that is in no rig becomes one of its own, and an image that is in no frame becomes one, with the same ids
    where these are not taken. Model files of the other kind (text or binary) in the folder are left alone; readers
    prefer the binary ones.

    Parameters
    ----------
    reconstruction : Reconstruction
    folder : path-like
        Created if it is missing. The five files are replaced one after the other once all are written.
    binary : bool
        ``.bin`` files, else ``.txt``. Both keep every bit of params, keypoints and points; rotations pass through
        quaternions and come back to rounding.

    Raises
    ------
    ValueError
        What COLMAP cannot hold: camera model BAL, ids out of range, values that are not finite, a rotation that is
        none, references to nothing, a camera in two rigs, an image in two frames or with a pose that contradicts its
        rig; in text also image names with white space.

    Examples
    --------
    >>> import numpy as np
    >>> from fastcv import Camera, Image
    >>> camera = Camera("PINHOLE", 640, 480, np.array([500.0, 500.0, 320.0, 240.0]))
    >>> scene = Reconstruction({1: camera}, {1: Image("a.jpg", 1, np.eye(3, 4))})
    >>> write_colmap(scene, "model", binary=False)
    >>> read_colmap("model").cameras[1] == camera
    True
    """
    layout = _colmap_binary if binary else _colmap_text
    contents = layout.write_model(prepare(reconstruction))
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as files:
        for name, content in contents.items():
            file = files.enter_context(atomic_write(folder / f"{name}{layout.SUFFIX}"))
            file.write(content)
            file.flush()
