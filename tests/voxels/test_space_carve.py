# SPDX-License-Identifier: Apache-2.0
"""Space carving against numpy, against solids that are known, and with input that is wrong."""

from __future__ import annotations

import re

import numpy as np
import pytest

from fastcv import Camera, camera, voxels
from fastcv.synthetic import Material, Scene, Solid, render
from fastcv.voxels import VoxelGrid, _memory, _space_carve_reference

from .conftest import pose_towards

CLAY = Material(("#e0502f", "#3070d8", "#f0f0a0"), grain=0.6, contrast=0.5)


def bowl_scene():
    """A box with a pit in its top that no silhouette shows: four walls around a lower floor."""
    walls = [Solid("box", (s * 0.65, 0, 0), (0.15, 0.8, 0.5), CLAY) for s in (-1, 1)]
    walls += [Solid("box", (0, s * 0.65, 0), (0.8, 0.15, 0.5), CLAY) for s in (-1, 1)]
    return Scene([*walls, Solid("box", (0, 0, -0.3), (0.8, 0.8, 0.2), CLAY)], seed=3)


def inside_bowl(points):
    """Whether points (..., 3) lie in the scene's solids."""
    x, y, z = np.moveaxis(np.abs(points), -1, 0)
    outer = (x <= 0.8) & (y <= 0.8) & (z <= 0.5)
    return outer & ~((x < 0.5) & (y < 0.5) & (points[..., 2] > -0.1))


def photograph(scene, num_views, size, height=2.6, seed=0):
    """Cameras on a circle and one above, their photographs and silhouettes."""
    turns = 2 * np.pi * np.arange(num_views - 1) / (num_views - 1)
    eyes = [(2.4 * np.cos(turn), 2.4 * np.sin(turn), height - 0.8 * (i % 2)) for i, turn in enumerate(turns)]
    pairs, images, masks = [], [], []
    for eye in [*eyes, (0.05, 0.1, 3.5)]:
        pinhole = Camera("PINHOLE", size, size - 6, np.array([1.3 * size, 1.3 * size, size / 2 + 1, size / 2 - 4]))
        pairs.append((pinhole, pose_towards(np.array(eye), np.zeros(3))))
        view = render(scene, *pairs[-1])
        images.append(view.image)
        masks.append(view.mask)
    return images, masks, pairs


@pytest.fixture(scope="module")
def bowl():
    return photograph(bowl_scene(), 13, 150)


def bowl_grid(n):
    """n voxels along its longer sides, none cut by the walls' outer faces."""
    size = 1.92 / n
    return VoxelGrid([-0.96, -0.96, -0.66], size, (round(1.32 / size), n, n))


def centers_of(grid):
    return np.stack([grid.centers(z) for z in range(grid.shape[0])])


def random_scene(seed, num_views, size):
    """Cameras around a grid and noise for photographs, some of it smooth; masks with holes."""
    rng = np.random.default_rng(seed)
    pairs, images, masks = [], [], []
    for i in range(num_views):
        eye = rng.standard_normal(3)
        eye *= (0.3 if i == 3 else 3) / np.linalg.norm(eye)
        width, height = size + 3 * i, size + 5 - i
        pinhole = Camera("PINHOLE", width, height, np.array([1.5 * size, 1.4 * size, width / 2, height / 2]))
        pairs.append((pinhole, pose_towards(eye, rng.uniform(-0.3, 0.3, 3))))
        level = rng.integers(0, 200, 3) if i % 2 else 120
        images.append((level + rng.integers(0, 40, (height, width, 3))).astype(np.uint8))
        y, x = np.indices((height, width))
        disc = (x - width / 2) ** 2 + (y - height / 2) ** 2 < (0.42 * size) ** 2
        masks.append(disc & (rng.random((height, width)) < 0.98))
    return images, masks, pairs


@pytest.mark.parametrize("with_masks", [True, False])
@pytest.mark.parametrize(("seed", "shape", "threshold"), [(0, (9, 12, 11), 30.0), (1, (17, 8, 10), 36.0)])
def test_equals_the_reference(seed, shape, threshold, with_masks, device):
    images, masks, pairs = random_scene(seed, 6, 22)
    grid = VoxelGrid([-0.7, -0.7, -0.7], 1.4 / max(shape), shape)
    gains = np.random.default_rng(seed).uniform(0.9, 1.1, (6, 3))
    start = np.random.default_rng(seed).random(shape) < 0.97
    options = {"threshold": threshold, "slack": 0.9, "min_views": 2, "gains": gains}
    matrices = [pinhole.matrix @ pose for pinhole, pose in pairs]
    for pose in (pose for _, pose in pairs):
        x, y, z = np.floor((-pose[:, :3].T @ pose[:, 3] - grid.origin) / grid.voxel_size).astype(int)
        if all(0 <= i < n for i, n in zip((z, y, x), shape, strict=True)):
            start[z, y, x] = False  # a camera stands there
    used = masks if with_masks else None
    expected = _space_carve_reference.space_carve(images, matrices, grid, start, masks=used, **options)
    hull = voxels.space_carve(
        [device.put(image) for image in images],
        pairs,
        grid,
        masks=[device.put(mask) for mask in masks] if with_masks else None,
        start=voxels.Occupancy.from_dense(start, grid),
        **options,
    )
    np.testing.assert_array_equal(hull.occupancy.to_dense(), expected.occupied)
    assert (hull.rounds, hull.converged) == (expected.rounds, True)
    assert expected.rounds > 3
    assert 0.05 < expected.occupied.sum() / start.sum() < 0.95
    colors = {tuple(v): c for v, c, n in zip(hull.voxels.tolist(), hull.colors, hull.num_views, strict=True) if n}
    assert colors.keys() == expected.colors.keys()
    for voxel, color in expected.colors.items():
        assert np.abs(colors[voxel] - color).max() <= 0.51, voxel  # rounded to levels; sums are of float32


def test_carves_what_silhouettes_cannot_see(bowl):
    images, masks, pairs = bowl
    grid = bowl_grid(48)
    hull = voxels.space_carve(images, pairs, grid, masks=masks)
    silhouettes = voxels.carve(masks, pairs, grid).to_dense()
    kept, centers = hull.occupancy.to_dense(), centers_of(grid)
    x, y, z = np.moveaxis(centers, -1, 0)
    pit = (np.abs(x) < 0.42) & (np.abs(y) < 0.42) & (z > 0.0) & (z < 0.5)
    assert hull.converged
    assert silhouettes[pit & (z < 0.3)].mean() > 0.9
    assert kept[pit].mean() < 0.1
    # Two voxels below the surface all remains; along it, where views of edges differ, little is lost.
    deep = np.all([inside_bowl(centers + 2 * grid.voxel_size * np.array(d)) for d in np.ndindex(2, 2, 2)], axis=0)
    deep &= np.all([inside_bowl(centers - 2 * grid.voxel_size * np.array(d)) for d in np.ndindex(2, 2, 2)], axis=0)
    assert kept[deep].mean() > 0.99
    truth = inside_bowl(centers)
    iou = [(shape & truth).sum() / (shape | truth).sum() for shape in (silhouettes, kept)]
    assert iou[1] > iou[0] + 0.1, iou
