# SPDX-License-Identifier: Apache-2.0
"""Probabilities of voxels against numpy with logarithms, closed forms, hard carving, and with input that is wrong."""

from __future__ import annotations

import re

import numpy as np
import pytest

import fastcv
from fastcv import Camera, voxels
from fastcv.voxels import VoxelGrid, _memory, _reference

from .conftest import CENTER, ball_grid

SENSORS = [
    {},
    {"miss_rate": 0.2, "false_alarm_rate": 0.3, "prior": 0.1},
    {"miss_rate": 1e-6, "false_alarm_rate": 1e-6, "prior": 1 - 1e-6, "outside": "carve"},
    {"miss_rate": 0.7, "false_alarm_rate": 0.5, "outside": "carve"},
]


@pytest.fixture(scope="module")
def soft(ball):
    """The ball's masks, blurred along rows, with noise; float64."""
    rng = np.random.default_rng(4)
    masks = []
    for mask in ball.masks:
        wide = np.pad(mask.astype(float), ((0, 0), (4, 4)), "edge")
        blurred = sum(wide[:, i : i + mask.shape[1]] for i in range(9)) / 9
        masks.append(np.clip(blurred + 0.1 * rng.standard_normal(mask.shape), 0, 1))
    return masks


@pytest.mark.parametrize("sensor", SENSORS)
@pytest.mark.parametrize("shape", [(20, 20, 20), (13, 7, 70), (1, 9, 65), (8, 1, 1)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_equals_the_reference(ball, soft, shape, sensor, dtype, device):
    grid = ball_grid(*shape)
    masks = [mask.astype(dtype) for mask in soft]
    expected = _reference.carve_soft(masks, ball.matrices, grid, **sensor)
    p = device.get(voxels.carve_soft([device.put(mask) for mask in masks], ball.matrices, grid, **sensor))
    assert p.dtype == dtype
    # A mask changes by up to 1 a pixel, positions are known to 1e-13 pixels, and a likelihood of 1e-6 magnifies that.
    np.testing.assert_allclose(p, expected, rtol=6e-8 if dtype == "float32" else 1e-7, atol=1e-12)
    assert np.ptp(p) > 0.1 or p.size == 8


def test_one_view_in_closed_form():
    """Bayes' rule by hand, in the middle of a pixel, between two, and beside the image."""
    camera = np.array([[1e9, 0, 0, 0], [0, 1e9, 0, 0], [0, 0, 1, 1e9]])  # so far away that (x, y) is the pixel
    mask = np.array([[0.0, 1.0, 0.25]])
    grid = VoxelGrid([-1.0, 0, -0.5], 0.5, (1, 2, 8))  # centres at x = -0.75, -0.25 ... 2.75
    p = voxels.carve_soft([mask], [camera], grid, miss_rate=0.1, false_alarm_rate=0.6, prior=0.2)
    s = np.interp(np.arange(0.25, 3, 0.5), [0.5, 1.5, 2.5], mask[0])
    occupied, empty = 0.2 * (0.9 * s + 0.1 * (1 - s)), 0.8 * (0.6 * s + 0.4 * (1 - s))
    expected = np.r_[0.2, 0.2, occupied / (occupied + empty)]
    np.testing.assert_allclose(p[0], [expected, expected], rtol=1e-7)  # 1e9 away, float64 knows pixels to 1e-7


def test_threshold_is_hard_carving_away_from_edges(ball):
    """With rates for which one view of background outweighs six of foreground, and a voxel that nobody sees goes."""
    grid = ball_grid(48, 40, 44)
    p = voxels.carve_soft([mask.astype(np.float32) for mask in ball.masks], ball.matrices, grid)
    hull = voxels.carve(ball.masks, ball.matrices, grid).to_dense()
    near_edge = np.zeros(grid.shape, bool)
    for mask, P in zip(ball.masks, ball.matrices, strict=True):
        for z in range(grid.shape[0]):
            _, value = _reference.bilinear(mask.astype(float), P, grid.centers(z))
            near_edge[z] |= (value > 0) & (value < 1)
    assert near_edge.mean() < 0.2
    np.testing.assert_array_equal((p > 0.5)[~near_edge], hull[~near_edge])
    assert 0.02 < hull[~near_edge].mean() < 0.9


@pytest.mark.parametrize("views", [31, 32, 33, 700])
def test_nothing_underflows(views):
    """As many views against as for: the prior is left, though the odds were 1 to 10^(6 views) on the way."""
    grid = VoxelGrid([-0.5, -0.5, 1], 0.25, (2, 4, 4))
    camera = np.array([[4.0, 0, 4, 0], [0, 4.0, 4, 0], [0, 0, 1, 0]])
    masks = [np.zeros((8, 8), np.float32)] * views + [np.ones((8, 8), np.float32)] * views
    p = voxels.carve_soft(masks, [camera] * (2 * views), grid, miss_rate=1e-6, false_alarm_rate=1e-6, prior=0.3)
    np.testing.assert_allclose(p, 0.3, rtol=1e-6)
    for half, expected in ((masks[:views], 0.0), (masks[views:], 1.0)):
        p = voxels.carve_soft(half, [camera] * views, grid, miss_rate=1e-6, false_alarm_rate=1e-6)
        np.testing.assert_array_equal(p, expected)


@pytest.mark.parametrize("num_threads", [1, 2, 5])
def test_same_bits_for_every_number_of_threads(ball, soft, num_threads):
    grid = ball_grid(33, 40, 51)
    masks = [mask.astype(np.float32) for mask in soft]
    expected = voxels.carve_soft(masks, ball.matrices, grid, num_threads=3)
    np.testing.assert_array_equal(voxels.carve_soft(masks, ball.matrices, grid, num_threads=num_threads), expected)


def test_out_strided_read_only_lists_and_pairs(ball, soft):
    grid = ball_grid(9, 10, 11)
    expected = voxels.carve_soft(soft, ball.matrices, grid)
    stack = np.zeros((7, 200, 480))
    sizes = [mask.shape for mask in soft]
    for row, mask, (height, width) in zip(stack, soft, sizes, strict=True):
        row[:height, : 2 * width : 2] = mask
    stack.flags.writeable = False
    strided = [row[:height, : 2 * width : 2] for row, (height, width) in zip(stack, sizes, strict=True)]
    out = np.empty(grid.shape)
    assert voxels.carve_soft(strided, ball.matrices, grid, out=out) is out
    np.testing.assert_array_equal(out, expected)
    np.testing.assert_array_equal(voxels.carve_soft([m.tolist() for m in soft], ball.matrices, grid), expected)
    # Another order of K, R and t in the projection: 1e-13 pixels.
    np.testing.assert_allclose(voxels.carve_soft(soft, ball.pairs, grid), expected, atol=1e-10)


@pytest.mark.parametrize("model", ["OPENCV", "OPENCV_FISHEYE"])
def test_lens_distortion(ball, model):
    """Masks that fall from 1 to 0 over a tenth of the ball's radius, drawn through the lens and without."""
    grid = ball_grid(24, 24, 24)

    def draw(pose, rays):
        rays /= np.linalg.norm(rays, axis=-1, keepdims=True)
        center = pose[:, :3] @ CENTER + pose[:, 3]
        distance = np.linalg.norm(center - (rays @ center)[..., None] * rays, axis=-1)
        return np.clip(0.5 + (0.7 - distance) / 0.14, 0, 1)

    probabilities = []
    for lens in (False, True):
        masks, pairs = [], []
        for camera, pose in ball.pairs:
            x, y = np.meshgrid(np.arange(camera.width) + 0.5, np.arange(camera.height) + 0.5)
            if lens:
                params = np.array([*camera.params, -0.1, 0.02, *([1e-3] * 2)])
                camera = Camera(model, camera.width, camera.height, params)
            rays = fastcv.camera.unproject(np.stack([x, y], -1).reshape(-1, 2), camera).reshape(*x.shape, 3)
            masks.append(draw(pose, rays))
            pairs.append((camera, pose))
        probabilities.append(voxels.carve_soft(masks, pairs, grid, miss_rate=0.1, false_alarm_rate=0.6))
    distance = np.stack([np.linalg.norm(grid.centers(z) - CENTER, axis=-1) for z in range(24)])
    inner = distance < 0.95  # which all of them see, through the lens and without
    # Interpolation cuts the two kinks of a mask's slope, of 1 in 9 pixels, by up to 1 / 9 / 8 a time.
    assert np.abs(probabilities[1] - probabilities[0])[inner].max() < 0.05
    assert np.ptp(probabilities[0][inner]) > 0.5


def test_pixels_beyond_the_photograph_see_nothing():
    """Undistorting a barrel leaves pinhole pixels without a source; they must not count as background."""
    camera = Camera("SIMPLE_RADIAL", 60, 60, np.array([40.0, 30, 30, 0.2]))
    grid = VoxelGrid([-3, -3, 1], 0.25, (8, 24, 24))
    full = np.ones((60, 60))
    p = voxels.carve_soft([full], [(camera, np.eye(3, 4))], grid, miss_rate=0.1, false_alarm_rate=0.6, prior=0.2)
    seen = 0.2 * 0.9 / (0.2 * 0.9 + 0.8 * 0.6)
    assert set(np.unique(p.round(12))) == {0.2, round(seen, 12)}
    hard = voxels.carve([full > 0], [(camera, np.eye(3, 4))], grid).to_dense()
    assert not (p > 0.21)[~hard].any()
    assert (p > 0.21).sum() > 0.95 * hard.sum()  # all but what lies within a pixel of the photograph's edge


PINHOLE = Camera("PINHOLE", 8, 6, np.array([5.0, 5, 4, 3]))
GRID = VoxelGrid([-1, -1, 1], 0.5, (4, 4, 4))
MASK = np.ones((6, 8), np.float32)
POSE = np.eye(3, 4)


@pytest.mark.parametrize(
    ("masks", "cameras", "options", "message"),
    [
        ([], [], {}, "masks: expected at least one, got none"),
        ([MASK], [], {}, "cameras: expected one per mask (1), got 0"),
        ([MASK.T], [(PINHOLE, POSE)], {}, "masks[0]: expected its camera's size (6, 8), got shape (8, 6)"),
        ([MASK[:0]], [POSE], {}, "masks[0]: expected at least one pixel, got shape (0, 8)"),
        ([MASK, MASK * 1.01], [POSE] * 2, {}, "masks[1]: expected values from 0 to 1, got others"),
        ([MASK, -MASK], [POSE] * 2, {}, "masks[1]: expected values from 0 to 1, got others"),
        ([MASK * np.nan], [POSE], {}, "masks[0]: expected values from 0 to 1, got others"),
        ([MASK], [(PINHOLE, 2 * POSE)], {}, "cameras[0]: expected a rotation and a translation"),
        ([MASK], [POSE], {"miss_rate": 0}, "miss_rate: expected a number from 1e-06 to 1 - 1e-06, got 0"),
        ([MASK], [POSE], {"miss_rate": np.nan}, "miss_rate: expected a number from 1e-06 to 1 - 1e-06, got nan"),
        ([MASK], [POSE], {"false_alarm_rate": 1}, "false_alarm_rate: expected a number from 1e-06 to 1 - 1e-06, got 1"),
        ([MASK], [POSE], {"prior": 1.5}, "prior: expected a number from 1e-06 to 1 - 1e-06, got 1.5"),
        ([MASK], [POSE], {"outside": "keep"}, "outside: expected ignore or carve, got 'keep'"),
        ([MASK], [POSE], {"num_threads": -1}, "num_threads: expected 0 (default) or more, got -1"),
        ([MASK], [POSE], {"out": np.empty((4, 4, 5), np.float32)}, "out: expected shape (4, 4, 4), got (4, 4, 5)"),
        ([MASK], [POSE], {"out": np.empty((4, 4, 8), np.float32)[..., ::2]}, "out: expected a writeable C-contiguous"),
    ],
)
def test_bad_values(masks, cameras, options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        voxels.carve_soft(masks, cameras, GRID, **options)


def test_bad_types():
    with pytest.raises(TypeError, match=r"masks\[0\]: expected dtype float32 or float64, got bool"):
        voxels.carve_soft([MASK > 0], [POSE], GRID)
    with pytest.raises(TypeError, match=r"masks\[1\]: expected dtype float32 as masks\[0\], got float64"):
        voxels.carve_soft([MASK, MASK.astype(float)], [POSE] * 2, GRID)
    with pytest.raises(TypeError, match="out: expected dtype float32, got float64"):
        voxels.carve_soft([MASK], [POSE], GRID, out=np.empty((4, 4, 4)))


def test_a_volume_beyond_memory_is_named_with_its_size(monkeypatch):
    monkeypatch.setattr(_memory, "_total", lambda: 255)
    with pytest.raises(ValueError, match=r"grid: expected a size .* got an array \(4, 4, 4\)"):
        voxels.carve_soft([MASK], [POSE], GRID)
