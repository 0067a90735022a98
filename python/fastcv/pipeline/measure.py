# SPDX-License-Identifier: Apache-2.0
"""How well a model explains its observations."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import geometry
from ..scene import Reconstruction


def reprojection_errors(model: Reconstruction) -> dict[int, NDArray[np.float64]]:
    """Distance in pixels between each keypoint that sees a point and that point's projection, by image id."""
    errors = {}
    for image_id, image in model.images.items():
        seen = image.point3D_ids >= 0
        points = model.points3D.xyz[model.points3D.rows(image.point3D_ids[seen])]
        errors[image_id] = geometry.reprojection_errors(
            image.points2D[seen], points, image.cam_from_world, model.cameras[image.camera_id]
        )
    return errors


def describe_model(model: Reconstruction) -> dict[str, Any]:
    """Counts and errors of a model for people and machines."""
    errors = np.concatenate([np.empty(0), *reprojection_errors(model).values()])
    return {
        "registered": len(model.images),
        "points": len(model.points3D),
        "observations": len(errors),
        "mean_track_length": len(errors) / max(len(model.points3D), 1),
        "mean_reprojection_error_px": float(errors.mean()) if len(errors) else None,
        "images": sorted(image.name for image in model.images.values()),
        "cameras": {
            str(key): {"model": camera.model, "params": camera.params.tolist()} for key, camera in model.cameras.items()
        },
    }
