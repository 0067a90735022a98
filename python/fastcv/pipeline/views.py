# SPDX-License-Identifier: Apache-2.0
"""Registered photographs as multi-view stereo wants them: without distortion, at the size of the quality."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from .. import camera as camera_room
from .. import io, mvs
from ..scene import Camera, Image, Reconstruction
from .images import resized

_KEPT_BYTES = 400 << 20  # of pictures, so that a large set does not fill the memory


class Views:
    """Views by photograph's name, made when first asked for; those used least recently are dropped.

    Parameters
    ----------
    paths : mapping of str to Path
        The photographs.
    model : Reconstruction
    max_size : int
        Longest image side in pixels.
    """

    def __init__(self, paths: Mapping[str, Path], model: Reconstruction, max_size: int):
        self._paths, self._model, self._max_size = paths, model, max_size
        self._images = {image.name: image for image in model.images.values()}
        self._kept: OrderedDict[str, mvs.View] = OrderedDict()
        self._pinholes: dict[str, Camera] = {}

    def __getitem__(self, name: str) -> mvs.View:
        if name not in self._kept:
            self._kept[name] = self._make(name)
        self._kept.move_to_end(name)
        while sum(view.image.nbytes for view in self._kept.values()) > _KEPT_BYTES and len(self._kept) > 1:
            self._kept.popitem(last=False)
        return self._kept[name]

    def model(self) -> Reconstruction:
        """Cameras and poses of the views made so far, without points: what belongs to the depth maps."""
        images = {key: image for key, image in self._model.images.items() if image.name in self._pinholes}
        return Reconstruction(
            {key: self._pinholes[image.name] for key, image in images.items()},
            {key: Image(image.name, key, image.cam_from_world) for key, image in images.items()},
        )

    def _make(self, name: str) -> mvs.View:
        image = self._images[name]
        picture = resized(io.read_photo(self._paths[name]), self._max_size)
        camera = scaled(self._model.cameras[image.camera_id], picture.shape[1], picture.shape[0])
        picture, pinhole = camera_room.undistort_image(picture, camera)
        self._pinholes[name] = pinhole
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
