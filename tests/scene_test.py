# SPDX-License-Identifier: Apache-2.0
"""Cameras: the parameters that COLMAP knows by position, and a panorama, which has no focal length."""

from __future__ import annotations

import numpy as np
import pycolmap
import pytest

from fastcv import Camera
from fastcv.scene import CAMERA_MODELS


@pytest.mark.parametrize("model", [name for name in CAMERA_MODELS if name != "BAL"])
def test_every_model_of_colmap_is_here(model):
    number, names = CAMERA_MODELS[model]
    theirs = pycolmap.Camera.create_from_model_name(1, model, 500.0, 640, 480)
    ours = Camera(model, 640, 480, theirs.params)
    assert (int(theirs.model), theirs.params_info.replace(" ", "").split(",")) == (number, list(names))
    assert list(ours.focal_indices) == list(theirs.focal_length_idxs())
    assert list(ours.principal_point_indices) == list(theirs.principal_point_idxs())
    assert ours.is_spherical == theirs.is_spherical()


def test_none_of_colmaps_models_is_missing():
    numbers = {int(member) for member in pycolmap.CameraModelId.__members__.values()} - {-1}
    assert {number for number, _ in CAMERA_MODELS.values()} == numbers | {1000}


def test_a_panorama_has_no_focal_length():
    panorama = Camera("EQUIRECTANGULAR", 640, 320, np.array([640.0, 320.0]))
    for name in ("matrix", "focal_length"):
        with pytest.raises(ValueError, match=r"^camera: expected a model with a focal length, got EQUIRECTANGULAR$"):
            getattr(panorama, name)
