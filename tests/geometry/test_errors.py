# SPDX-License-Identifier: Apache-2.0
"""Errors and scores against the numpy reference, in every framework and dtype, and with bad input."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import fastcv
from fastcv import geometry
from fastcv.geometry import _reference

from .conftest import CAMERA, pose_set, two_views


def random_models(m: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(m).normal(size=(m, *shape))


@pytest.mark.parametrize("n", [0, 1, 15, 16, 17, 129, 5000])
@pytest.mark.parametrize("m", [0, 1, 7])
def test_sampson_errors_equal_the_reference(n: int, m: int) -> None:
    points1, points2 = np.random.default_rng(n).normal(size=(2, n, 2))
    models = random_models(m, 3, 3)
    found = geometry.sampson_errors(points1, points2, models)
    assert found.shape == (m, n)
    for k in range(m):
        np.testing.assert_allclose(found[k], _reference.sampson_errors(points1, points2, models[k]), rtol=1e-12)


def test_one_model_gives_one_row_and_pixels() -> None:
    views = two_views(50, 0)
    moved = views.pixels2 + np.array([0, 3.0])
    found = geometry.sampson_errors(views.pixels1, moved, views.fundamental)
    assert found.shape == (50,)
    np.testing.assert_allclose(found, _reference.sampson_errors(views.pixels1, moved, views.fundamental), rtol=1e-9)
    np.testing.assert_allclose(geometry.sampson_errors(views.pixels1, views.pixels2, views.fundamental), 0, atol=1e-9)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("n", [0, 1, 16, 17, 3001])
def test_scores_equal_the_reference(n: int, dtype: str) -> None:
    points1, points2 = np.random.default_rng(n).normal(size=(2, n, 2)).astype(dtype)
    models = random_models(40, 3, 3).astype(dtype)
    found = geometry.sampson_scores(points1, points2, models, threshold=0.3)
    rays, world = points1, np.column_stack([points2, 1 + points2[:, 0] ** 2]).astype(dtype)
    poses = random_models(40, 3, 4).astype(dtype)
    found_poses = geometry.reprojection_scores(rays, world, poses, threshold=0.3)
    assert found.dtype == found_poses.dtype == np.float64
    # float32 may take a correspondence at the threshold for an inlier or not; its gain is then near zero.
    tolerance, flips = (1e-9, 0) if dtype == "float64" else (2e-4 * max(n, 1) ** 0.5, 2)
    exact = np.float64
    for k in range(40):
        errors = _reference.sampson_errors(exact(points1), exact(points2), exact(models[k]))
        np.testing.assert_allclose(found[k, 0], _reference.score(errors, 0.3)[0], atol=tolerance)
        assert abs(found[k, 1] - _reference.score(errors, 0.3)[1]) <= flips
        errors = _reference.reprojection_errors(exact(rays), exact(world), exact(poses[k]))
        np.testing.assert_allclose(found_poses[k, 0], _reference.score(errors, 0.3)[0], atol=tolerance)
        assert abs(found_poses[k, 1] - _reference.score(errors, 0.3)[1]) <= flips


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_device_equals_the_reference(device, dtype: str) -> None:
    rng = np.random.default_rng(0)
    points1, points2 = rng.normal(size=(2, 501, 2)).astype(dtype)
    world, models, poses = (rng.normal(size=shape).astype(dtype) for shape in ((501, 3), (9, 3, 3), (9, 3, 4)))
    errors = device.get(geometry.sampson_errors(*map(device.put, (points1, points2, models))))
    scores = device.get(geometry.sampson_scores(*map(device.put, (points1, points2, models)), threshold=0.5))
    seen = device.get(geometry.reprojection_scores(*map(device.put, (points1, world, poses)), threshold=0.5))
    # A numerator near zero is the difference of numbers near one: absolute, not relative, accuracy in float32.
    tolerance = {"rtol": 1e-4, "atol": 1e-5} if dtype == "float32" else {"rtol": 1e-11, "atol": 1e-14}
    points1, points2, world, models, poses = (np.float64(a) for a in (points1, points2, world, models, poses))
    for k in range(9):
        exact = _reference.sampson_errors(points1, points2, models[k])
        np.testing.assert_allclose(errors[k], exact, **tolerance)
        np.testing.assert_allclose(scores[k, 0], _reference.score(exact, 0.5)[0], atol=1e-2, rtol=0)
        exact = _reference.reprojection_errors(points1, world, poses[k])
        np.testing.assert_allclose(seen[k, 0], _reference.score(exact, 0.5)[0], atol=1e-2, rtol=0)


def test_torch_tensors_give_torch_tensors() -> None:
    points1, points2 = torch.randn(2, 50, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    models = torch.eye(3, dtype=torch.float64)[None]
    scores = geometry.sampson_scores(points1, points2, models)
    assert isinstance(scores, torch.Tensor)
    np.testing.assert_array_equal(scores, geometry.sampson_scores(points1.numpy(), points2.numpy(), models.numpy()))


def test_threads_strides_and_out() -> None:
    points1, points2 = np.random.default_rng(0).normal(size=(2, 4000, 2))
    models = random_models(300, 3, 3)
    expected = geometry.sampson_scores(points1, points2, models, num_threads=1)
    np.testing.assert_array_equal(geometry.sampson_scores(points1, points2, models, num_threads=5), expected)
    strided = np.repeat(points1, 2, axis=0)[::2]
    strided.flags.writeable = False
    out = np.empty((300, 2))
    assert geometry.sampson_scores(strided, points2, models, out=out) is out
    np.testing.assert_array_equal(out, expected)
    errors = np.empty((300, 4000))
    assert geometry.sampson_errors(points1, points2, models, out=errors) is errors
    np.testing.assert_array_equal(errors, geometry.sampson_errors(points1, points2, models, num_threads=3))


def test_nan_is_an_outlier() -> None:
    points = np.array([[0.0, 0], [np.nan, 0], [1, 1]])
    model = np.array([[[0.0, 0, 0], [0, 0, -1], [0, 1, 0]]])
    np.testing.assert_array_equal(geometry.sampson_scores(points, points, model), [[2, 2]])
    assert np.isnan(geometry.sampson_errors(points, points, model)[0, 1])


@pytest.mark.parametrize("model", ["PINHOLE", "OPENCV"])
def test_reprojection_errors_are_distances_to_the_projection(model: str) -> None:
    extra = [] if model == "PINHOLE" else [0.1, -0.02, 1e-3, -1e-3]
    camera = fastcv.Camera(model, 1000, 800, [900.0, 950, 510, 390, *extra])
    points, pose = pose_set(30, 0)
    pixels = fastcv.camera.project(points @ pose[:, :3].T + pose[:, 3], camera)
    shifted = pixels + np.array([3.0, -4.0])
    np.testing.assert_allclose(geometry.reprojection_errors(shifted, points, pose, camera), 5, rtol=1e-10)
    behind = -pose[:, :3].T @ pose[:, 3] - pose[2, :3]  # one unit behind the centre
    points[7] = behind
    assert geometry.reprojection_errors(shifted, points, pose, camera)[7] == np.inf
    assert geometry.reprojection_errors(np.empty((0, 2)), np.empty((0, 3)), pose, camera).shape == (0,)


def test_reprojection_errors_of_a_panorama_go_the_shorter_way() -> None:
    camera = fastcv.Camera("EQUIRECTANGULAR", 1000, 500, [1000, 500])
    angle = np.radians(0.36)  # a pixel; behind the camera, left and right of the seam
    points = np.array([[np.sin(angle), 0, -np.cos(angle)], [-np.sin(angle), 0, -np.cos(angle)], [0, 0, 0]])
    pixels = np.array([[2.0, 250], [997.0, 254], [0, 0]])
    errors = geometry.reprojection_errors(pixels, points, np.eye(3, 4), camera)
    np.testing.assert_allclose(errors, [3, np.hypot(4, 4), np.inf], rtol=1e-10)


def test_bad_input_is_named() -> None:
    points, models = np.zeros((5, 2)), np.zeros((2, 3, 3))
    with pytest.raises(ValueError, match=r"points2: expected shape \(N, 2\) with N = 5, got \(4, 2\)"):
        geometry.sampson_errors(points, points[1:], models)
    with pytest.raises(TypeError, match="points2: expected dtype float64, got float32"):
        geometry.sampson_scores(points, points.astype(np.float32), models)
    with pytest.raises(TypeError, match="points1: expected dtype float32 or float64, got int64"):
        geometry.sampson_scores(points.astype(int), points, models)
    with pytest.raises(ValueError, match=r"models: expected shape \(M, 3, 3\), got \(3, 3\)"):
        geometry.sampson_scores(points, points, models[0])
    with pytest.raises(ValueError, match=r"cam_from_world: expected shape \(M, 3, 4\), got \(2, 3, 3\)"):
        geometry.reprojection_scores(points, np.zeros((5, 3)), models, threshold=1)
    for threshold in (0, -1, np.nan, np.inf):
        with pytest.raises(ValueError, match="threshold: expected a positive number, got"):
            geometry.sampson_scores(points, points, models, threshold=threshold)
    with pytest.raises(ValueError, match="out: expected None for one model"):
        geometry.sampson_errors(points, points, models[0], out=np.empty((1, 5)))
    with pytest.raises(ValueError, match="out: expected a writeable C-contiguous array"):
        geometry.sampson_scores(points, points, models, out=np.empty((4, 2))[::2])
    with pytest.raises(TypeError, match="points2: expected a numpy array as the arguments before it, got torch"):
        geometry.sampson_errors(points, torch.zeros(5, 2, dtype=torch.float64), models)
    with pytest.raises(ValueError, match=r"num_threads: expected 0 \(default\) or more, got -1"):
        geometry.sampson_errors(points, points, models, num_threads=-1)
    with pytest.raises(ValueError, match="points3D: expected finite values, got nan in row 1"):
        geometry.reprojection_errors(
            points, np.where(np.arange(5)[:, None] == 1, np.nan, np.ones((5, 3))), np.eye(3, 4), CAMERA
        )
