# SPDX-License-Identifier: Apache-2.0
"""Carving against numpy over all voxels and views, against closed forms, and with input that is wrong."""

from __future__ import annotations

import re
import signal
import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fastcv
from fastcv import Camera, io, voxels
from fastcv._arrays import Call
from fastcv._backend import backend
from fastcv.voxels import VoxelGrid, _memory, _reference
from fastcv.voxels._silhouettes import pack, view_of

from .conftest import CENTER, RADIUS, ball_grid, pose_towards

RULES = [
    {},
    {"min_views": 7},
    {"min_views": 3, "max_violations": 2},
    {"max_violations": 1, "outside": "carve"},
    {"min_views": 0, "outside": "carve"},
]


@pytest.fixture(scope="module")
def dinosaur(data_dir):
    cv2 = pytest.importorskip("cv2")
    folder = data_dir / "silhouettes" / "vgg_dino36"
    masks = np.stack([cv2.imread(str(folder / "masks" / f"{i:03d}.png"), cv2.IMREAD_GRAYSCALE) for i in range(36)])
    return masks, io.read_projections(folder / "P.txt")


def dinosaur_grid(n):
    return VoxelGrid([-0.1, -0.1, -0.72], 0.2 / n, (n, n, n))


def facing(P, point):
    """Matrices with w > 0 at a point."""
    return P * np.sign(P[:, 2:] @ [*point, 1.0])[..., None]


@pytest.mark.parametrize(
    ("n", "rule"),
    [(64, {}), (64, {"max_violations": 4, "min_views": 20}), pytest.param(128, {}, marks=pytest.mark.slow)],
)
def test_dinosaur_equals_the_reference(dinosaur, n, rule):
    masks, P = dinosaur
    grid = dinosaur_grid(n)
    expected = _reference.carve(masks, facing(P, [0, 0, -0.62]), grid, **rule)
    occupancy = voxels.carve(masks, P, grid, **rule)
    np.testing.assert_array_equal(occupancy.to_dense(), expected)
    # Of the cube of side 0.2 the dinosaur takes about a hundredth.
    assert 0.005 < occupancy.num_occupied / grid.num_voxels < 0.02


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("shape", [(40, 40, 40), (33, 17, 50), (1, 9, 70), (8, 1, 1), (65, 64, 3)])
def test_equals_the_reference(ball, shape, rule, device):
    grid = ball_grid(*shape)
    expected = _reference.carve(ball.masks, ball.matrices, grid, **rule)
    occupancy = voxels.carve([device.put(mask) for mask in ball.masks], ball.matrices, grid, **rule)
    np.testing.assert_array_equal(occupancy.to_dense(), expected)
    canonical = voxels.Occupancy.from_dense(expected, grid)  # no bits beyond the grid, no mixed block that is full
    np.testing.assert_array_equal(occupancy.states, canonical.states)
    np.testing.assert_array_equal(occupancy.bits, canonical.bits)
    assert 0 < occupancy.num_occupied < grid.num_voxels


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 30), st.integers(1, 30), st.integers(1, 30))
def test_any_cameras_equal_the_reference(seed, depth, height, width):
    """Cameras anywhere, in the grid too, and noise for masks: nothing for blocks to be sure of but what is unseen."""
    rng = np.random.default_rng(seed)
    pairs, masks = [], []
    for _ in range(4):
        size = rng.integers(1, 40, 2)
        focal = rng.uniform(5, 60, 2)
        pairs.append((
            Camera("PINHOLE", int(size[0]), int(size[1]), np.array([*focal, *(rng.uniform(0, 1, 2) * size)])),
            pose_towards(rng.uniform(-2, 2, 3), rng.uniform(-1, 1, 3)),
        ))  # fmt: skip
        masks.append(rng.random((size[1], size[0])) < rng.choice([0.0, 0.2, 0.9, 1.0]))
    grid = VoxelGrid(rng.uniform(-1, 0, 3), rng.uniform(0.02, 0.2), (depth, height, width))
    rule = {"min_views": int(rng.integers(0, 3)), "max_violations": int(rng.integers(0, 3))}
    rule["outside"] = str(rng.choice(["ignore", "carve"]))
    matrices = [camera.matrix @ pose for camera, pose in pairs]
    expected = _reference.carve(masks, matrices, grid, **rule)
    np.testing.assert_array_equal(voxels.carve(masks, pairs, grid, **rule).to_dense(), expected)


def test_hull_contains_the_ball_and_shrinks_towards_it(ball):
    grid = ball_grid(96, 96, 96)
    distance = np.stack([np.linalg.norm(grid.centers(z) - CENTER, axis=-1) for z in range(96)])
    hulls = [voxels.carve(ball.masks[:k], ball.matrices[:k], grid).to_dense() for k in (2, 4, 7)]
    # A pixel is 4 / 250 wide at the ball, and its centre decides: half of its diagonal may be missing.
    assert all(hull[distance < RADIUS - 0.71 * 4 / 250].all() for hull in hulls)
    sizes = [hull.sum() / (distance < RADIUS).sum() for hull in hulls]
    assert sizes[0] > sizes[1] > sizes[2]
    assert 1.0 < sizes[2] < 1.35  # seven tangent cones around a ball


def test_both_forms_of_cameras_agree_for_any_scale_and_sign(ball):
    grid = ball_grid(40, 41, 42)
    expected = voxels.carve(ball.masks, ball.pairs, grid)
    scales = np.array([1, -1, 1e-6, -3e5, 2, -0.1, 7.0])
    occupancy = voxels.carve(ball.masks, ball.matrices * scales[:, None, None], grid)
    np.testing.assert_array_equal(occupancy.to_dense(), expected.to_dense())


def test_masks_in_one_array_strided_read_only_of_any_dtype(ball):
    grid = ball_grid(24, 24, 24)
    masks = np.zeros((7, 200, 240), bool)
    for row, mask in zip(masks, ball.masks, strict=True):
        row[: mask.shape[0], : mask.shape[1]] = mask
    expected = voxels.carve(masks, ball.matrices, grid).to_dense()
    masks.flags.writeable = False
    wide = np.zeros((7, 200, 480), np.uint8)
    wide[:, :, ::2] = masks * np.arange(1, 8, dtype=np.uint8)[:, None, None]  # any value but 0 is foreground
    for other in (masks, wide[:, :, ::2], [mask.tolist() for mask in masks]):
        np.testing.assert_array_equal(voxels.carve(other, ball.matrices, grid).to_dense(), expected)


@pytest.mark.parametrize("dtype", ["bool", "uint8"])
def test_torch_masks(ball, dtype):
    torch = pytest.importorskip("torch")
    grid = ball_grid(24, 24, 24)
    masks = [torch.from_numpy(mask.astype(dtype)) for mask in ball.masks]
    expected = voxels.carve(ball.masks, ball.pairs, grid)
    occupancy = voxels.carve(masks, ball.pairs, grid)
    np.testing.assert_array_equal(occupancy.bits, expected.bits)
    np.testing.assert_array_equal(occupancy.states, expected.states)
    lens = [(Camera("OPENCV", c.width, c.height, np.array([*c.params, 0.01, 0, 0, 0])), pose) for c, pose in ball.pairs]
    np.testing.assert_array_equal(voxels.carve(masks, lens, grid).bits, voxels.carve(ball.masks, lens, grid).bits)


@pytest.mark.parametrize("num_threads", [1, 2, 5])
def test_same_bits_for_every_number_of_threads(ball, num_threads):
    grid = ball_grid(90, 70, 110)
    expected = voxels.carve(ball.masks, ball.matrices, grid, num_threads=3)
    occupancy = voxels.carve(ball.masks, ball.matrices, grid, num_threads=num_threads)
    np.testing.assert_array_equal(occupancy.states, expected.states)
    np.testing.assert_array_equal(occupancy.bits, expected.bits)


def test_votes_forgive_wrong_silhouettes(ball):
    grid = ball_grid(48, 48, 48)
    masks = [*ball.masks]
    masks[2] = np.zeros_like(masks[2])
    assert voxels.carve(masks, ball.matrices, grid).num_occupied == 0
    forgiven = voxels.carve(masks, ball.matrices, grid, max_violations=1).to_dense()
    hull = voxels.carve(ball.masks, ball.matrices, grid).to_dense()
    assert forgiven[hull].all()
    others = [i for i in range(7) if i != 2]
    expected = voxels.carve([masks[i] for i in others], ball.matrices[others], grid).to_dense()
    centers = np.stack([grid.centers(z) for z in range(48)])
    seen, _ = _reference.look(masks[2], ball.matrices[2], centers)  # where the wrong one has its say
    np.testing.assert_array_equal(forgiven[seen], expected[seen])


def test_what_no_view_sees():
    """One camera in the grid's middle that looks along z: all behind it and beside its image is unseen."""
    grid = VoxelGrid([-1, -1, -1], 0.125, (16, 16, 16))
    pair = (Camera("PINHOLE", 20, 20, np.array([10.0, 10, 10, 10])), np.eye(3, 4))
    z, y, x = (np.indices(grid.shape) + 0.5) * 0.125 - 1
    seen = (z > 0) & (np.abs(x) <= z) & (np.abs(y) <= z)  # a right angle wide; ties: u = 20 is outside, u = 0 inside
    seen &= (x < z) & (y < z)
    full, none = np.ones((20, 20), bool), np.zeros((20, 20), bool)
    for mask, rule, expected in [
        (full, {}, seen),
        (full, {"min_views": 0}, np.ones_like(seen)),
        (none, {"min_views": 0}, ~seen),
        (none, {}, np.zeros_like(seen)),
        (full, {"min_views": 0, "outside": "carve"}, seen),
        (none, {"min_views": 0, "outside": "carve", "max_violations": 1}, np.ones_like(seen)),
    ]:
        np.testing.assert_array_equal(voxels.carve([mask], [pair], grid, **rule).to_dense(), expected)


@pytest.mark.parametrize("model", ["OPENCV", "OPENCV_FISHEYE"])
def test_lens_distortion(ball, model):
    """Masks drawn by projecting through the lens: the hull differs by less than a layer of voxels."""
    grid = ball_grid(64, 64, 64)
    pairs, masks = [], []
    for camera, pose in ball.pairs:
        lens = Camera(model, camera.width, camera.height, np.array([*camera.params, -0.1, 0.02, *([1e-3] * 2)]))
        x, y = np.meshgrid(np.arange(camera.width) + 0.5, np.arange(camera.height) + 0.5)
        rays = fastcv.camera.unproject(np.stack([x, y], -1).reshape(-1, 2), lens).reshape(*x.shape, 3)
        rays /= np.linalg.norm(rays, axis=-1, keepdims=True)
        center = pose[:, :3] @ CENTER + pose[:, 3]
        masks.append(np.linalg.norm(center - (rays @ center)[..., None] * rays, axis=-1) <= RADIUS)
        pairs.append((lens, pose))
    hull = voxels.carve(masks, pairs, grid).to_dense()
    expected = voxels.carve(ball.masks, ball.pairs, grid).to_dense()
    distance = np.stack([np.linalg.norm(grid.centers(z) - CENTER, axis=-1) for z in range(64)])
    # Two samplings of a silhouette's edge, each off by up to half a pixel's diagonal.
    assert hull[distance < RADIUS - 1.42 * 4 / 250].all()
    assert np.mean(hull != expected) < 0.1 * expected.mean()


def test_pixels_beyond_the_photograph_see_nothing():
    """Undistorting a barrel leaves pinhole pixels without a source; they must not count as background."""
    camera = Camera("SIMPLE_RADIAL", 60, 60, np.array([40.0, 30, 30, 0.2]))
    grid = VoxelGrid([-3, -3, 1], 0.25, (8, 24, 24))
    full = np.ones((60, 60), bool)
    z, y, x = np.indices(grid.shape) + 0.5
    points = np.stack([x, y, z], -1) * 0.25 + [-3, -3, 1]
    pixels = fastcv.camera.project(points.reshape(-1, 3), camera).reshape(*grid.shape, 2)
    seen = ((pixels >= 0) & (pixels < 60)).all(-1)
    kept = voxels.carve([full], [(camera, np.eye(3, 4))], grid).to_dense()
    near = ((pixels >= -1.5) & (pixels < 61.5)).all(-1)  # whether a pixel exists is asked at its centre
    assert not kept[~near].any()
    assert kept.sum() > 0.5 * seen.sum()
    none = voxels.carve([full], [(camera, np.eye(3, 4))], grid, min_views=0)
    assert none.num_occupied == grid.num_voxels


PINHOLE = Camera("PINHOLE", 8, 6, np.array([5.0, 5, 4, 3]))
GRID = VoxelGrid([-1, -1, 1], 0.5, (4, 4, 4))
MASK = np.ones((6, 8), bool)
POSE = np.eye(3, 4)
SINGULAR = np.array([[1.0, 2, 3, 4], [2, 4, 6, 1], [0, 0, 1, 0]])


@pytest.mark.parametrize(
    ("masks", "cameras", "options", "message"),
    [
        ([], [], {}, "masks: expected at least one, got none"),
        ([MASK], [], {}, "cameras: expected one per mask (1), got 0"),
        ([MASK.T], [(PINHOLE, POSE)], {}, "masks[0]: expected its camera's size (6, 8), got shape (8, 6)"),
        ([np.ones((0, 8), bool)], [POSE], {}, "masks[0]: expected at least one pixel, got shape (0, 8)"),
        ([np.ones((6, 8, 3), bool)], [POSE], {}, "masks[0]: expected shape (*, *), got (6, 8, 3)"),
        ([MASK], [SINGULAR], {}, "cameras[0]: expected a matrix whose left 3x3 part is not singular"),
        ([MASK], [np.full((3, 4), np.nan)], {}, "cameras[0]: expected finite values"),
        ([MASK], [np.eye(4)], {}, "cameras[0]: expected shape (3, 4), or a Camera and a pose, got (4, 4)"),
        ([MASK], [np.c_[np.eye(3), [0, 0, -2.0]]], {}, "cameras[0]: expected a camera that does not stand beside"),
        ([MASK], [(PINHOLE, 2 * POSE)], {}, "cameras[0]: expected a rotation and a translation"),
        ([MASK], [(PINHOLE, np.diag([1.0, 1, -1, 1])[:3])], {}, "cameras[0]: expected a rotation and a translation"),
        ([MASK], [(PINHOLE, POSE * np.nan)], {}, "cameras[0]: expected a rotation and a translation"),
        ([MASK], [(PINHOLE, np.eye(4))], {}, "cameras[0]: expected a pose of shape (3, 4), got (4, 4)"),
        ([MASK], [POSE], {"min_views": 2}, "min_views: expected 0 to the number of views (1), got 2"),
        ([MASK], [POSE], {"min_views": -1}, "min_views: expected 0 to the number of views (1), got -1"),
        ([MASK], [POSE], {"max_violations": -1}, "max_violations: expected 0 or more, got -1"),
        ([MASK], [POSE], {"outside": "keep"}, "outside: expected ignore or carve, got 'keep'"),
        ([MASK], [POSE], {"num_threads": -1}, "num_threads: expected 0 (default) or more, got -1"),
    ],
)
def test_bad_values(masks, cameras, options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        voxels.carve(masks, cameras, GRID, **options)


def test_bad_types():
    with pytest.raises(TypeError, match=r"masks\[0\]: expected dtype bool or uint8, got float64"):
        voxels.carve([MASK * 0.5], [POSE], GRID)


def test_an_image_of_everything_that_overflows():
    with pytest.raises(ValueError, match="cameras: expected projections of the grid that are finite numbers"):
        voxels.carve([MASK], [(PINHOLE, POSE)], VoxelGrid([1e308, 0, 1], 1.0, (1, 1, 1)))


def test_grids_beyond_memory_are_named_with_their_size():
    with pytest.raises(ValueError, match=r"grid: expected a size .* got the blocks of \(2000000, .* of 15625000.0 GB"):
        voxels.carve([MASK], [(PINHOLE, POSE)], VoxelGrid([0, 0, 1], 1e-6, (2_000_000,) * 3))


def test_bits_beyond_memory_are_named_with_their_size(monkeypatch):
    """Noise leaves all blocks of the image divided; only their bits are too much."""
    rng = np.random.default_rng(0)
    grid = VoxelGrid([-0.1, -0.1, 0.5], 0.1 / 32, (64, 64, 64))
    monkeypatch.setattr(_memory, "_total", lambda: 1000)
    message = r"grid: expected a size .* got the bits of \d+ blocks of \(64, 64, 64\) voxels"
    with pytest.raises(ValueError, match=message):
        voxels.carve([rng.random((6, 8)) < 0.5], [(PINHOLE, POSE)], grid)


@pytest.mark.parametrize("num_threads", [1, 2])
def test_ctrl_c(num_threads):
    """Pressed once the first block is carved: the last one is not reached."""
    rng = np.random.default_rng(0)
    grid = VoxelGrid([-0.5, -0.5, 1], 1 / 512, (512, 512, 512))
    camera = Camera("PINHOLE", 600, 600, np.array([400.0, 400, 300, 300]))
    call = Call()
    poses = [np.c_[np.eye(3), rng.uniform(-0.01, 0.01, 3)] for _ in range(12)]
    views = [view_of(call, i, rng.random((600, 600)) < 0.5, (camera, pose), grid) for i, pose in enumerate(poses)]
    arguments = [*pack(call, views, grid, num_threads), 1, 6, False]
    blocks = np.arange(64**3)
    bits, states = np.full((len(blocks), 8, 8), 77, np.uint8), np.full(len(blocks), 77, np.uint8)

    def press() -> None:
        while (states[: 64 * num_threads : 64] == 77).any():
            time.sleep(1e-3)
        signal.raise_signal(signal.SIGINT)

    thread = threading.Thread(target=press)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        backend("cpu").voxels.carve_blocks(*arguments, blocks, bits, states, num_threads)
    thread.join()
    assert states[-1] == 77
