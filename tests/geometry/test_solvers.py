# SPDX-License-Identifier: Apache-2.0
"""Minimal and linear solvers on exact data with known answers, against OpenCV, and with bad input."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from fastcv import geometry
from fastcv.geometry import _reference

from .conftest import cross_matrix, two_views, up_to_sign

SEEDS = range(50)


def nearest(candidates: np.ndarray, truth: np.ndarray) -> float:
    """Distance of the best candidate from the truth, both of either sign and unit norm."""
    return min((up_to_sign(c, truth) for c in candidates), default=np.inf)


@pytest.mark.parametrize("planar", [False, True])
def test_five_point_finds_the_true_essential_matrix(planar: bool) -> None:
    errors = []
    for seed in SEEDS:
        views = two_views(5, seed, planar=planar)
        errors.append(nearest(geometry.five_point(views.rays1, views.rays2), views.essential))
    # Some configurations are ill-conditioned: roots of a tenth-degree polynomial lie close together.
    assert np.median(errors) < 1e-11
    assert np.mean(np.array(errors) < 1e-6) >= 0.98


@pytest.mark.parametrize("seed", SEEDS)
def test_five_point_solutions_are_essential_matrices_through_the_points(seed: int) -> None:
    views = two_views(5, seed)
    solutions = geometry.five_point(views.rays1, views.rays2)
    assert 2 <= len(solutions) <= 10
    np.testing.assert_allclose(np.linalg.norm(solutions, axis=(1, 2)), 1, rtol=1e-14)
    algebraic = np.einsum("ni,sij,nj->sn", views.rays2, solutions, views.rays1)
    np.testing.assert_allclose(algebraic, 0, atol=1e-12)  # the null space holds it, whatever the root's accuracy
    trace = 2 * solutions @ solutions.transpose(0, 2, 1) @ solutions
    trace -= np.einsum("sij,sij->s", solutions, solutions)[:, None, None] * solutions
    assert np.median(np.abs(trace).max(axis=(1, 2))) < 1e-10


def test_five_point_takes_rays_of_any_length_and_behind_the_image_plane() -> None:
    views = two_views(5, 3)
    scale = np.array([1.0, -2.0, 0.5, 30.0, 4.0])[:, None]
    assert nearest(geometry.five_point(views.rays1 * scale, views.rays2 / scale), views.essential) < 1e-9


def test_five_point_on_one_repeated_ray_gives_nothing_or_finite_matrices() -> None:
    ray = np.tile([[0.1, 0.2, 1.0]], (5, 1))
    assert np.isfinite(geometry.five_point(ray, ray)).all()


@pytest.mark.parametrize("seed", SEEDS)
def test_seven_point_finds_the_true_fundamental_matrix(seed: int) -> None:
    views = two_views(7, seed)
    solutions = geometry.seven_point(views.rays1[:, :2], views.rays2[:, :2])
    assert len(solutions) in (1, 3)
    # Seven points on a plane-free scene; nearly double roots of the cubic cost half the digits.
    assert nearest(solutions, views.essential) < 1e-6
    np.testing.assert_allclose(np.linalg.det(solutions), 0, atol=1e-14)


@pytest.mark.parametrize("n", [8, 9, 200])
@pytest.mark.parametrize("seed", range(10))
def test_eight_point_on_exact_pixels(n: int, seed: int) -> None:
    views = two_views(n, seed)
    found = geometry.eight_point(views.pixels1, views.pixels2)
    # Pixels of 1e3: F's entries span six decades, and eight points leave little redundancy.
    assert up_to_sign(found, views.fundamental) < 1e-7
    assert abs(np.linalg.det(found)) < 1e-15


def test_eight_point_equals_opencv_and_the_reference_on_noisy_pixels() -> None:
    views = two_views(60, 1)
    noisy = views.pixels2 + np.random.default_rng(0).normal(0, 0.5, views.pixels2.shape)
    found = geometry.eight_point(views.pixels1, noisy)
    opencv = cv2.findFundamentalMat(views.pixels1, noisy, cv2.FM_8POINT)[0]
    assert up_to_sign(found, opencv) < 1e-8
    assert up_to_sign(found, _reference.eight_point(views.pixels1, noisy)) < 1e-10


def test_eight_point_refuses_a_plane() -> None:
    views = two_views(30, 0, planar=True)
    with pytest.raises(ValueError, match="general position"):
        geometry.eight_point(views.pixels1, views.pixels2)


@pytest.mark.parametrize("n", [4, 5, 100])
def test_homography_on_exact_pixels(n: int) -> None:
    for seed in range(10):
        rng = np.random.default_rng(seed)
        truth = np.eye(3) + rng.normal(0, 1, (3, 3)) * [[0.1, 0.1, 30], [0.1, 0.1, 30], [1e-5, 1e-5, 0]]
        points1 = rng.uniform(0, 1000, (n, 2))
        points2 = np.column_stack([points1, np.ones(n)]) @ truth.T
        points2 = points2[:, :2] / points2[:, 2:]
        found = geometry.dlt_homography(points1, points2)
        np.testing.assert_allclose(_reference.transfer_errors(points1, points2, found), 0, atol=1e-7)


def test_homography_equals_the_reference_on_noisy_pixels() -> None:
    rng = np.random.default_rng(5)
    points1 = rng.uniform(0, 1000, (40, 2))
    points2 = 0.8 * points1 + 20 + rng.normal(0, 1, (40, 2))
    assert up_to_sign(geometry.dlt_homography(points1, points2), _reference.dlt_homography(points1, points2)) < 1e-10


def test_homography_refuses_a_line() -> None:
    line = np.column_stack([np.arange(10.0), 2 * np.arange(10.0)])
    with pytest.raises(ValueError, match="general position"):
        geometry.dlt_homography(line, line)


def pose_problem(n: int, seed: int, *, planar: bool = False) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rays with z = 1, world points, cam_from_world."""
    rng = np.random.default_rng(seed)
    rotation = Rotation.random(random_state=seed).as_matrix()
    in_cam = rng.uniform(-2, 2, (n, 3)) + np.array([0, 0, 6])
    if planar:
        in_cam[:, 2] = 6 + 0.4 * in_cam[:, 0]
    translation = rng.normal(0, 5, 3)
    return in_cam / in_cam[:, 2:], (in_cam - translation) @ rotation, np.column_stack([rotation, translation])


@pytest.mark.parametrize("seed", range(200))
def test_p3p_finds_the_true_pose(seed: int) -> None:
    rays, points, truth = pose_problem(3, seed)
    poses = geometry.p3p(rays, points)
    assert 1 <= len(poses) <= 4
    # Polished to rounding; poses near the danger cylinder double the solution and lose half the digits.
    assert np.abs(poses - truth).max(axis=(1, 2)).min() < 1e-7
    for pose in poses:
        np.testing.assert_allclose(pose[:, :3] @ pose[:, :3].T, np.eye(3), atol=1e-7)
        np.testing.assert_allclose(_reference.reprojection_errors(rays[:, :2], points, pose), 0, atol=1e-7)


def test_p3p_has_every_solution_of_opencv() -> None:
    compared = 0
    for seed in range(300):
        rays, points, _ = pose_problem(3, seed)
        ours = geometry.p3p(rays, points)
        _, rotations, translations = cv2.solveP3P(
            points, np.ascontiguousarray(rays[:, :2]), np.eye(3), None, flags=cv2.SOLVEPNP_P3P
        )
        for rotation, translation in zip(rotations, translations, strict=True):
            pose = np.hstack([cv2.Rodrigues(rotation)[0], translation])
            # OpenCV also gives inexact solutions and points behind the camera: those errors are large or infinite.
            if _reference.reprojection_errors(rays[:, :2], points, pose).max() < 1e-6:
                assert np.abs(ours - pose).max(axis=(1, 2)).min() < 1e-3
                compared += 1
    assert compared > 400


def test_p3p_on_collinear_points_gives_nothing() -> None:
    points = np.array([[0.0, 0, 5], [1, 1, 6], [2, 2, 7]])
    assert geometry.p3p(points, points).shape == (0, 3, 4)


@pytest.mark.parametrize("n", [6, 7, 100])
@pytest.mark.parametrize("seed", range(10))
def test_dlt_pnp_on_exact_points(n: int, seed: int) -> None:
    rays, points, truth = pose_problem(n, seed)
    np.testing.assert_allclose(geometry.dlt_pnp(rays[:, :2], points), truth, atol=1e-7)


def test_dlt_pnp_refuses_a_plane() -> None:
    rays, points, _ = pose_problem(20, 0, planar=True)
    with pytest.raises(ValueError, match="got a plane"):
        geometry.dlt_pnp(rays[:, :2], points)


@pytest.mark.parametrize("seed", range(20))
def test_decompose_essential_holds_the_truth_and_equals_opencv(seed: int) -> None:
    views = two_views(1, seed)
    poses = geometry.decompose_essential(3.7 * views.essential)
    truth = np.column_stack([views.rotation, views.translation])
    assert np.abs(poses - truth).max(axis=(1, 2)).min() < 1e-13
    for pose in poses:
        assert np.linalg.det(pose[:, :3]) == pytest.approx(1, abs=1e-13)
        assert up_to_sign(cross_matrix(pose[:, 3]) @ pose[:, :3], views.essential) < 1e-13
    rotation1, rotation2, _ = cv2.decomposeEssentialMat(views.essential)
    for rotation in (rotation1, rotation2):
        assert np.abs(poses[:, :, :3] - rotation).max(axis=(1, 2)).min() < 1e-12


SOLVERS = [
    (geometry.five_point, (5, 3), (5, 3), 5),
    (geometry.seven_point, (7, 2), (7, 2), 7),
    (geometry.eight_point, (8, 2), (8, 2), 8),
    (geometry.dlt_homography, (4, 2), (4, 2), 4),
    (geometry.p3p, (3, 3), (3, 3), 3),
    (geometry.dlt_pnp, (6, 2), (6, 3), 6),
]


@pytest.mark.parametrize(("solver", "shape1", "shape2", "minimum"), SOLVERS)
def test_bad_input_is_named(solver, shape1, shape2, minimum) -> None:
    rng = np.random.default_rng(0)
    first, second = rng.uniform(1, 2, shape1), rng.uniform(1, 2, shape2)
    with pytest.raises(ValueError, match=r"expected (shape|at least)"):
        solver(first[1:], second[1:])
    with pytest.raises(ValueError, match=r"expected shape"):
        solver(first, second[1:])
    with pytest.raises(ValueError, match=r"expected shape .* got \(\d+, 4\)"):
        solver(np.ones((minimum, 4)), second)
    for broken in (np.nan, np.inf):
        second[2, 1] = broken
        with pytest.raises(ValueError, match=r"expected finite values, got .* in row 2"):
            solver(first, second)
    with pytest.raises(TypeError, match=r"expected real numbers, got dtype complex128"):
        solver(first.astype(complex), second)


def test_strided_read_only_integer_and_list_input() -> None:
    views = two_views(20, 2)
    expected = geometry.eight_point(views.pixels1, views.pixels2)
    wide = np.repeat(views.pixels1, 2, axis=0)[::2]
    wide.flags.writeable = False
    np.testing.assert_array_equal(geometry.eight_point(wide, views.pixels2.tolist()), expected)
    np.testing.assert_allclose(geometry.eight_point(np.asfortranarray(views.pixels1), views.pixels2), expected)
    square = np.array([[0, 0], [1, 0], [1, 1], [0, 1]])
    found = geometry.dlt_homography(square, 3 * square)
    np.testing.assert_allclose(found / found[2, 2], np.diag([3, 3, 1]), atol=1e-14)
