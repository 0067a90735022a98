# SPDX-License-Identifier: Apache-2.0
"""Which image comes next, and resection with known, guessed and impossible data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fastcv import sfm
from fastcv.scene import Camera
from fastcv.sfm.graph import Graph
from fastcv.sfm.model import Model
from fastcv.sfm.register import register, visibility

Make = Callable[..., Any]


def known_points(made: Any, camera: Camera | None = None) -> Model:
    """Three images with true poses and points; a fourth one that waits, taken by ``camera``."""
    cameras = {1: made.cameras[1], 2: camera or made.cameras[1]}
    model = Model(Graph(made.photos, made.pairs), cameras, [1, 1, 1, 2])
    for i in range(3):
        model.cam_from_world[i] = made.truth.images[i + 1].cam_from_world
        model.registered[i] = True
        model.point_of[model.graph.nodes(i)] = made.truth.points3D.rows(made.truth.images[i + 1].point3D_ids)
    model.xyz = made.truth.points3D.xyz.copy()
    return model


def pose_error(model: Model, made: Any) -> float:
    true = made.truth.images[4]
    return float(np.linalg.norm(model.centers()[3] - true.center))


def test_resection(scene: Make) -> None:
    made = scene("arc", num_images=4, num_points=200, noise_px=0.5, wrong=0.3)
    model = known_points(made)
    assert register(model, 3, sfm.Options(), 0, camera_in_use=True) == ""
    # Half a pixel at 6 units and f ≈ 1000 px is 0.003; rotation and translation hide behind each other.
    assert pose_error(model, made) < 6e-3
    assert model.registered[3]
    right = made.truth.points3D.rows(made.truth.images[4].point3D_ids)
    got = model.point_of[model.graph.nodes(3)]
    assert (got[got >= 0] == right[got >= 0]).all()
    assert (got >= 0).mean() > 0.9


@pytest.mark.parametrize("factor", [0.5, 2.2])
def test_an_unknown_focal_length_is_searched(scene: Make, factor: float) -> None:
    made = scene("arc", num_images=4, num_points=200, noise_px=0.5)
    true = made.cameras[1].focal_length
    guess = Camera("SIMPLE_RADIAL", 1024, 768, np.array([factor * true, 512, 384, 0]), False)
    model = known_points(made, guess)
    assert register(model, 3, sfm.Options(), 0, camera_in_use=False) == ""
    assert model.cameras[2].focal_length == pytest.approx(true, rel=0.01)
    assert pose_error(model, made) < 0.06


def test_nonsense_is_refused_and_leaves_no_trace(scene: Make) -> None:
    made = scene("arc", num_images=4, num_points=200)
    model = known_points(made)
    own = model.graph.nodes(3)
    model.graph.xy[own] = np.random.default_rng(0).uniform(0, 768, (len(own), 2))
    reason = register(model, 3, sfm.Options(), 0, camera_in_use=True)
    assert "matched points agree on a pose" in reason
    assert not model.registered[3]
    assert (model.point_of[own] == -1).all()


def test_visibility_prefers_an_even_spread(scene: Make) -> None:
    made = scene("arc", num_images=5, num_points=300)
    model = Model(Graph(made.photos, made.pairs), made.cameras, [1] * 5)
    model.registered[0] = True
    model.xyz = made.truth.points3D.xyz.copy()
    model.point_of[model.graph.nodes(0)] = made.truth.points3D.rows(made.truth.images[1].point3D_ids)
    # Image row 1 sees its points crowded in a corner, row 2 sees fewer, as they were.
    model.graph.xy[model.graph.nodes(1)] *= 0.1
    keep = model.graph.nodes(2)[:200]
    drop = np.isin(model.graph.sources, np.setdiff1d(model.graph.nodes(2), keep))
    model.graph.targets[drop] = model.graph.nodes(4)[0]
    count, score = visibility(model)
    assert count[0] == score[0] == 0
    assert count[1] > count[2] > 150
    assert score[2] > score[1]
    assert score[3] > score[2]
