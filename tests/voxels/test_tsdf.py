# SPDX-License-Identifier: Apache-2.0
"""Fusion against numpy float64 and closed forms, and that it comes to the same bits in every way of doing it."""

from __future__ import annotations

import numpy as np
import pytest

import fastcv
from fastcv import Camera
from fastcv.voxels import TsdfVolume, VoxelGrid
from fastcv.voxels._reference_tsdf import DenseVolume

from .conftest import CENTER, RADIUS, ball_depth, pose_towards
from .fusion import CAMERA, assert_same, noisy_frames, state

GRID = VoxelGrid(CENTER - 1, 2 / 32, (32, 32, 32))
TRUNCATION = 0.2


@pytest.fixture(scope="module")
def frames():
    return noisy_frames()


def test_equals_the_reference(frames):
    """Where float32 may decide otherwise than float64, within 1e-4 of a border, voxels are left out."""
    depths, poses, colors = frames
    volume = TsdfVolume(GRID, truncation=TRUNCATION, color=True, max_weight=4)
    reference = DenseVolume(GRID, TRUNCATION, max_weight=4)
    for i, (depth, pose, color) in enumerate(zip(depths, poses, colors, strict=True)):
        volume.integrate(depth, CAMERA, pose, color=color, weight=1 + 0.25 * i)
        reference.integrate(depth, CAMERA.matrix, pose, color, 1 + 0.25 * i)
    dense = volume.to_dense()
    sure = reference.doubt > 1e-4
    assert sure.mean() > 0.98
    np.testing.assert_allclose(dense.weights[sure], reference.weights[sure], rtol=1e-6)
    np.testing.assert_allclose(dense.values[sure], reference.values[sure], atol=2e-6)
    np.testing.assert_allclose(dense.colors[sure], reference.colors[sure], atol=0.5 + 1e-3)  # rounded to bytes
    assert (dense.weights == 4).any()
    assert (dense.weights == 0).any()


def test_blocks_come_into_being_where_a_voxel_is_near_a_surface(frames):
    depths, poses, colors = frames
    volume = TsdfVolume(GRID.voxel_size, origin=GRID.origin, truncation=TRUNCATION)
    volume.integrate(depths[0], CAMERA, poses[0])
    reference = DenseVolume(GRID, TRUNCATION)
    seen = reference.integrate(depths[0], CAMERA.matrix, poses[0], colors[0])
    with np.errstate(invalid="ignore"):
        near = seen.updates & (seen.distance <= TRUNCATION)

    def by_block(voxels: np.ndarray) -> set:
        blocks = voxels.reshape(4, 8, 4, 8, 4, 8).any((1, 3, 5))
        return {tuple(block) for block in np.argwhere(blocks)}

    inside = {tuple(b) for b in volume.blocks if ((b >= 0) & (b < 4)).all()}
    assert by_block(near & (seen.doubt > 1e-4)) <= inside <= by_block(near | (seen.doubt <= 1e-4))
    assert 20 < len(inside) < len(volume.blocks)


@pytest.mark.parametrize("tilt", [0.0, 0.4])
def test_distance_to_a_wall(tilt):
    """The plane n x = 2. A pixel's ray is up to half a pixel off the voxel's, which moves its depth by no more than
    its slope along x and y; a wall across the axis has none, and is measured to rounding."""
    normal = np.array([np.sin(tilt), 0, np.cos(tilt)])
    x, y = np.meshgrid(np.arange(90) + 0.5, np.arange(70) + 0.5)
    rays = np.stack([x, y, np.ones_like(x)], -1) @ np.linalg.inv(CAMERA.matrix).T
    depth = (2 / (rays @ normal)).astype(np.float32)
    volume = TsdfVolume(0.04, truncation=0.15)
    volume.integrate(depth, CAMERA, np.eye(3, 4))
    z, y, x = np.moveaxis(0.04 * (8 * volume.blocks[:, None] + np.indices((8, 8, 8)).reshape(3, -1).T + 0.5), -1, 0)
    true = 2 * z / (normal[0] * x + normal[2] * z) - z
    seen = volume.weights.reshape(x.shape) > 0
    error = np.abs(volume.values.reshape(x.shape) - np.minimum(true, np.float32(0.15)))[seen]
    slope = np.abs(np.gradient(depth.astype(np.float64), axis=1)).max()
    assert error.max() <= 0.5 * slope * 1.05 + 1e-6
    assert seen.sum() > 10_000
    assert true[seen].min() < -0.1


def test_weights_of_frames_and_pixels():
    volume = TsdfVolume(VoxelGrid([-0.4, -0.4, 1.6], 0.1, (8, 8, 8)), truncation=0.3)
    wall = np.full((70, 90), 2.0, np.float32)
    per_pixel = np.full((70, 90), 3, np.float32)
    per_pixel[:, :45] = [[[0], [-1], [np.nan], [np.inf], [0]][i % 5] for i in range(70)]
    volume.integrate(wall, CAMERA, np.eye(3, 4), weight=2)
    volume.integrate(wall + np.float32(0.1), CAMERA, np.eye(3, 4), weight=per_pixel)
    dense = volume.to_dense()
    z = 1.65 + 0.1 * np.arange(8)
    column = 80 * (-0.4 + 0.1 * (np.arange(8) + 0.5)) / z[:, None] + 44
    left = column < 45
    first, second = np.minimum(2 - z, 0.3), np.minimum(2.1 - z, 0.3)
    mean = np.where(first >= -0.3, (2 * first + 3 * second) / 5, second)
    counted = np.where(first >= -0.3, 5.0, 3.0)
    for y in range(8):
        np.testing.assert_allclose(
            dense.weights[:, y][left], np.broadcast_to(np.where(first >= -0.3, 2, 0)[:, None], left.shape)[left]
        )
        np.testing.assert_allclose(dense.weights[:, y][~left], np.broadcast_to(counted[:, None], left.shape)[~left])
        np.testing.assert_allclose(
            dense.values[:, y][~left], np.broadcast_to(mean[:, None], left.shape)[~left], atol=1e-6
        )


def test_frames_that_look_through_carve():
    """A thing that stood there for one frame is gone after eight that see the wall behind it."""
    volume = TsdfVolume(0.05)
    thing, wall = np.full((2, 70, 90), 3.0, np.float32)
    thing[20:50, 30:60] = 1.5
    volume.integrate(thing, CAMERA, np.eye(3, 4))
    view = volume.render(CAMERA, np.eye(3, 4))
    np.testing.assert_allclose(view.depth[25:45, 35:55], 1.5, atol=1e-4)  # 2e-3 voxels
    volume.integrate(np.stack([wall] * 8), CAMERA, np.stack([np.eye(3, 4)] * 8))
    view = volume.render(CAMERA, np.eye(3, 4))
    np.testing.assert_allclose(view.depth[5:-5, 5:-5], 3, atol=1e-4)


def test_order_does_not_matter_where_all_blocks_exist(frames):
    depths, poses, _ = frames
    volumes = [TsdfVolume(GRID, truncation=TRUNCATION) for _ in range(2)]
    volumes[0].integrate(depths, CAMERA, poses)
    volumes[1].integrate(depths[::-1], CAMERA, poses[::-1])
    np.testing.assert_array_equal(volumes[0].weights, volumes[1].weights)
    np.testing.assert_allclose(volumes[0].values, volumes[1].values, atol=6 * TRUNCATION * 2**-23)


def test_frame_by_frame_and_many_at_once_and_every_number_of_threads(frames):
    depths, poses, colors = frames
    expected = TsdfVolume(0.05, color=True)
    for depth, pose, color in zip(depths, poses, colors, strict=True):
        expected.integrate(depth, CAMERA, pose, color=color, num_threads=1)
    for num_threads in (1, 2, 5):
        volume = TsdfVolume(0.05, color=True)
        volume.integrate(depths, CAMERA, poses, color=colors, num_threads=num_threads)
        order = np.lexsort(volume.blocks.T), np.lexsort(expected.blocks.T)
        for ours, theirs in zip(state(volume), state(expected), strict=True):
            np.testing.assert_array_equal(ours[order[0]], theirs[order[1]])
        again = TsdfVolume(0.05, color=True)
        again.integrate(depths, CAMERA, poses, color=colors, num_threads=3)
        assert_same(volume, again)
        views = [v.render(CAMERA, poses[0], num_threads=num_threads) for v in (volume, expected)]
        for ours, theirs in zip(*views, strict=True):
            np.testing.assert_array_equal(ours, theirs)


def test_sparse_equals_dense_where_the_first_frame_made_blocks(frames):
    depths, poses, colors = frames
    sparse = TsdfVolume(GRID.voxel_size, origin=GRID.origin, truncation=TRUNCATION, color=True)
    sparse.integrate(depths[0], CAMERA, poses[0], color=colors[0])
    first = len(sparse.blocks)
    sparse.integrate(depths[1:], CAMERA, poses[1:], color=colors[1:])
    dense = TsdfVolume(GRID, truncation=TRUNCATION, color=True)
    dense.integrate(depths, CAMERA, poses, color=colors)
    common = np.flatnonzero(((sparse.blocks[:first] >= 0) & (sparse.blocks[:first] < 4)).all(1))
    z, y, x = sparse.blocks[common].T
    for ours, theirs in zip(state(sparse)[1:], state(dense)[1:], strict=True):
        np.testing.assert_array_equal(ours[common], theirs[(z * 4 + y) * 4 + x])
    assert len(common) > 20
    part = sparse.to_dense(GRID)
    whole = dense.to_dense()
    for block in common:
        here = tuple(slice(8 * b, 8 * b + 8) for b in sparse.blocks[block])
        np.testing.assert_array_equal(part.values[here], whole.values[here])
        np.testing.assert_array_equal(part.colors[here], whole.colors[here])


def test_save_and_restore(frames, tmp_path):
    depths, poses, colors = frames
    volume = TsdfVolume(0.05, truncation=0.15, color=True, origin=[1, 2, 3], max_weight=3)
    volume.integrate(depths[:3], CAMERA, poses[:3], color=colors[:3])
    arrays = {name: getattr(volume, name) for name in ("blocks", "values", "weights", "colors")}
    np.savez(tmp_path / "volume.npz", **arrays)
    with np.load(tmp_path / "volume.npz") as saved:
        options = {"voxels": 0.05, "truncation": 0.15, "origin": [1, 2, 3], "max_weight": 3}
        restored = TsdfVolume.from_arrays(**saved, **options)
    for v in (volume, restored):
        v.integrate(depths[3:], CAMERA, poses[3:], color=colors[3:])
    assert_same(volume, restored)
    dense = TsdfVolume(GRID)
    dense.integrate(depths, CAMERA, poses)
    assert_same(dense, TsdfVolume.from_arrays(dense.blocks, dense.values, dense.weights, voxels=GRID))


def test_mesh(frames):
    """Its vertices lie on the ball as far as a pixel and a voxel let them, and it has the ball's colour."""
    _, poses, _ = frames
    exact = np.stack([ball_depth(CAMERA, pose) for pose in poses])
    color = np.broadcast_to(np.array([10, 250, 99], np.uint8), (6, 70, 90, 3))
    volume = TsdfVolume(0.05, color=True)
    volume.integrate(exact, CAMERA, poses, color=color)
    mesh = volume.extract_mesh()
    off = np.abs(np.linalg.norm(mesh.vertices - CENTER, axis=1) - RADIUS)
    assert np.percentile(off, 90) < 0.025  # half a voxel
    assert len(mesh.faces) > 2000
    assert (mesh.colors == [10, 250, 99]).all()
    outward = ((mesh.vertices - CENTER) * mesh.normals).sum(1) / np.linalg.norm(mesh.vertices - CENTER, axis=1)
    assert np.median(outward) > 0.95
    fewer = volume.extract_mesh(min_weight=3)
    assert 0 < len(fewer.faces) < len(mesh.faces)


def test_depths_that_say_nothing():
    depth = np.full((70, 90), 2, np.float32)
    bad = depth.copy()
    bad[10:40, 20:60] = np.array([0, -1, np.nan, np.inf, -np.inf, 1e30, 5.5, 1e-40, -0.0, 6], np.float32).repeat(4)
    volume, expected = TsdfVolume(0.05), TsdfVolume(0.05)
    volume.integrate(bad, CAMERA, np.eye(3, 4), max_depth=5)
    bad[10:40, 20:60] = 0
    expected.integrate(bad, CAMERA, np.eye(3, 4))
    tiny = (volume.blocks == 0).all(1) | (np.abs(volume.blocks + 0.5) < 1).all(1)  # 1e-40 lies at the camera
    assert len(volume.blocks[~tiny]) == len(expected.blocks)
    order = np.lexsort(volume.blocks[~tiny].T), np.lexsort(expected.blocks.T)
    np.testing.assert_array_equal(volume.values[~tiny][order[0]], expected.values[order[1]])
    none = TsdfVolume(0.05)
    none.integrate(np.full((70, 90), np.nan, np.float32), CAMERA, np.eye(3, 4))
    assert len(none.blocks) == 0
    assert not none.render(CAMERA, np.eye(3, 4)).depth.any()


def test_millimetres_and_strided_frames(frames):
    depths, poses, _ = frames
    millimetres = np.nan_to_num(1000 * depths).astype(np.uint16)
    wide = np.zeros((6, 70, 180), np.uint16)
    wide[:, :, ::2] = millimetres
    volumes = [TsdfVolume(0.05) for _ in range(3)]
    volumes[0].integrate(np.float32(millimetres) * np.float32(0.001), CAMERA, poses)
    volumes[1].integrate(millimetres, CAMERA, poses, depth_scale=0.001)
    wide.flags.writeable = False
    volumes[2].integrate(wide[:, :, ::2], CAMERA, poses, depth_scale=0.001)
    assert_same(volumes[0], volumes[1])
    assert_same(volumes[0], volumes[2])


def test_devices(frames, device):
    """The same blocks in the same order, and the same bits in them."""
    depths, poses, colors = frames
    expected, volume = TsdfVolume(0.05, color=True), TsdfVolume(0.05, color=True)
    expected.integrate(depths, CAMERA, poses, color=colors)
    volume.integrate(device.put(depths), CAMERA, poses, color=device.put(colors))
    for ours, theirs in zip(state(volume), state(expected), strict=True):
        np.testing.assert_array_equal(device.get(ours), theirs)
    view, expected_view = (v.render(CAMERA, poses[0]) for v in (volume, expected))
    np.testing.assert_allclose(
        device.get(view.depth), expected_view.depth, atol=1e-5
    )  # where roots are rounded otherwise


def test_torch_frames(frames):
    torch = pytest.importorskip("torch")
    depths, poses, colors = frames
    expected, volume = TsdfVolume(0.05, color=True), TsdfVolume(0.05, color=True)
    expected.integrate(depths, CAMERA, poses, color=colors)
    volume.integrate(torch.from_numpy(depths), CAMERA, poses, color=torch.from_numpy(colors))
    assert isinstance(volume.values, torch.Tensor)
    for ours, theirs in zip(state(volume), state(expected), strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs)
    for ours, theirs in zip(volume.render(CAMERA, poses[0]), expected.render(CAMERA, poses[0]), strict=True):
        np.testing.assert_array_equal(ours.numpy(), theirs)
    with pytest.raises(TypeError, match="expected a torch array as the arguments before it, got numpy"):
        volume.integrate(depths, CAMERA, poses, color=colors)


def test_lens_distortion():
    """A ball drawn through a fisheye lens: its surface is where the ball is, up to what a pixel and a voxel span."""
    lens = Camera("OPENCV_FISHEYE", 90, 70, np.array([80.0, 85, 44, 36, -0.1, 0.02, 0, 0]))
    x, y = np.meshgrid(np.arange(90) + 0.5, np.arange(70) + 0.5)
    rays = fastcv.camera.unproject(np.stack([x, y], -1).reshape(-1, 2), lens).reshape(70, 90, 3)
    rays /= rays[..., 2:]
    volume = TsdfVolume(0.04)
    rng = np.random.default_rng(5)
    for direction in rng.standard_normal((5, 3)):
        pose = pose_towards(CENTER + 2.5 * direction / np.linalg.norm(direction), CENTER)
        center = pose[:, :3] @ CENTER + pose[:, 3]
        a, b, c = (rays**2).sum(-1), rays @ center, center @ center - RADIUS**2
        with np.errstate(invalid="ignore"):
            volume.integrate(((b - np.sqrt(b**2 - a * c)) / a).astype(np.float32), lens, pose)
    view = volume.render(lens, pose)
    hit = view.depth > 0
    points = (rays * view.depth[..., None] - pose[:, 3]) @ pose[:, :3]
    off = np.abs(np.linalg.norm(points - CENTER, axis=-1) - RADIUS)[hit]
    assert np.median(off) < 0.004
    assert hit.sum() > 1000


def test_kinect_sequence(kinect):
    """Real frames: the surface lies where most of the frames saw it."""
    volume = TsdfVolume(0.02)
    volume.integrate(kinect.depths, kinect.camera, kinect.poses, max_depth=10)
    view = volume.render(kinect.camera, kinect.poses[3])
    measured = kinect.depths[3]
    both = (view.depth > 0) & (measured > 0) & (measured < 10)
    assert both.mean() > 0.6
    assert np.median(np.abs(view.depth - measured)[both]) < 0.01  # half a voxel
