# SPDX-License-Identifier: Apache-2.0
"""50 Kinect frames fused at voxels of 1 cm, truncated at 4, and views cast from them: against Open3D and numpy.

Open3D runs with blocks of 8³, the better of its sizes here, and is told how many blocks there will be. Its times hold
the search for blocks, ours too; both hold the making of the volume. ``beyond_before_bytes`` is the most memory that the
process had while a contestant ran, less what it had before. ``updates`` counts voxels times the frames that saw them.
"""

from __future__ import annotations

import importlib
import importlib.metadata
from typing import Any

import numpy as np
from benchmarks._harness import Contest, case
from benchmarks.voxels.tools import installed, kinect, with_memory

from fastcv import voxels
from fastcv.voxels._reference_tsdf import DenseVolume

VOXEL, TRUNCATION, FAR = 0.01, 4.0, 10.0  # metres, voxels, metres
ORIGIN = [-0.5 * VOXEL] * 3  # Open3D's voxels have their samples at whole numbers
VIEWS = range(0, 50, 10)


def fuse(color: bool) -> voxels.TsdfVolume:
    frames = kinect()
    volume = voxels.TsdfVolume(VOXEL, truncation=TRUNCATION * VOXEL, color=color, origin=ORIGIN)
    colors = frames.colors if color else None
    images = (frames.depths, frames.camera, frames.poses)
    volume.integrate(*images, color=colors, depth_scale=0.001, max_depth=FAR)
    return volume


class Open3d:
    """The same by Open3D's VoxelBlockGrid."""

    def __init__(self, color: bool) -> None:
        self.o3d, self.core = installed("open3d"), importlib.import_module("open3d.core")
        self.color = color
        frames, core = kinect(), self.core
        from_centers = frames.camera.matrix - [[0, 0, 0.5], [0, 0, 0.5], [0, 0, 0]]
        self.K = core.Tensor(from_centers)
        self.poses = [core.Tensor(np.r_[pose, [[0, 0, 0, 1.0]]]) for pose in frames.poses]
        as_image = self.o3d.t.geometry.Image
        self.depths = [as_image(core.Tensor(depth)) for depth in frames.depths]
        self.colors = [as_image(core.Tensor(image)) for image in frames.colors]

    def fuse(self) -> Any:
        names, sizes = ("tsdf", "weight", "color"), ((1), (1), (3))
        count = 3 if self.color else 2
        types = (self.core.float32,) * count
        make = self.o3d.t.geometry.VoxelBlockGrid
        grid = make(names[:count], types, sizes[:count], VOXEL, 8, 20_000, self.core.Device("CPU:0"))
        for i, (depth, pose) in enumerate(zip(self.depths, self.poses, strict=True)):
            blocks = grid.compute_unique_block_coordinates(depth, self.K, pose, 1000.0, FAR, TRUNCATION)
            images = [depth, self.colors[i]] if self.color else [depth]
            grid.integrate(blocks, *images, self.K, pose, 1000.0, FAR, TRUNCATION)
        return grid

    def render(self, grid: Any) -> list[np.ndarray]:
        active = grid.hashmap().active_buf_indices().to(self.core.int64)
        blocks = grid.hashmap().key_tensor()[active]
        what = ["depth", "normal", *(["color"] if self.color else [])]
        options = {"depth_scale": 1000.0, "depth_min": 0.1, "depth_max": FAR, "weight_threshold": 1.0}
        views = []
        for i in VIEWS:
            view = grid.ray_cast(blocks, self.K, self.poses[i], 640, 480, what, **options)
            views.append(view["depth"].numpy()[..., 0] / 1000)
        return views


def render(volume: voxels.TsdfVolume) -> list[np.ndarray]:
    frames = kinect()
    return [volume.render(frames.camera, frames.poses[i], min_weight=1, max_depth=FAR).depth for i in VIEWS]


def same_surface(ours: voxels.TsdfVolume, theirs: Any) -> tuple[str, bool]:
    """Crossings of the voxels' edges, those of one at the nearest of the other, along our normal, both ways."""
    spatial = importlib.import_module("scipy.spatial")
    mesh = ours.extract_mesh(min_weight=2)
    normals = np.asarray(mesh.normals)
    points = theirs.extract_point_cloud(weight_threshold=2.0).point.positions.numpy()
    far, here = spatial.KDTree(mesh.vertices).query(points)
    far_back, there = spatial.KDTree(points).query(mesh.vertices)
    along = np.abs(np.sum((points - mesh.vertices[here]) * normals[here], axis=1)) / VOXEL
    along_back = np.abs(np.sum((points[there] - mesh.vertices) * normals, axis=1)) / VOXEL
    ends, shares = [], []
    for distance, off in ((far, along), (far_back, along_back)):
        near = distance < 2 * VOXEL  # the others are parts of the room that the other does not have
        ends.append(np.percentile(off[near], [50, 90]))
        shares.append(near.mean())
    how = " and ".join(f"{p50:.2f}, {p90:.2f}" for p50, p90 in ends)
    covered = " and ".join(f"{share:.1%}" for share in shares)
    ok = max(p90 for _, p90 in ends) < 0.5 and min(shares) > 0.9
    return f"voxels between the surfaces (50, 90 %), both ways: {how}, of the {covered} that both have", ok


def same_views(ours: list[np.ndarray], theirs: list[np.ndarray]) -> tuple[str, bool]:
    """Against what the frames measured there."""
    measured = kinect().depths[VIEWS] * 0.001
    medians, shares = [], []
    for views in (np.stack(ours), np.stack(theirs)):
        both = (views > 0) & (measured > 0) & (measured < FAR)
        medians.append(np.median(np.abs(views - measured)[both]) / VOXEL)
        shares.append((views > 0).mean())
    how = f"median distance to the measured depths {medians[0]:.2f} voxels, theirs {medians[1]:.2f}"
    ok = medians[0] <= medians[1] and shares[0] > 0.9
    return f"{how}; {shares[0]:.1%} of the pixels see a surface, theirs {shares[1]:.1%}", ok


def facts(volume: voxels.TsdfVolume) -> dict[str, float]:
    frames = kinect()
    counts = [len(volume.blocks), float(volume.weights.sum(dtype=np.float64))]
    pixels = frames.depths[0].size * len(frames.depths)
    return {"blocks": counts[0], "updates": counts[1], "frames": len(frames.depths), "pixels": pixels}


def fuse_case(contest: Contest, color: bool) -> None:
    open3d = installed("open3d")
    if not open3d:
        contest.skip("Open3D is not installed")
        return
    contest.note(**facts(fuse(color)), voxel_size=VOXEL, color=color)
    contest.ours(with_memory(lambda: fuse(color)))
    peer = Open3d(color)
    contest.peer("Open3D", open3d.__version__, with_memory(peer.fuse), check=same_surface)


@case
def fuse_kinect(contest: Contest) -> None:
    fuse_case(contest, color=False)


@case
def fuse_kinect_color(contest: Contest) -> None:
    fuse_case(contest, color=True)


@case
def render_kinect(contest: Contest) -> None:
    """Five views with colours and normals."""
    open3d = installed("open3d")
    if not open3d:
        contest.skip("Open3D is not installed")
        return
    volume, peer = fuse(color=True), Open3d(color=True)
    grid = peer.fuse()
    contest.note(views=len(VIEWS), rays=len(VIEWS) * 640 * 480)
    contest.ours(lambda: render(volume))
    contest.peer("Open3D", open3d.__version__, lambda: peer.render(grid), check=same_views)


def same_values(ours: voxels.DenseTsdf, theirs: DenseVolume) -> tuple[str, bool]:
    sure = theirs.doubt > 1e-4
    off = float(np.abs(ours.values - theirs.values)[sure].max())
    same = bool((ours.weights == theirs.weights)[sure].all())
    return (
        f"values differ by at most {off:.1g} m where rounding does not decide, {sure.mean():.1%}",
        same and off < 1e-5,
    )


@case
def fuse_dense_numpy(contest: Contest) -> None:
    """A frame into 160³ voxels in front of it; numpy in float64, every voxel."""
    frames = kinect()
    middle = frames.poses[0][:, :3].T @ ([0, 0, 2] - frames.poses[0][:, 3])
    grid = voxels.VoxelGrid(middle - 0.8, VOXEL, (160, 160, 160))
    depth, color = frames.depths[0].astype(np.float32) / 1000, frames.colors[0]

    def ours() -> voxels.TsdfVolume:
        volume = voxels.TsdfVolume(grid, color=True)
        volume.integrate(depth, frames.camera, frames.poses[0], color=color)
        return volume

    def numpy() -> DenseVolume:
        volume = DenseVolume(grid, TRUNCATION * VOXEL)
        volume.integrate(depth, frames.camera.matrix, frames.poses[0], color)
        return volume

    def check(volume: voxels.TsdfVolume, reference: DenseVolume) -> tuple[str, bool]:
        return same_values(volume.to_dense(), reference)

    contest.note(voxels=grid.num_voxels)
    contest.ours(ours)
    contest.peer("numpy", np.__version__, numpy, check=check)
