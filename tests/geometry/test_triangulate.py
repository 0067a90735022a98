# SPDX-License-Identifier: Apache-2.0
"""Triangulation of many tracks against truth, the reference and OpenCV, and angles between rays."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import pytest
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from fastcv import geometry
from fastcv.geometry import _reference


@dataclass
class Tracks:
    points: np.ndarray
    observations: np.ndarray
    images: np.ndarray
    offsets: np.ndarray
    poses: np.ndarray

    def of(self, i: int) -> tuple[np.ndarray, np.ndarray]:
        rows = slice(self.offsets[i], self.offsets[i + 1])
        return self.observations[rows], self.poses[self.images[rows]]


def make_tracks(n: int, seed: int, sigma: float = 0.0) -> Tracks:
    """Six cameras at various distances; tracks of two to six of them."""
    rng = np.random.default_rng(seed)
    rotations = Rotation.from_rotvec(rng.normal(0, 0.2, (6, 3))).as_matrix()
    poses = np.concatenate([rotations, (rng.normal(0, 0.5, (6, 3)) + np.array([0, 0, 1]))[:, :, None]], axis=2)
    poses[0, 2, 3] = 6
    points = rng.uniform(-1, 1, (n, 3)) + np.array([0, 0, 5])
    images = [np.sort(rng.choice(6, rng.integers(2, 7), replace=False)) for _ in range(n)]
    offsets = np.concatenate([[0], np.cumsum([len(track) for track in images])]).astype(np.int64)
    flat = np.concatenate(images) if n else np.empty(0, np.int64)
    in_cam = np.einsum("kij,kj->ki", poses[flat][:, :, :3], points[np.repeat(np.arange(n), np.diff(offsets))])
    in_cam += poses[flat][:, :, 3]
    observations = in_cam[:, :2] / in_cam[:, 2:] + rng.normal(0, sigma, (len(flat), 2))
    return Tracks(points, observations, flat.astype(np.int32), offsets, poses)


def solve(tracks: Tracks, **options) -> np.ndarray:
    return geometry.triangulate(tracks.observations, tracks.images, tracks.offsets, tracks.poses, **options)


@pytest.mark.parametrize("n", [0, 1, 3, 500])
@pytest.mark.parametrize("refine_steps", [0, 2])
def test_exact_observations_give_the_points(n: int, refine_steps: int) -> None:
    tracks = make_tracks(n, 0)
    np.testing.assert_allclose(solve(tracks, refine_steps=refine_steps), tracks.points, atol=1e-11)


def test_reference_and_opencv_agree_without_noise() -> None:
    tracks = make_tracks(20, 1)
    found = solve(tracks)
    for i in range(20):
        observations, poses = tracks.of(i)
        np.testing.assert_allclose(found[i], _reference.triangulate(observations, poses), atol=1e-10)
        opencv = cv2.triangulatePoints(poses[0], poses[1], *observations[:2, :, None]).ravel()
        np.testing.assert_allclose(found[i], opencv[:3] / opencv[3], atol=1e-9)


def cost(x: np.ndarray, observations: np.ndarray, poses: np.ndarray) -> np.ndarray:
    in_cam = poses[:, :, :3] @ x + poses[:, :, 3]
    return (in_cam[:, :2] / in_cam[:, 2:] - observations).ravel()


def test_refinement_reaches_scipys_optimum_and_beats_the_linear_solution() -> None:
    tracks = make_tracks(40, 2, sigma=2e-3)
    linear, refined = solve(tracks, refine_steps=0), solve(tracks, refine_steps=20)
    for i in range(40):
        optimum = least_squares(cost, tracks.points[i], args=tracks.of(i), xtol=1e-15, ftol=1e-15, gtol=1e-15).x
        np.testing.assert_allclose(refined[i], optimum, atol=1e-6)
    costs = [[np.sum(cost(x[i], *tracks.of(i)) ** 2) for i in range(40)] for x in (linear, refined)]
    assert (np.array(costs[1]) <= np.array(costs[0]) * (1 + 1e-9)).all()


def test_thread_counts_give_the_same_bits() -> None:
    tracks = make_tracks(9000, 3, sigma=1e-3)
    expected = solve(tracks, num_threads=1)
    for threads in (2, 3, 7):
        np.testing.assert_array_equal(solve(tracks, num_threads=threads), expected)


def test_tracks_without_depth_are_nan() -> None:
    poses = np.array([np.eye(3, 4), np.eye(3, 4)])
    poses[1, 0, 3] = -1
    # One observation; none; two parallel rays; the same image twice.
    observations = np.array([[0.1, 0.2], [0.1, 0.2], [0.1, 0.2], [0.3, 0.1], [0.3, 0.1]])
    found = geometry.triangulate(observations, [0, 0, 1, 0, 0], [0, 1, 1, 3, 5], poses)
    assert np.isnan(found).all()


def test_angles_equal_the_reference() -> None:
    tracks = make_tracks(200, 4)
    centers = -np.einsum("iba,ib->ia", tracks.poses[:, :, :3], tracks.poses[:, :, 3])
    found = geometry.triangulation_angles(tracks.points, centers, tracks.images, tracks.offsets)
    for i in range(200):
        images = tracks.images[tracks.offsets[i] : tracks.offsets[i + 1]]
        # arccos in the reference is exact to the root of the rounding error only
        assert found[i] == pytest.approx(_reference.triangulation_angle(tracks.points[i], centers[images]), abs=1e-7)
    np.testing.assert_array_equal(
        geometry.triangulation_angles(tracks.points, centers, tracks.images, tracks.offsets, num_threads=3), found
    )


def test_angles_in_closed_form() -> None:
    centers = np.array([[1.0, 0, 0], [0, 1, 0], [-1, 0, 0], [1e-9, 0, 1]])
    points = np.array([[0.0, 0, 0], [0, 0, 0], [0, 0, 0], [np.nan, 0, 0], [0, 0, 2]])
    images, offsets = [0, 1, 0, 2, 0, 0, 1, 3, 3], [0, 2, 4, 5, 7, 9]
    found = geometry.triangulation_angles(points, centers, images, offsets)
    # A right angle; cameras that face each other; one observation; a point that is NaN; the same camera twice.
    np.testing.assert_allclose(found, [np.pi / 2, 0, 0, np.nan, 0], atol=1e-15)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"images": [0, 9]}, ValueError, "image_indices: expected 0 to 1, got 0 to 9"),
        ({"images": [-1, 0]}, ValueError, "image_indices: expected 0 to 1, got -1 to 0"),
        ({"images": [0]}, ValueError, "image_indices: expected 2 rows, got 1"),
        ({"images": [0.0, 1.0]}, TypeError, "image_indices: expected a one-dimensional integer array, got float64"),
        ({"offsets": [0, 1]}, ValueError, "point_offsets: expected ascending offsets from 0 to 2"),
        ({"offsets": [1, 2]}, ValueError, "point_offsets: expected ascending offsets from 0 to 2"),
        ({"offsets": [0, 2, 1, 2]}, ValueError, "point_offsets: expected ascending offsets from 0 to 2"),
        ({"offsets": np.empty(0, int)}, ValueError, "point_offsets: expected ascending offsets from 0 to 2"),
        ({"poses": np.zeros((2, 4, 4))}, ValueError, r"cam_from_world: expected shape \(I, 3, 4\), got \(2, 4, 4\)"),
        ({"poses": np.full((2, 3, 4), np.nan)}, ValueError, "cam_from_world: expected finite values, got nan in row 0"),
        ({"observations": [[0, 0], [np.inf, 0]]}, ValueError, "points2D: expected finite values, got inf in row 1"),
        ({"refine_steps": -1}, ValueError, "refine_steps: expected 0 to 100, got -1"),
        ({"num_threads": -1}, ValueError, r"num_threads: expected 0 \(default\) or more, got -1"),
    ],
)
def test_bad_input_is_named(change: dict, error: type[Exception], message: str) -> None:
    arguments = {"observations": np.zeros((2, 2)), "images": [0, 1], "offsets": [0, 2], "poses": np.zeros((2, 3, 4))}
    options = {key: change.pop(key) for key in ("refine_steps", "num_threads") if key in change}
    arguments |= change
    with pytest.raises(error, match=message):
        geometry.triangulate(*arguments.values(), **options)


def test_bad_input_of_angles_is_named() -> None:
    with pytest.raises(ValueError, match=r"xyz: expected shape \(N, 3\), got \(3,\)"):
        geometry.triangulation_angles([0, 0, 0], np.zeros((2, 3)), [0, 1], [0, 2])
    with pytest.raises(ValueError, match="point_offsets: expected 3 rows, got 2"):
        geometry.triangulation_angles(np.zeros((2, 3)), np.zeros((2, 3)), [0, 1], [0, 2])
    with pytest.raises(ValueError, match="image_indices: expected 0 to 1, got 0 to 2"):
        geometry.triangulation_angles(np.zeros((1, 3)), np.zeros((2, 3)), [0, 2], [0, 2])
    with pytest.raises(ValueError, match="num_threads"):
        geometry.triangulation_angles(np.zeros((1, 3)), np.zeros((2, 3)), [0, 1], [0, 2], num_threads=-2)
