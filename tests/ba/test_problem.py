# SPDX-License-Identifier: Apache-2.0
"""Checks of a problem, and its conversions from and to reconstructions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fastcv import Camera, Image, Points3D, Reconstruction
from fastcv.ba import Problem, solve
from fastcv.synthetic import make_tracks


def changed(problem: Problem, name: str, index: object, value: object) -> Problem:
    """The problem with one entry of a copied array set."""
    array = np.array(getattr(problem, name))
    array[index] = value
    return replace(problem, **{name: array})


@pytest.mark.parametrize(
    ("name", "index", "value", "message"),
    [
        ("image_indices", 5, 6, r"image_indices\[5\]: expected a row below 6, got 6"),
        ("image_indices", 5, -1, r"image_indices\[5\]: expected a row below 6, got -1"),
        ("point_indices", 8, 60, r"point_indices\[8\]: expected a row below 60, got 60"),
        ("image_cameras", 2, 1, r"image_cameras\[2\]: expected a row below 1, got 1"),
        ("observations", (17, 1), np.nan, r"observations\[17\]: expected finite values, got \[.*nan\]"),
        ("observations", (17, 0), np.inf, r"observations\[17\]: expected finite values"),
        ("points", (3, 2), np.nan, r"points\[3\]: expected finite values"),
        ("cam_from_world", (1, 0, 3), np.nan, r"cam_from_world\[1\]: expected finite values"),
        ("cam_from_world", (1, 0, 0), 2.0, r"cam_from_world\[1\]: expected a rotation"),
        ("cam_from_world", 1, np.diag([1, 1, -1, 0])[:3], r"cam_from_world\[1\]: expected a rotation"),
        ("weights", 4, 0.0, r"weights\[4\]: expected positive values, got 0.0"),
        ("weights", 4, np.nan, r"weights\[4\]: expected finite values"),
    ],
)
def test_names_what_is_wrong(make_problem, name, index, value, message):
    with pytest.raises(ValueError, match=message):
        changed(make_problem(), name, index, value)


def test_the_size_of_a_panorama_stays_fixed(make_problem):
    problem = make_problem(("EQUIRECTANGULAR",))
    np.testing.assert_array_equal(problem.fixed_params, [[True, True]])
    with pytest.raises(ValueError, match=r"^fixed_params\[0\]: expected both of EQUIRECTANGULAR fixed, got \[True, F"):
        replace(problem, fixed_params=[[True, False]])


def test_solve_checks_again(make_problem):
    problem = make_problem()
    problem.observations[3, 0] = np.nan
    with pytest.raises(ValueError, match=r"observations\[3\]"):
        solve(problem)


def test_duplicate_observation(make_problem):
    problem = make_problem()
    image, point = problem.image_indices[4], problem.point_indices[4]
    same = replace(
        problem,
        image_indices=problem.image_indices,
        fixed_points=np.ones(60, bool),
    )
    with pytest.raises(ValueError, match=rf"observations\[9\].*point {point} in image {image}, .*observations\[4\]"):
        replace(
            same,
            image_indices=np.where(np.arange(same.num_observations) == 9, image, same.image_indices),
            point_indices=np.where(np.arange(same.num_observations) == 9, point, same.point_indices),
        )


def without(problem: Problem, keep: np.ndarray, **changes: object) -> Problem:
    """The problem with some of its observations."""
    names = ("image_indices", "point_indices", "observations", "weights")
    return replace(problem, **{name: getattr(problem, name)[keep] for name in names}, **changes)


def test_image_without_observations(make_problem):
    problem = make_problem()
    keep = problem.image_indices != 3
    with pytest.raises(ValueError, match=r"fixed_images\[3\]: expected a fixed image where nothing is observed"):
        without(problem, keep)
    assert without(problem, keep, fixed_images=np.arange(6) == 3).num_observations == keep.sum()


def test_point_seen_once(make_problem):
    problem = make_problem()
    mine = np.flatnonzero(problem.point_indices == 11)
    keep = np.ones(problem.num_observations, bool)
    keep[mine[1:]] = False
    with pytest.raises(
        ValueError, match=r"points\[11\]: expected observations in two images or more.*got 1 observations"
    ):
        without(problem, keep)
    assert without(problem, keep, fixed_points=np.arange(60) == 11).num_observations == keep.sum()


def test_everything_fixed(make_problem):
    with pytest.raises(ValueError, match="expected something free, got everything fixed"):
        replace(
            make_problem(),
            fixed_images=np.ones(6, bool),
            fixed_points=np.ones(60, bool),
            fixed_params=[np.ones(4, bool)],
        )


def test_only_a_camera_without_images_is_free(make_problem):
    problem = make_problem()
    with pytest.raises(ValueError, match="expected something free, got everything fixed"):
        replace(
            problem,
            cameras=problem.cameras * 2,
            fixed_images=np.ones(6, bool),
            fixed_points=np.ones(60, bool),
            fixed_params=[np.ones(4, bool), np.zeros(4, bool)],
        )


@pytest.mark.parametrize("name", ["cameras", "cam_from_world", "points", "observations"])
def test_empty(make_problem, name):
    empty: dict[str, dict[str, object]] = {
        "cameras": {"cameras": [], "fixed_params": []},
        "cam_from_world": {
            "cam_from_world": np.empty((0, 3, 4)),
            **{key: [] for key in ("image_cameras", "fixed_images", "fixed_rotations", "fixed_centers")},
        },
        "points": {"points": np.empty((0, 3)), "fixed_points": []},
        "observations": {"observations": np.empty((0, 2)), "image_indices": [], "point_indices": [], "weights": []},
    }
    with pytest.raises(ValueError, match=f"{name}: expected at least one, got none"):
        replace(make_problem(), **empty[name])


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"points": np.zeros((60, 2))}, ValueError, r"points: expected shape \(N, 3\), got \(60, 2\)"),
        ({"fixed_points": np.zeros(59, bool)}, ValueError, r"fixed_points: expected shape .* N = 60, got \(59,\)"),
        ({"image_cameras": np.zeros(5, int)}, ValueError, r"cam_from_world: expected shape .* I = 5"),
        ({"image_cameras": np.zeros(6)}, TypeError, "image_cameras: expected dtype int32, got float64"),
        ({"fixed_images": np.zeros(6, int)}, TypeError, "fixed_images: expected dtype bool, got int64"),
        ({"points": np.zeros((60, 3), complex)}, TypeError, "points: expected dtype float64, got complex128"),
        ({"image_cameras": np.full(6, 2**40)}, ValueError, r"image_cameras: expected values in \[-2\^31"),
        ({"cameras": ["PINHOLE"]}, TypeError, r"cameras\[0\]: expected a Camera, got str"),
        ({"fixed_params": []}, ValueError, "fixed_params: expected 1 masks, got 0"),
        ({"fixed_params": [np.zeros(3, bool)]}, ValueError, r"fixed_params\[0\]: expected shape \(4,\), got \(3,\)"),
    ],
)
def test_types_and_shapes(make_problem, changes, error, message):
    with pytest.raises(error, match=message):
        replace(make_problem(), **changes)


def test_accepts_lists_strided_and_read_only_arrays(make_problem):
    problem = make_problem()
    points = np.zeros((60, 6))[:, ::2]
    points[:] = problem.points
    points.flags.writeable = False
    other = replace(problem, points=points, image_indices=problem.image_indices.astype(np.int64).tolist())
    expected, got = solve(problem), solve(other)
    np.testing.assert_array_equal(got.points, expected.points)
    np.testing.assert_array_equal(problem.points, points)  # not changed by either


@pytest.mark.parametrize("seed", range(3))
def test_finds_a_repetition_in_any_order(make_problem, seed):
    problem = make_problem()
    order = np.random.default_rng(seed).permutation(problem.num_observations)
    shuffled = {name: getattr(problem, name)[order] for name in ("image_indices", "point_indices", "observations")}
    weights = np.ones(len(order))
    replace(problem, weights=weights, **shuffled)
    again = [40, 7, 23]  # the repeated rows; the one with the lowest point is told of
    names = {name: np.concatenate([values, values[again]]) for name, values in shuffled.items()}
    lowest = again[int(np.argmin(shuffled["point_indices"][again] * 1000 + shuffled["image_indices"][again]))]
    second = len(order) + again.index(lowest)
    with pytest.raises(ValueError, match=rf"^observations\[{second}\]: .* which is observations\[{lowest}\] too$"):
        replace(problem, weights=np.ones(len(order) + 3), **names)


def test_principal_points_are_fixed_by_default(make_problem):
    problem = make_problem(("OPENCV", "BAL"))
    assert problem.fixed_params[0].tolist() == [False, False, True, True, False, False, False, False]
    assert not problem.fixed_params[1].any()


def tiny_reconstruction() -> Reconstruction:
    """Two images of three points; image 7 has two keypoints on point 20, and point 30 is seen once."""
    camera = Camera("SIMPLE_PINHOLE", 640, 480, [500, 320, 240])
    poses = np.stack([np.eye(3, 4)] * 2)
    poses[1, 0, 3] = -1
    images = {
        4: Image("b.jpg", 3, poses[0], [[1, 1], [2, 2], [3, 3]], [10, -1, 20]),
        7: Image("a.jpg", 3, poses[1], [[4, 4], [5, 5], [6, 6], [7, 7]], [20, 30, 20, 10]),
    }
    points = Points3D(
        np.array([10, 20, 30]), np.array([[0, 0, 4.0], [1, 0, 5], [0, 1, 6]]), np.zeros((3, 3), np.uint8), -np.ones(3)
    )
    return Reconstruction({3: camera, 9: camera}, images, points)


def test_from_reconstruction_keeps_what_constrains():
    problem = Problem.from_reconstruction(tiny_reconstruction())
    assert (problem.image_ids, problem.camera_ids, problem.point_ids.tolist()) == ([4, 7], [3], [10, 20])
    seen = sorted(zip(problem.image_indices, problem.point_indices, problem.observations[:, 0], strict=True))
    assert seen == [(0, 0, 1), (0, 1, 3), (1, 0, 7), (1, 1, 4)]
    np.testing.assert_array_equal(problem.points, [[0, 0, 4], [1, 0, 5]])


def test_from_some_images():
    reconstruction = make_tracks("ring", num_images=8, num_points=200).reconstruction
    problem = Problem.from_reconstruction(reconstruction, [5, 2, 4])
    assert problem.image_ids == [2, 4, 5]
    counts = np.zeros(201, int)
    for image_id in (2, 4, 5):
        ids = reconstruction.images[image_id].point3D_ids
        counts[ids[ids >= 0]] += 1
    assert problem.point_ids.tolist() == np.flatnonzero(counts >= 2).tolist()
    assert problem.num_observations == counts[counts >= 2].sum()


def test_update_reconstruction_writes_back():
    reconstruction = make_tracks("ring", num_images=8, num_points=200, noise_px=0.5).reconstruction
    before = reconstruction.points3D.xyz.copy()
    problem = Problem.from_reconstruction(reconstruction, [1, 2, 3])
    result = solve(problem)
    problem.update_reconstruction(reconstruction, result)
    np.testing.assert_array_equal(reconstruction.images[2].cam_from_world, result.cam_from_world[1])
    assert reconstruction.cameras[1] == result.cameras[0]
    rows = reconstruction.points3D.rows(problem.point_ids)
    np.testing.assert_array_equal(reconstruction.points3D.xyz[rows], result.points)
    others = np.setdiff1d(np.arange(len(before)), rows)
    assert len(others) > 0
    np.testing.assert_array_equal(reconstruction.points3D.xyz[others], before[others])
    mine = problem.point_indices == 0
    error = np.sqrt(result.residuals[mine, 0] ** 2 + result.residuals[mine, 1] ** 2).mean()
    np.testing.assert_allclose(reconstruction.points3D.error[rows[0]], error, rtol=1e-12)


def test_update_needs_ids(make_problem):
    problem = make_problem()
    with pytest.raises(ValueError, match="image_ids, camera_ids, point_ids: expected those"):
        problem.update_reconstruction(Reconstruction(), solve(problem))
