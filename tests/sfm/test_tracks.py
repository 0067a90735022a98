# SPDX-License-Identifier: Apache-2.0
"""Tracks in a model whose poses are the true ones: every rule seen firing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from fastcv import sfm
from fastcv.sfm.graph import Graph
from fastcv.sfm.model import Model
from fastcv.sfm.tracks import create_points, extend_tracks, filter_points, merge_points, observe

Make = Callable[..., Any]
OPTIONS = sfm.Options()


@pytest.fixture
def posed(scene: Make) -> tuple[Model, NDArray[Any]]:
    """Four images with true poses, exact keypoints and no points yet; and the true point of each node."""
    made = scene("arc", num_images=4, num_points=60)
    model = Model(Graph(made.photos, made.pairs), made.cameras, [1] * 4)
    for key, image in made.truth.images.items():
        model.cam_from_world[key - 1] = image.cam_from_world
    model.registered[:] = True
    truth = made.truth
    rows = [truth.points3D.rows(truth.images[i].point3D_ids) for i in range(1, 5)]
    return model, truth.points3D.xyz[np.concatenate(rows)]


def test_points_are_made_where_they_are(posed: Any) -> None:
    model, xyz = posed
    made = sum(create_points(model, image, OPTIONS) for image in range(4))
    nodes, points = model.observations()
    assert made == len(model.xyz) == model.num_points()
    # Keypoints are float32: 3e-5 px at f ≈ 1000 px and 6 units.
    np.testing.assert_allclose(model.xyz[points], xyz[nodes], atol=1e-5)
    assert np.bincount(points).max() == 4


def test_a_wrong_member_is_voted_out(posed: Any) -> None:
    model, xyz = posed
    track = model.graph.neighbours(np.array([0]))[1]
    assert len(track) == 3
    model.graph.xy[track[1]] += [15, 40]
    create_points(model, 0, OPTIONS)
    assert model.point_of[track[1]] == -1
    assert model.point_of[0] == model.point_of[track[0]] == model.point_of[track[2]] >= 0
    np.testing.assert_allclose(model.xyz[model.point_of[0]], xyz[0], atol=1e-5)


def test_rays_that_hardly_meet_make_no_point(posed: Any) -> None:
    model, _ = posed
    assert create_points(model, 0, sfm.Options(min_triangulation_angle=80.0)) == 0
    assert (model.point_of == -1).all()


def test_only_registered_images_take_part(posed: Any) -> None:
    model, _ = posed
    model.registered[2:] = False
    create_points(model, 0, OPTIONS)
    assert set(model.graph.image_of[model.point_of >= 0].tolist()) == {0, 1}
    assert extend_tracks(model, np.arange(len(model.graph.xy)), OPTIONS) == 0
    model.registered[2] = True
    grown = extend_tracks(model, np.arange(len(model.graph.xy)), OPTIONS)
    assert grown == (model.point_of[model.graph.nodes(2)] >= 0).sum() > 40


def test_a_keypoint_that_does_not_fit_does_not_join(posed: Any) -> None:
    model, _ = posed
    model.registered[3] = False
    create_points(model, 0, OPTIONS)
    model.registered[3] = True
    model.graph.xy[model.graph.nodes(3)] += OPTIONS.max_reprojection_error + 0.1
    assert extend_tracks(model, model.graph.nodes(3), OPTIONS) == 0


def test_an_image_observes_a_point_once_and_a_keypoint_one_point(posed: Any) -> None:
    model, _ = posed
    model.xyz = np.zeros((3, 3))
    a, b = model.graph.nodes(0)[:2]
    assert observe(model, np.array([a, b, a]), np.array([0, 0, 1])) == 1
    assert model.point_of[[a, b]].tolist() == [0, -1]
    assert observe(model, np.array([b, a]), np.array([0, 2])) == 0
    assert observe(model, np.array([b]), np.array([2])) == 1


def test_halves_of_a_track_are_merged(posed: Any) -> None:
    model, xyz = posed
    track = np.concatenate([[0], model.graph.neighbours(np.array([0]))[1]])
    model.xyz = np.stack([xyz[0] + [0.003, 0, 0], xyz[0] - [0.003, 0, 0]])
    model.point_of[track] = [0, 0, 1, 1]
    assert merge_points(model, OPTIONS) == 1
    assert model.point_of[track].tolist() == [0, 0, 0, 0]
    np.testing.assert_allclose(model.xyz[0], xyz[0], atol=1e-12)


def test_different_points_are_not_merged(posed: Any) -> None:
    model, xyz = posed
    track = np.concatenate([[0], model.graph.neighbours(np.array([0]))[1]])
    model.xyz = np.stack([xyz[0], xyz[0] + [0.3, 0, 0]])
    model.point_of[track] = [0, 0, 1, 1]
    assert merge_points(model, OPTIONS) == 0
    assert model.point_of[track].tolist() == [0, 0, 1, 1]


def test_what_does_not_fit_is_dropped(posed: Any) -> None:
    model, _ = posed
    create_points(model, 0, OPTIONS)
    points = model.point_of[:4].copy()
    assert (points >= 0).all()
    before = len(model.observations()[0])
    seen = (model.point_of[:, None] == points).sum(axis=0)
    model.xyz[points[0]] = np.nan
    model.xyz[points[1]] = model.centers()[0] + [0, 0, 1e9]
    model.graph.xy[2] += 50.0
    model.registered[:] = True
    behind = model.cam_from_world[0]
    model.xyz[points[3]] = -behind[:, :3].T @ (behind[:, 3] + [0, 0, 5])  # five units behind the first camera
    gone = filter_points(model, OPTIONS)
    assert gone == seen[0] + seen[1] + 1 + seen[3]
    assert len(model.observations()[0]) == before - gone
    assert model.point_of[2] == -1
    assert not np.isin(model.point_of, points[[0, 1, 3]]).any()


def test_nothing_to_do(posed: Any) -> None:
    model, _ = posed
    assert merge_points(model, OPTIONS) == 0
    assert filter_points(model, OPTIONS) == 0
    model.registered[:] = False
    assert create_points(model, 0, OPTIONS) == 0
