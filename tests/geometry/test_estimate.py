# SPDX-License-Identifier: Apache-2.0
"""Robust estimation: outliers, degenerate scenes, real photographs with ground truth, determinism, bad input."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import pytest
import scipy.io

import fastcv
from fastcv import geometry
from fastcv.geometry import _reference

from .conftest import CAMERA, add_outliers, direction_error, rotation_error, two_views, up_to_sign

ESTIMATORS = {
    "fundamental": lambda p, q, **kw: geometry.estimate_fundamental(p, q, **kw),
    "homography": lambda p, q, **kw: geometry.estimate_homography(p, q, **kw),
    "relative_pose": lambda p, q, **kw: geometry.estimate_relative_pose(p, q, CAMERA, CAMERA, **kw),
    "absolute_pose": lambda p, q, **kw: geometry.estimate_absolute_pose(p, with_depth(q), CAMERA, **kw),
}
MINIMUM = {"fundamental": 7, "homography": 4, "relative_pose": 5, "absolute_pose": 3}


def with_depth(pixels: np.ndarray) -> np.ndarray:
    return np.column_stack([pixels / 500, 5 + np.sin(pixels[:, 0])])


def pose_views(n: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pixels, world points and cam_from_world."""
    views = two_views(n, seed)
    points = np.random.default_rng(seed).uniform(-2, 2, (n, 3)) + np.array([0, 0, 6])
    pose = np.column_stack([views.rotation, views.translation])
    pixels = (points @ pose[:, :3].T + pose[:, 3]) @ CAMERA.matrix.T
    return pixels[:, :2] / pixels[:, 2:], points, pose


@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_relative_pose_with_half_outliers(seed: int, ordered: bool) -> None:
    views = two_views(400, seed)
    pixels2, good = add_outliers(views.pixels2, 0.5, seed, sigma=0.3)
    found = geometry.estimate_relative_pose(views.pixels1, pixels2, CAMERA, CAMERA, ordered=ordered, seed=seed)
    assert found.success
    # 0.3 px of noise on 200 points at f = 900: 0.02 deg for one point, less for all.
    assert rotation_error(found.cam2_from_cam1[:, :3], views.rotation) < 0.1
    assert direction_error(found.cam2_from_cam1[:, 3], views.translation) < 0.5
    assert np.linalg.norm(found.cam2_from_cam1[:, 3]) == pytest.approx(1, abs=1e-12)
    assert up_to_sign(found.essential, views.essential) < 0.01
    assert found.inliers[good].mean() > 0.98
    assert found.inliers[~good].mean() < 0.05  # a random pixel lies within 1 px of a line by chance
    assert found.num_inliers == np.count_nonzero(found.inliers)
    assert found.inlier_ratio == found.num_inliers / 400


@pytest.mark.parametrize("seed", range(5))
def test_fundamental_with_half_outliers(seed: int) -> None:
    views = two_views(400, seed)
    pixels2, good = add_outliers(views.pixels2, 0.5, seed, sigma=0.3)
    found = geometry.estimate_fundamental(views.pixels1, pixels2, seed=seed)
    errors = _reference.sampson_errors(views.pixels1, pixels2, found.model)
    np.testing.assert_array_equal(found.inliers, errors < 1)
    assert found.score == pytest.approx(_reference.score(errors, 1.0)[0], rel=1e-9)
    assert found.inliers[good].mean() > 0.98
    exact = _reference.sampson_errors(views.pixels1, views.pixels2, found.model)
    assert np.median(exact) < 0.1
    assert abs(np.linalg.det(found.model)) < 1e-15


@pytest.mark.parametrize("seed", range(5))
def test_homography_with_half_outliers(seed: int) -> None:
    rng = np.random.default_rng(seed)
    truth = np.eye(3) + rng.normal(0, 1, (3, 3)) * [[0.1, 0.1, 30], [0.1, 0.1, 30], [1e-4, 1e-4, 0]]
    points1 = rng.uniform(0, 800, (300, 2))
    exact = _reference.homogeneous(points1) @ truth.T
    points2, good = add_outliers(exact[:, :2] / exact[:, 2:], 0.5, seed, sigma=0.3)
    found = geometry.estimate_homography(points1, points2, seed=seed)
    errors = _reference.transfer_errors(points1, points2, found.model)
    np.testing.assert_array_equal(found.inliers, errors < 1)
    assert found.inliers[good].mean() > 0.97  # the tail of 0.3 px noise in two dimensions
    assert np.median(_reference.transfer_errors(points1, exact[:, :2] / exact[:, 2:], found.model)) < 0.1


@pytest.mark.parametrize("seed", range(5))
def test_absolute_pose_with_half_outliers(seed: int) -> None:
    pixels, points, pose = pose_views(200, seed)
    noisy, good = add_outliers(pixels, 0.5, seed, sigma=0.3)
    offset = np.array([4e5, 5e6, 100.0])  # map coordinates: scoring in float32 must not suffer
    found = geometry.estimate_absolute_pose(noisy, points + offset, CAMERA, seed=seed)
    moved = found.cam_from_world[:, 3] + found.cam_from_world[:, :3] @ offset
    assert rotation_error(found.cam_from_world[:, :3], pose[:, :3]) < 0.1
    np.testing.assert_allclose(moved, pose[:, 3], atol=0.01)
    assert found.inliers[good].mean() > 0.97
    assert found.inliers[~good].mean() < 0.03


def test_a_distorted_camera_counts_pixels_as_a_pinhole_does() -> None:
    camera = fastcv.Camera("OPENCV_FISHEYE", 1000, 800, [500.0, 505, 500, 400, 0.05, -0.01, 0.002, 0])
    views = two_views(300, 4)
    pixels1, pixels2 = (fastcv.camera.project(rays, camera) for rays in (views.rays1, views.rays2))
    noisy, good = add_outliers(pixels2, 0.4, 4, sigma=0.2)
    noisy[0] = -1e5, -1e5  # no ray there: an outlier, not an error
    found = geometry.estimate_relative_pose(pixels1, noisy, camera, camera)
    assert not found.inliers[0]
    assert found.inliers[good][1:].mean() > 0.98
    assert rotation_error(found.cam2_from_cam1[:, :3], views.rotation) < 0.1


def test_relative_pose_of_a_plane_is_among_its_two_solutions() -> None:
    for seed in range(5):
        views = two_views(300, seed, planar=True)
        found = geometry.estimate_relative_pose(views.pixels1, views.pixels2, CAMERA, CAMERA, threshold=0.1)
        errors = _reference.sampson_errors(views.rays1[:, :2], views.rays2[:, :2], found.essential)
        assert found.num_inliers == 300
        np.testing.assert_allclose(errors * CAMERA.focal_length, 0, atol=1e-3)


def test_a_plane_shows_as_homography_with_all_inliers_of_the_fundamental_matrix() -> None:
    views = two_views(300, 1, planar=True)
    noisy, _ = add_outliers(views.pixels2, 0.3, 0, sigma=0.2)
    plane = geometry.estimate_homography(views.pixels1, noisy)
    epipolar = geometry.estimate_fundamental(views.pixels1, noisy)
    assert plane.num_inliers > 0.9 * epipolar.num_inliers
    views = two_views(300, 1)
    assert geometry.estimate_homography(views.pixels1, views.pixels2).num_inliers < 100


@pytest.mark.parametrize("name", ESTIMATORS)
def test_identical_correspondences_give_no_model(name: str) -> None:
    points = np.tile([[100.0, 200.0]], (20, 1))
    found = ESTIMATORS[name](points, points, max_iterations=200)
    assert found.inliers.shape == (20,)
    model = getattr(found, "model", getattr(found, "cam2_from_cam1", getattr(found, "cam_from_world", None)))
    # Nothing, or a model through the one point there is: never a NaN that claims inliers.
    assert np.isfinite(model).all() == found.success
    assert found.num_inliers == np.count_nonzero(found.inliers)


@pytest.mark.parametrize("name", ["homography", "absolute_pose"])
def test_collinear_points_give_no_model(name: str) -> None:
    line = np.column_stack([np.linspace(0, 700, 30), np.linspace(100, 500, 30)])
    if name == "homography":
        found = geometry.estimate_homography(line, line, max_iterations=300)
        assert np.isnan(found.model).all()
    else:
        world = np.column_stack([np.linspace(0, 1, 30), np.linspace(0, 2, 30), np.linspace(3, 5, 30)])
        found = geometry.estimate_absolute_pose(line, world, CAMERA, max_iterations=300)
        assert np.isnan(found.cam_from_world).all()
    assert (found.success, found.num_inliers, found.score, found.num_iterations) == (False, 0, 0.0, 300)
    assert not found.inliers.any()


def test_pure_rotation_gives_the_rotation() -> None:
    views = two_views(200, 8)
    turned = views.rays1 @ views.rotation.T
    pixels2 = (turned / turned[:, 2:]) @ CAMERA.matrix.T
    found = geometry.estimate_relative_pose(views.pixels1, pixels2[:, :2], CAMERA, CAMERA)
    assert found.success
    assert rotation_error(found.cam2_from_cam1[:, :3], views.rotation) < 1.0


@pytest.mark.parametrize("name", ESTIMATORS)
def test_same_seed_same_result_and_threads_do_not_matter(name: str) -> None:
    views = two_views(200, 3)
    noisy, _ = add_outliers(views.pixels2, 0.4, 1, sigma=0.5)

    def run(seed: int) -> tuple[bytes, bytes, int]:
        found = ESTIMATORS[name](views.pixels1, noisy, seed=seed)
        return found.inliers.tobytes(), np.float64(found.score).tobytes(), found.num_iterations

    expected = [run(seed) for seed in range(8)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(run, range(8))) == expected
    assert len(set(expected)) > 1


@pytest.mark.parametrize("isa", ["v2", "v3", "v4"])
def test_every_instruction_set_gives_the_same_bits(isa: str) -> None:
    code = """
import numpy as np, fastcv
from fastcv import geometry
rng = np.random.default_rng(0)
p, q = rng.uniform(0, 800, (2, 300, 2))
q[:150] = p[:150] * [1.1, 0.9] + 5
f = geometry.estimate_fundamental(p, q, max_iterations=300)
print(f.model.tobytes().hex(), f.score.hex(), f.num_inliers)
"""

    def run(level: str) -> str:
        command = [sys.executable, "-c", code]
        return subprocess.run(
            command, env={**os.environ, "FASTCV_ISA": level}, capture_output=True, text=True, check=True
        ).stdout

    assert run(isa) == run("v2")


def test_confidence_and_bounds_of_the_number_of_samples() -> None:
    views = two_views(200, 0)
    clean = geometry.estimate_fundamental(views.pixels1, views.pixels2)
    assert clean.num_iterations == 100
    assert geometry.estimate_fundamental(views.pixels1, views.pixels2, min_iterations=0).num_iterations < 20
    noise = np.random.default_rng(0).uniform(0, 800, (2, 200, 2))
    assert geometry.estimate_fundamental(*noise, max_iterations=150).num_iterations == 150
    half, _ = add_outliers(views.pixels2, 0.5, 0)
    counts = [geometry.estimate_fundamental(views.pixels1, half, confidence=c).num_iterations for c in (0.9, 0.9999)]
    # log(1e-4) / log(0.1) = 4 times as many, but for chance in when the best model came.
    assert 2 < counts[1] / counts[0] < 6


@pytest.mark.parametrize("name", ESTIMATORS)
def test_minimal_sets_and_too_few(name: str) -> None:
    n = MINIMUM[name]
    views = two_views(n, 5)
    found = ESTIMATORS[name](views.pixels1, views.pixels2, max_iterations=100)
    assert found.inliers.shape == (n,)
    with pytest.raises(ValueError, match=rf"expected at least {n} rows, got {n - 1}"):
        ESTIMATORS[name](views.pixels1[1:], views.pixels2[1:])
    with pytest.raises(ValueError, match=rf"expected at least {n} rows, got 0"):
        ESTIMATORS[name](np.empty((0, 2)), np.empty((0, 2)))


@pytest.mark.parametrize(
    ("argument", "value", "message"),
    [
        ("threshold", 0, "threshold: expected a positive number of pixels, got 0"),
        ("threshold", np.nan, "threshold: expected a positive number of pixels, got nan"),
        ("confidence", 1.0, "confidence: expected 0 <= confidence < 1, got 1.0"),
        ("min_iterations", 20000, "min_iterations: expected 0 to max_iterations = 10000, got 20000"),
        ("max_iterations", -1, "min_iterations: expected 0 to max_iterations = -1, got 100"),
        ("seed", -1, "seed: expected 0 to 2\\^64 - 1, got -1"),
    ],
)
@pytest.mark.parametrize("name", ESTIMATORS)
def test_parameters_out_of_range(name: str, argument: str, value: float, message: str) -> None:
    views = two_views(20, 0)
    with pytest.raises(ValueError, match=message):
        ESTIMATORS[name](views.pixels1, views.pixels2, **{argument: value})


def test_zero_iterations_are_refused() -> None:
    views = two_views(20, 0)
    with pytest.raises(ValueError, match=r"max_iterations: expected 1 to 2\^31 - 1, got 0"):
        geometry.estimate_fundamental(views.pixels1, views.pixels2, min_iterations=0, max_iterations=0)


def test_nan_names_its_row() -> None:
    views = two_views(20, 0)
    views.pixels2[13, 0] = np.nan
    with pytest.raises(ValueError, match="points2: expected finite values, got nan in row 13"):
        geometry.estimate_fundamental(views.pixels1, views.pixels2)
    with pytest.raises(ValueError, match=r"points2: expected shape \(N, 2\) with N = 20, got \(19, 2\)"):
        geometry.estimate_homography(views.pixels1, views.pixels2[1:])


def test_ctrl_c_stops_a_long_estimation() -> None:
    points1, points2 = np.random.default_rng(0).uniform(0, 800, (2, 20000, 2))
    timer = threading.Timer(0.3, signal.raise_signal, [signal.SIGINT])
    timer.start()
    with pytest.raises(KeyboardInterrupt):  # a thousand million samples would take hours
        geometry.estimate_fundamental(points1, points2, min_iterations=10**9, max_iterations=10**9)
    timer.join()
    assert geometry.estimate_fundamental(points1[:50], points2[:50], max_iterations=100).num_iterations == 100


def real_pair(matches_dir: Path, name: str, key: str) -> tuple[np.ndarray, np.ndarray, fastcv.Camera, np.ndarray]:
    """Pixels (corner convention), camera and true cam2_from_cam1 of a pair of photographs."""
    data = np.load(matches_dir / f"{name}_sift.npz")
    i, j = (int(k) for k in key.split("_"))
    pixels = data[f"p{key}"][:, :4].astype(np.float64) + 0.5
    matrix = data["K"]
    camera = fastcv.Camera("PINHOLE", 3072, 2048, [matrix[0, 0], matrix[1, 1], matrix[0, 2] + 0.5, matrix[1, 2] + 0.5])
    rotation = data["R"][j] @ data["R"][i].T
    translation = data["t"][j].ravel() - rotation @ data["t"][i].ravel()
    return pixels[:, :2], pixels[:, 2:], camera, np.column_stack([rotation, translation])


@pytest.mark.parametrize(("name", "key"), [("fountain-P11", "0_1"), ("fountain-P11", "4_6"), ("herz-jesus-P8", "2_3")])
def test_real_photographs(matches_dir: Path, name: str, key: str) -> None:
    pixels1, pixels2, camera, truth = real_pair(matches_dir, name, key)
    found = geometry.estimate_relative_pose(pixels1, pixels2, camera, camera, ordered=True)
    # The ground truth was surveyed by laser; the best peers have a median error of 0.07 deg on these pairs.
    assert rotation_error(found.cam2_from_cam1[:, :3], truth[:, :3]) < 0.2
    assert direction_error(found.cam2_from_cam1[:, 3], truth[:, 3]) < 1.0
    fundamental = geometry.estimate_fundamental(pixels1, pixels2, ordered=True)
    inverse = np.linalg.inv(camera.matrix)
    essential = np.cross(np.eye(3), truth[:, 3]) @ truth[:, :3]
    true_fundamental = inverse.T @ essential @ inverse
    good = _reference.sampson_errors(pixels1, pixels2, true_fundamental) < 1
    assert fundamental.inliers[good].mean() > 0.9


@pytest.mark.parametrize("name", ["fountain-P11", "herz-jesus-P8"])
def test_real_camera_poses(matches_dir: Path, name: str) -> None:
    data = np.load(matches_dir / f"{name}_pnp.npz")
    matrix = data["K"]
    camera = fastcv.Camera("PINHOLE", 3072, 2048, [matrix[0, 0], matrix[1, 1], matrix[0, 2] + 0.5, matrix[1, 2] + 0.5])
    errors = []
    for k in range(0, len(data["queries_q_a_b_n_inl3px"]), 4):
        q = int(data["queries_q_a_b_n_inl3px"][k][0])
        pixels, points = data[f"x{k}"].astype(np.float64) + 0.5, data[f"X{k}"].astype(np.float64)
        pose = geometry.estimate_absolute_pose(pixels, points, camera, ordered=True).cam_from_world
        errors.append(np.linalg.norm(pose[:, :3].T @ pose[:, 3] - data["R"][q].T @ data["t"][q].ravel()))
    # Metres; the scene is 5 to 15 m away, and the worst sets have 130 inliers on one side of the picture.
    assert np.median(errors) < 0.012
    assert np.max(errors) < 0.05


@pytest.mark.parametrize("name", ["Brussels", "Dresden", "Kyoto"])
def test_hand_marked_points_of_kusvod2(matches_dir: Path, name: str) -> None:
    matches = np.loadtxt(matches_dir / "kusvod2" / f"{name}_pts.txt")
    marked = scipy.io.loadmat(matches_dir / "kusvod2" / f"{name}_vpts.mat")["validation"]["pts"][0, 0].T
    found = geometry.estimate_fundamental(matches[:, :2], matches[:, 3:5])
    opencv = cv2.findFundamentalMat(matches[:, :2], matches[:, 3:5], cv2.USAC_ACCURATE, 1.0, 0.9999, 10000)[0]
    ours, theirs = (_reference.sampson_errors(marked[:, :2], marked[:, 3:5], f) for f in (found.model, opencv))
    assert np.median(ours) < max(1.0, 1.5 * np.median(theirs))  # marked by hand, to about a pixel


def test_graffiti_homography(matches_dir: Path) -> None:
    pictures = [cv2.imread(str(matches_dir / "graf" / f"graf{k}.png"), cv2.IMREAD_GRAYSCALE) for k in (1, 3)]
    (kp1, d1), (kp2, d2) = (cv2.SIFT_create(2000).detectAndCompute(picture, None) for picture in pictures)
    best = [m for m, n in cv2.BFMatcher().knnMatch(d1, d2, k=2) if m.distance < 0.85 * n.distance]
    points1, points2 = np.array([kp1[m.queryIdx].pt for m in best]), np.array([kp2[m.trainIdx].pt for m in best])
    found = geometry.estimate_homography(points1, points2, threshold=2.0)
    storage = cv2.FileStorage(str(matches_dir / "graf" / "H1to3p.xml"), cv2.FILE_STORAGE_READ)
    truth = storage.getNode("H13").mat()
    height, width = pictures[0].shape
    corners = np.array([[100.0, 100], [width - 100, 100], [width - 100, height - 100], [100, height - 100]])
    mapped = _reference.homogeneous(corners) @ truth.T
    assert np.median(_reference.transfer_errors(corners, mapped[:, :2] / mapped[:, 2:], found.model)) < 3.0


def test_a_panorama_is_refused() -> None:
    """Poses are estimated in the plane z = 1, where half of its rays do not go."""
    panorama = fastcv.Camera("EQUIRECTANGULAR", 640, 320, [640, 320])
    points = np.random.default_rng(0).uniform(0, 320, (20, 2))
    message = r"^camera: expected a model whose rays all go forward, got EQUIRECTANGULAR$"
    with pytest.raises(ValueError, match=message):
        geometry.estimate_relative_pose(points, points, CAMERA, panorama)
    with pytest.raises(ValueError, match=message):
        geometry.estimate_absolute_pose(points, np.ones((20, 3)), panorama)
