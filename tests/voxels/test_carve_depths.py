# SPDX-License-Identifier: Apache-2.0
"""Carving by depth maps against numpy over all voxels and views, against closed forms, and with input that is wrong."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastcv
from fastcv import Camera, voxels
from fastcv.voxels import VoxelGrid, _reference

from .conftest import CENTER, RADIUS, ball_depth, ball_grid, pose_towards

RULES = [
    {"margin": 0.02},
    {"margin": 0.02, "min_views": 5},
    {"margin": 0.3, "min_views": 3, "max_violations": 2},
    {"margin": 0.0, "max_violations": 1, "outside": "carve"},
    {"margin": 0.02, "min_views": 0, "outside": "carve"},
]


@pytest.fixture(scope="module")
def depths(ball):
    """The ball's depth before background; a tenth of the pixels is without a depth, a twentieth is noise."""
    rng = np.random.default_rng(2)
    maps = []
    for camera, pose in ball.pairs:
        depth = ball_depth(camera, pose)
        depth[rng.random(depth.shape) < 0.05] *= np.float32(0.9)
        depth[rng.random(depth.shape) < 0.05] = np.nan
        depth[:, : depth.shape[1] // 4][rng.random((depth.shape[0], depth.shape[1] // 4)) < 0.2] = 0
        maps.append(depth)
    return maps


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("shape", [(40, 40, 40), (33, 17, 50), (1, 9, 70), (8, 1, 1), (65, 64, 3)])
def test_equals_the_reference(ball, depths, shape, rule, device):
    grid = ball_grid(*shape)
    expected = _reference.carve_depths(depths, ball.matrices, grid, **rule)
    occupancy = voxels.carve_depths([device.put(depth) for depth in depths], ball.matrices, grid, **rule)
    canonical = voxels.Occupancy.from_dense(expected, grid)
    np.testing.assert_array_equal(occupancy.states, canonical.states)
    np.testing.assert_array_equal(occupancy.bits, canonical.bits)
    assert occupancy.num_occupied > 0


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 30), st.integers(1, 30), st.integers(1, 30))
def test_any_cameras_equal_the_reference(seed, depth, height, width):
    """Cameras anywhere, in the grid too; maps of a smooth surface, background, holes and noise."""
    rng = np.random.default_rng(seed)
    pairs, maps = [], []
    for _ in range(4):
        size = rng.integers(1, 60, 2)
        focal = rng.uniform(5, 60, 2)
        pairs.append((
            Camera("PINHOLE", int(size[0]), int(size[1]), np.array([*focal, *(rng.uniform(0, 1, 2) * size)])),
            pose_towards(rng.uniform(-2, 2, 3), rng.uniform(-1, 1, 3)),
        ))  # fmt: skip
        values = rng.uniform(0.2, 3) + np.linspace(0, rng.uniform(0, 1), size[1])[:, None] * np.ones(size[0])
        values += rng.choice([0, 0.5]) * rng.random(values.shape)
        values[: rng.integers(0, size[1] + 1)] = np.inf
        values[rng.random(values.shape) < rng.choice([0.0, 0.01, 1.0], p=[0.6, 0.3, 0.1])] = rng.choice([0.0, np.nan])
        maps.append(values.astype(np.float32))
    grid = VoxelGrid(rng.uniform(-1, 0, 3), rng.uniform(0.02, 0.2), (depth, height, width))
    rule = {"min_views": int(rng.integers(0, 3)), "max_violations": int(rng.integers(0, 3))}
    rule |= {"outside": str(rng.choice(["ignore", "carve"])), "margin": float(rng.choice([0, 0.01, 0.5]))}
    matrices = [camera.matrix @ pose for camera, pose in pairs]
    expected = _reference.carve_depths(maps, matrices, grid, **rule)
    np.testing.assert_array_equal(voxels.carve_depths(maps, pairs, grid, **rule).to_dense(), expected)


def test_kinect_equals_the_reference(kinect):
    """Real depth: noise, holes, and cameras that move within a room."""
    maps, pairs = list(kinect.depths), [(kinect.camera, pose) for pose in kinect.poses]
    middle = pairs[0][1][:, :3].T @ (np.array([0, 0, 2.0]) - pairs[0][1][:, 3])  # 2 m before the first camera
    grid = VoxelGrid(middle - 1, 2 / 64, (64, 64, 64))
    rule = {"margin": 0.05, "min_views": 3, "max_violations": 1}
    expected = _reference.carve_depths(maps, np.stack([c.matrix @ pose for c, pose in pairs]), grid, **rule)
    occupancy = voxels.carve_depths(maps, pairs, grid, **rule)
    np.testing.assert_array_equal(occupancy.to_dense(), expected)
    assert 0.05 < expected.mean() < 0.8
    assert np.count_nonzero(occupancy.states != 2) > 0.25 * occupancy.states.size


def test_votes_of_one_view():
    """A wall, a hole in it, background beside it, and what the camera does not see."""
    camera = Camera("PINHOLE", 20, 20, np.array([10.0, 10, 10, 10]))
    grid = VoxelGrid([-1, -1, -1], 0.125, (16, 16, 16))
    z, y, x = (np.indices(grid.shape) + 0.5) * 0.125 - 1
    inside = (z > 0) & (x >= -z) & (y >= -z) & (x < z) & (y < z)
    row = np.where(inside, np.floor(10 * y / np.where(z > 0, z, 1) + 10), 0)
    depth = np.full((20, 20), 0.5, np.float32)
    depth[:5], depth[5:8], depth[8:10] = np.inf, 0, np.nan
    sees = inside & ((row < 5) | (row >= 10))
    through = sees & ((row < 5) | (z < 0.5 - 0.1))
    for rule, expected in [
        ({}, sees & ~through),
        ({"min_views": 0}, ~through),
        ({"min_views": 0, "outside": "carve"}, inside & ~through),
        ({"max_violations": 1}, sees),
        ({"max_violations": 1, "min_views": 0, "outside": "carve"}, np.ones_like(sees)),
    ]:
        kept = voxels.carve_depths([depth], [(camera, np.eye(3, 4))], grid, margin=0.1, **rule)
        np.testing.assert_array_equal(kept.to_dense(), expected)


def test_background_alone_is_carving_by_silhouettes(ball):
    """A depth that nothing lies in front of, or none at all: the hull."""
    grid = ball_grid(50, 40, 30)
    near, infinite = np.float32(1e-6), np.float32(np.inf)
    maps = [np.where(mask, near, infinite) for mask in ball.masks]
    for rule in ({}, {"max_violations": 1, "min_views": 4}, {"outside": "carve"}):
        expected = voxels.carve(ball.masks, ball.matrices, grid, **rule)
        carved = voxels.carve_depths(maps, ball.matrices, grid, margin=0, **rule)
        np.testing.assert_array_equal(carved.states, expected.states)
        np.testing.assert_array_equal(carved.bits, expected.bits)


def test_the_ball_stays_and_no_more_than_its_hull(ball):
    grid = ball_grid(96, 96, 96)
    distance = np.stack([np.linalg.norm(grid.centers(z) - CENTER, axis=-1) for z in range(96)])
    maps = [ball_depth(*pair) for pair in ball.pairs]
    # A pixel is 4 / 250 wide at the ball; half of its diagonal aside, the surface may be this much nearer.
    kept = voxels.carve_depths(maps, ball.pairs, grid, margin=0.02).to_dense()
    assert kept[distance < RADIUS - 0.71 * 4 / 250].all()
    hull = voxels.carve(ball.masks, ball.pairs, grid).to_dense()
    assert not (kept & ~hull).any()
    assert kept.sum() < hull.sum()


def test_scale_of_matrices_does_not_matter(ball, depths):
    grid = ball_grid(40, 41, 42)
    expected = voxels.carve_depths(depths, ball.pairs, grid, margin=0.05).to_dense()
    scales = np.array([1, -1, 1e-6, -3e5, 2, -0.1, 7.0])[:, None, None]
    np.testing.assert_array_equal(
        voxels.carve_depths(depths, ball.matrices * scales, grid, margin=0.05).to_dense(), expected
    )


def test_one_array_strided_read_only_and_torch(ball, depths):
    torch = pytest.importorskip("torch")
    grid = ball_grid(24, 24, 24)
    maps = np.zeros((7, 200, 240), np.float32)
    for row, depth in zip(maps, depths, strict=True):
        row[: depth.shape[0], : depth.shape[1]] = depth
    expected = voxels.carve_depths(maps, ball.matrices, grid, margin=0.02).to_dense()
    maps.flags.writeable = False
    wide = np.zeros((7, 200, 480), np.float32)
    wide[:, :, ::2] = maps
    for other in (wide[:, :, ::2], list(maps), torch.tensor(maps), [torch.tensor(depth) for depth in maps]):
        np.testing.assert_array_equal(voxels.carve_depths(other, ball.matrices, grid, margin=0.02).to_dense(), expected)


@pytest.mark.parametrize("num_threads", [1, 2, 5])
def test_same_bits_for_every_number_of_threads(ball, depths, num_threads):
    grid = ball_grid(90, 70, 110)
    expected = voxels.carve_depths(depths, ball.matrices, grid, margin=0.02, num_threads=3)
    occupancy = voxels.carve_depths(depths, ball.matrices, grid, margin=0.02, num_threads=num_threads)
    np.testing.assert_array_equal(occupancy.states, expected.states)
    np.testing.assert_array_equal(occupancy.bits, expected.bits)


def test_lens_distortion(ball):
    """Depths drawn through the lens: the result differs by less than a layer of voxels."""
    grid = ball_grid(64, 64, 64)
    pairs, maps = [], []
    for camera, pose in ball.pairs:
        lens = Camera("OPENCV", camera.width, camera.height, np.array([*camera.params, -0.1, 0.02, 1e-3, 1e-3]))
        x, y = np.meshgrid(np.arange(camera.width) + 0.5, np.arange(camera.height) + 0.5)
        rays = fastcv.camera.unproject(np.stack([x, y], -1).reshape(-1, 2), lens).reshape(*x.shape, 3)
        speed, center = np.linalg.norm(rays, axis=-1), pose[:, :3] @ CENTER + pose[:, 3]
        along = rays @ center / speed
        square = RADIUS**2 - (center @ center - along**2)
        near = (along - np.sqrt(np.maximum(square, 0))) / speed * rays[..., 2]
        maps.append(np.where(square >= 0, near, np.inf).astype(np.float32))
        pairs.append((lens, pose))
    kept = voxels.carve_depths(maps, pairs, grid, margin=0.05).to_dense()
    expected = voxels.carve_depths([ball_depth(*pair) for pair in ball.pairs], ball.pairs, grid, margin=0.05).to_dense()
    assert np.mean(kept != expected) < 0.1 * expected.mean()


def test_pixels_beyond_the_photograph_see_nothing():
    """Undistorting a barrel leaves pinhole pixels without a source; they must not count as background."""
    camera = Camera("SIMPLE_RADIAL", 60, 60, np.array([40.0, 30, 30, 0.2]))
    grid = VoxelGrid([-3, -3, 1], 0.25, (8, 24, 24))
    full = np.ones((60, 60), bool)
    depth = np.full((60, 60), 1e-6, np.float32)  # nothing lies in front of it
    for rule in ({}, {"outside": "carve"}, {"min_views": 0}):
        expected = voxels.carve([full], [(camera, np.eye(3, 4))], grid, **rule)
        kept = voxels.carve_depths([depth], [(camera, np.eye(3, 4))], grid, margin=0, **rule)
        np.testing.assert_array_equal(kept.to_dense(), expected.to_dense())


PINHOLE = Camera("PINHOLE", 8, 6, np.array([5.0, 5, 4, 3]))
GRID = VoxelGrid([-1, -1, 1], 0.5, (4, 4, 4))
DEPTH = np.ones((6, 8), np.float32)
POSE = np.eye(3, 4)


@pytest.mark.parametrize(
    ("depths", "cameras", "options", "message"),
    [
        ([], [], {}, "depths: expected at least one, got none"),
        ([DEPTH], [], {}, "cameras: expected one per depth (1), got 0"),
        ([DEPTH.T], [(PINHOLE, POSE)], {}, "depths[0]: expected its camera's size (6, 8), got shape (8, 6)"),
        ([DEPTH[:0]], [POSE], {}, "depths[0]: expected at least one pixel, got shape (0, 8)"),
        ([DEPTH[..., None]], [POSE], {}, "depths[0]: expected shape (*, *), got (6, 8, 1)"),
        ([DEPTH, -DEPTH], [POSE] * 2, {}, "depths[1]: expected no negative depth (0 and NaN are none), got -1.0"),
        ([-DEPTH * np.inf], [POSE], {}, "depths[0]: expected no negative depth (0 and NaN are none), got -inf"),
        ([np.broadcast_to(DEPTH[0, 0], (2**16, 2**15))], [POSE], {}, "depths[0]: expected fewer than 2**31 pixels"),
        ([DEPTH], [(PINHOLE, 2 * POSE)], {}, "cameras[0]: expected a rotation and a translation"),
        ([DEPTH], [POSE], {"margin": -0.1}, "margin: expected a finite number of 0 or more, got -0.1"),
        ([DEPTH], [POSE], {"margin": np.nan}, "margin: expected a finite number of 0 or more, got nan"),
        ([DEPTH], [POSE], {"margin": np.inf}, "margin: expected a finite number of 0 or more, got inf"),
        ([DEPTH], [POSE], {"min_views": 2}, "min_views: expected 0 to the number of views (1), got 2"),
        ([DEPTH], [POSE], {"max_violations": -1}, "max_violations: expected 0 or more, got -1"),
        ([DEPTH], [POSE], {"outside": "keep"}, "outside: expected ignore or carve, got 'keep'"),
    ],
)
def test_bad_values(depths, cameras, options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        voxels.carve_depths(depths, cameras, GRID, **{"margin": 0.1, **options})


def test_negative_depths_of_a_lens_and_of_torch():
    torch = pytest.importorskip("torch")
    lens = Camera("SIMPLE_RADIAL", 8, 6, np.array([5.0, 4, 3, 0.01]))
    for depth, camera in ((-DEPTH, (lens, POSE)), (torch.tensor(-DEPTH), POSE)):
        with pytest.raises(ValueError, match=r"depths\[1\]: expected no negative depth .* got -1.0"):
            voxels.carve_depths([0 * depth, depth], [camera] * 2, GRID, margin=0)


def test_bad_types():
    with pytest.raises(TypeError, match=r"depths\[0\]: expected dtype float32, got float64"):
        voxels.carve_depths([DEPTH * 1.0 + np.zeros(1)], [POSE], GRID, margin=0)


def test_grids_beyond_memory_are_named_with_their_size():
    with pytest.raises(ValueError, match=r"grid: expected a size .* got the blocks of \(2000000, .* of 15625000.0 GB"):
        voxels.carve_depths([DEPTH], [(PINHOLE, POSE)], VoxelGrid([0, 0, 1], 1e-6, (2_000_000,) * 3), margin=0)
