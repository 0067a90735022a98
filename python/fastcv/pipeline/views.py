# SPDX-License-Identifier: Apache-2.0
"""Photographs of a model as multi-view stereo wants them: without distortion, and no larger than asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from .. import camera as camera_room
from .. import io, mvs
from .._cache import Cache
from ..errors import FormatError
from ..scene import Camera, Reconstruction
from .images import resized, resized_size


class Views:
    """Views by photograph's name, made when first asked for; those used least recently are dropped.

    Parameters
    ----------
    paths : mapping of str to Path
        The photographs.
    model : Reconstruction
    max_size : int
        Longest image side in pixels.
    max_bytes : int
        Of pictures that are kept.
    """

    def __init__(self, paths: Mapping[str, Path], model: Reconstruction, max_size: int, max_bytes: int):
        self._paths, self._cameras, self._max_size = paths, model.cameras, max_size
        self._images = {image.name: image for image in model.images.values()}
        self._kept = Cache(self.load, lambda view: view.image.nbytes, max_bytes)

    def __getitem__(self, name: str) -> mvs.View:
        return self._kept[name]

    def load(self, name: str) -> mvs.View:
        """A view that is not kept.

        Raises
        ------
        FormatError
            The photograph is damaged, or not one of its camera.
        OSError
            It cannot be read.
        """
        image, path = self._images[name], self._paths[name]
        camera = self._cameras[image.camera_id]
        photo = io.read_photo(path)
        height, width = photo.shape[:2]
        if abs(width * camera.height - height * camera.width) > max(width, height, camera.width, camera.height):
            rule = f"expected the proportions of its camera, {camera.width} x {camera.height} pixels"
            raise FormatError(path, f"{rule}, got {width} x {height}")
        picture = resized(photo, self._max_size)
        picture, pinhole = camera_room.undistort_image(picture, scaled(camera, picture.shape[1], picture.shape[0]))
        return mvs.View(picture, pinhole.matrix, image.cam_from_world)


def scaled(camera: Camera, width: int, height: int) -> Camera:
    """The camera for its photograph at another size. Distortion acts on normalised coordinates and stays."""
    zoom = {"x": width / camera.width, "y": height / camera.height}
    zoom[""] = float(np.sqrt(zoom["x"] * zoom["y"]))  # one focal length for both axes
    params = [
        value * zoom[name[1:]] if name in ("f", "fx", "fy", "cx", "cy") else value
        for name, value in zip(camera.param_names, camera.params, strict=True)
    ]
    return replace(camera, width=width, height=height, params=np.array(params))


def view_size(camera: Camera, max_size: int) -> tuple[int, int]:
    """Width and height of the views of a camera whose photographs have its size."""
    return resized_size(camera.width, camera.height, max_size)
