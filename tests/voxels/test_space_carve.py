# SPDX-License-Identifier: Apache-2.0
"""Space carving against numpy, against solids that are known, and with input that is wrong."""

from __future__ import annotations

import re

import numpy as np
import pytest

from fastcv import Camera, io, voxels
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


def photograph(scene, num_views, size, model="PINHOLE"):
    """Cameras on a circle and one above, their photographs and silhouettes."""
    turns = 2 * np.pi * np.arange(num_views - 1) / (num_views - 1)
    eyes = [(2.4 * np.cos(turn), 2.4 * np.sin(turn), 2.6 - 0.8 * (i % 2)) for i, turn in enumerate(turns)]
    pairs, images, masks = [], [], []
    for eye in [*eyes, (0.05, 0.1, 3.5)]:
        lens = [1.3 * size, 1.3 * size, size / 2 + 1, size / 2 - 4]
        lens = lens if model == "PINHOLE" else [*lens[1:], 0.15]
        pairs.append((Camera(model, size, size - 6, np.array(lens)), pose_towards(np.array(eye), np.zeros(3))))
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


def pit_of(grid):
    """Voxels well within the pit, and those at least two voxels below the solids' surface."""
    centers = centers_of(grid)
    x, y, z = np.moveaxis(centers, -1, 0)
    pit = (np.abs(x) < 0.42) & (np.abs(y) < 0.42) & (z > 0.0) & (z < 0.5)
    corners = 2 * grid.voxel_size * (2 * np.array(list(np.ndindex(2, 2, 2))) - 1)
    return pit, np.all([inside_bowl(centers + corner) for corner in corners], axis=0)


def test_carves_what_silhouettes_cannot_see(bowl):
    images, masks, pairs = bowl
    grid = bowl_grid(48)
    hull = voxels.space_carve(images, pairs, grid, masks=masks)
    silhouettes, kept = voxels.carve(masks, pairs, grid).to_dense(), hull.occupancy.to_dense()
    pit, deep = pit_of(grid)
    assert hull.converged
    assert silhouettes[pit].mean() > 0.99
    assert kept[pit].mean() < 0.05
    assert kept[deep].all()
    assert silhouettes[kept].all()
    truth = inside_bowl(centers_of(grid))
    assert kept[truth].mean() > 0.99
    iou = [(shape & truth).sum() / (shape | truth).sum() for shape in (silhouettes, kept)]
    assert iou[1] > iou[0] + 0.1, iou
    assert np.abs(np.log(hull.gains)).max() < 0.06  # the photographs are equally exposed


def test_result_renders_as_the_photographs(bowl):
    images, masks, pairs = bowl
    hull = voxels.space_carve(images, pairs, bowl_grid(64), masks=masks)
    for image, mask, pair in list(zip(images, masks, pairs, strict=True))[::4]:
        picture, shown = hull.render(pair)
        assert (shown & mask).sum() / (shown | mask).sum() > 0.95
        both = shown & mask
        # A voxel is 1.5 pixels: edges of the texture blur.
        assert np.median(np.abs(picture[both].astype(int) - image[both])) < 12


def test_exposures_do_not_carve(bowl):
    images, masks, pairs = bowl
    exposures = np.random.default_rng(0).uniform(0.6, 1.0, (len(images), 1)) * [1.0, 0.95, 0.9]
    darker = [np.rint(image * exposure).astype(np.uint8) for image, exposure in zip(images, exposures, strict=True)]
    grid = bowl_grid(40)
    pit, deep = pit_of(grid)
    hull = voxels.space_carve(darker, pairs, grid, masks=masks)
    product = hull.gains * exposures
    assert np.abs(np.log(product / np.exp(np.log(product).mean(0)))).max() < 0.05
    kept = hull.occupancy.to_dense()
    assert kept[deep].mean() > 0.999
    assert kept[pit].mean() < 0.1
    ignored = voxels.space_carve(darker, pairs, grid, masks=masks, gains=np.ones(len(images))).occupancy.to_dense()
    assert ignored[deep].mean() < 0.9
    known = voxels.space_carve(darker, pairs, grid, masks=masks, gains=1 / exposures).occupancy.to_dense()
    assert known[deep].mean() > 0.99


def test_what_stands_in_front_hides():
    """A wall and a block before it, both to remain: without the block its colour would be taken for the wall's."""
    grid = VoxelGrid([-1, -1, -0.5], 1 / 16, (16, 32, 32))
    wall_color, block_color = (Material((color, color, color), contrast=0.05) for color in ("#30a040", "#e03020"))
    wall = Solid("box", (0, 0, -0.375), (0.875, 0.875, 0.125), wall_color)
    block = Solid("box", (0, 0, 0.25), (0.25, 0.25, 0.125), block_color)
    images, pairs = [], []
    for eye in [(0.1, 0.2, 4.0), (2.0, 0, 3.5), (-2.0, 0.3, 3.5), (0.2, 2.2, 3.5), (0, -2.0, 3.5)]:
        pinhole = Camera("PINHOLE", 120, 120, np.array([170.0, 170, 60, 60]))
        pairs.append((pinhole, pose_towards(np.array(eye), np.zeros(3))))
        images.append(render(Scene([wall, block]), *pairs[-1]).image)
    x, y, z = np.moveaxis(centers_of(grid), -1, 0)
    is_wall = (np.abs(x) < 0.875) & (np.abs(y) < 0.875) & (z < -0.25)
    is_block = (np.abs(x) < 0.25) & (np.abs(y) < 0.25) & (z > 0.125) & (z < 0.375)
    both, alone = (voxels.Occupancy.from_dense(dense, grid) for dense in (is_wall | is_block, is_wall))
    options = {"threshold": 25.0, "gains": np.ones(5)}
    kept = voxels.space_carve(images, pairs, grid, start=both, **options).occupancy.to_dense()
    assert kept[is_block].mean() > 0.95
    assert kept[is_wall].mean() > 0.99
    exposed = voxels.space_carve(images, pairs, grid, start=alone, **options).occupancy.to_dense()
    hidden_somewhere = is_wall & (np.abs(x) < 0.3) & (np.abs(y) < 0.3) & (z > -0.3)
    assert kept[hidden_somewhere].mean() > 0.95
    assert exposed[hidden_somewhere].mean() < 0.2


def test_silhouettes_stay_filled():
    """Noise for photographs: all is inconsistent, and what remains still covers every foreground pixel."""
    images, _, pairs = random_scene(7, 5, 40)
    rng = np.random.default_rng(7)
    images = [rng.integers(0, 255, image.shape).astype(np.uint8) for image in images]
    del images[3], pairs[3]  # the camera within the grid
    grid = VoxelGrid([-0.8, -0.8, -0.8], 0.05, (32, 32, 32))
    masks = []
    for camera, _ in pairs:
        y, x = np.indices((camera.height, camera.width))
        masks.append((x - camera.width / 2) ** 2 + (y - camera.height / 2) ** 2 < 13**2)
    hull = voxels.space_carve(images, pairs, grid, masks=masks, threshold=0.0, slack=0.0, min_views=2)
    start = voxels.carve(masks, pairs, grid)
    assert hull.converged
    assert hull.occupancy.num_occupied < 0.9 * start.num_occupied
    for mask, pair in zip(masks, pairs, strict=True):
        before, after = (voxels.render_voxels(occupancy, pair)[0] >= 0 for occupancy in (start, hull.occupancy))
        np.testing.assert_array_equal(after & mask, before & mask)


@pytest.mark.parametrize("num_threads", [1, 3])
def test_same_bits_for_every_number_of_threads(bowl, num_threads):
    images, masks, pairs = bowl
    grid = bowl_grid(32)
    first, second = (voxels.space_carve(images, pairs, grid, masks=masks, num_threads=n) for n in (2, num_threads))
    np.testing.assert_array_equal(first.occupancy.bits, second.occupancy.bits)
    np.testing.assert_array_equal(first.occupancy.states, second.occupancy.states)
    for name in ("voxels", "colors", "num_views", "gains"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))


def test_other_forms_of_images(bowl):
    images, masks, pairs = ([*views[:5]] for views in bowl)
    grid = bowl_grid(24)
    expected = voxels.space_carve(images, pairs, grid, masks=masks)
    torch = pytest.importorskip("torch")
    scales = np.array([1, -2, 0.1, -1, 3])[:, None, None]
    matrices = scales * np.stack([pinhole.matrix @ pose for pinhole, pose in pairs])
    stacked = np.stack(images)
    stacked.flags.writeable = False
    wide = np.repeat(stacked, 2, axis=2)[:, :, ::2]
    for other, cameras, silhouettes in [
        (stacked, matrices, np.stack(masks)),
        (wide, pairs, masks),
        ([image.astype(np.float32) / np.float32(255) for image in images], pairs, masks),
        ([torch.from_numpy(image) for image in images], pairs, [torch.from_numpy(mask) for mask in masks]),
    ]:
        hull = voxels.space_carve(other, cameras, grid, masks=silhouettes)
        np.testing.assert_array_equal(hull.occupancy.bits, expected.occupancy.bits)
        np.testing.assert_array_equal(hull.colors, expected.colors)


def test_lens_distortion():
    images, masks, pairs = photograph(bowl_scene(), 13, 150, "SIMPLE_RADIAL")
    grid = bowl_grid(32)
    kept = voxels.space_carve(images, pairs, grid, masks=masks).occupancy.to_dense()
    pit, deep = pit_of(grid)
    assert kept[pit].mean() < 0.1
    assert kept[deep].mean() > 0.99


def test_camera_within_the_volume(bowl):
    """Its own voxel is empty; it sees nothing but what is around, of which no other knows."""
    images, _, pairs = bowl
    grid = bowl_grid(24)
    pairs = [(pairs[0][0], np.c_[np.eye(3), [0, 0, 0.04]]), *pairs[1:3]]
    hull = voxels.space_carve(images[:3], pairs, grid, threshold=1e3)
    empty = np.argwhere(~hull.occupancy.to_dense())
    np.testing.assert_array_equal(empty, [np.floor((np.array([0, 0, -0.04]) - grid.origin) / grid.voxel_size)[::-1]])


def test_nobody_sees_anything(bowl):
    images, _, pairs = bowl
    grid = bowl_grid(16)
    away = [(pinhole, np.diag([-1.0, 1, -1]) @ pose) for pinhole, pose in pairs]
    full = voxels.Occupancy.from_dense(np.ones(grid.shape, bool), grid)
    for start in (None, full, voxels.Occupancy.from_dense(np.zeros(grid.shape, bool), grid)):
        hull = voxels.space_carve(images, away, grid, start=start)
        assert hull.occupancy.num_occupied == (full if start is None else start).num_occupied
        assert hull.converged
        assert not hull.num_views.any()
        assert not hull.colors.any()
        np.testing.assert_array_equal(hull.gains, 1.0)


def test_unseen_voxels_take_their_neighbours_colour(bowl):
    images, masks, pairs = bowl
    hull = voxels.space_carve(images, pairs, bowl_grid(24), masks=masks)
    unseen = hull.num_views == 0
    assert unseen.sum() > 50  # the bottom
    assert hull.colors[unseen].any(1).all()
    surface = np.zeros(hull.occupancy.shape, bool)
    surface[tuple(hull.voxels.T)] = True
    assert (hull.occupancy.to_dense()[surface]).all()
    z, y, x = hull.voxels[0]
    np.testing.assert_allclose(hull.points[0], hull.occupancy.grid.centers(z)[y, x])


def test_rounds_are_limited_and_reported(bowl):
    images, masks, pairs = bowl
    grid = bowl_grid(24)
    seen = []
    whole = voxels.space_carve(images, pairs, grid, masks=masks, progress=lambda *round_: seen.append(round_))
    start = voxels.carve(masks, pairs, grid).num_occupied
    assert [number for number, _ in seen] == list(range(1, whole.rounds + 1))
    assert seen[-1][1] == 0
    assert sum(taken for _, taken in seen) == start - whole.occupancy.num_occupied
    part = voxels.space_carve(images, pairs, grid, masks=masks, max_rounds=3)
    assert (part.rounds, part.converged) == (3, False)
    assert part.occupancy.num_occupied == start - sum(taken for _, taken in seen[:3])


@pytest.fixture(scope="module")
def temple(data_dir):
    """Photographs, silhouettes (stone is redder than blue, the cloth behind it is not) and matrices."""
    cv2 = pytest.importorskip("cv2")
    folder = data_dir / "mvs" / "templeSparseRing"
    images, masks, matrices = [], [], []
    for photo in io.read_middlebury(folder / "templeSR_par.txt"):
        images.append(io.read_photo(folder / photo.name))
        matrices.append(Camera("PINHOLE", 640, 480, photo.params).matrix @ photo.cam_from_world)
        stone = images[-1][..., 0].astype(int) - images[-1][..., 2] >= 26
        masks.append(cv2.morphologyEx(stone.astype(np.uint8), cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8)))
    return images, masks, matrices


def test_temple(temple):
    images, masks, matrices = temple
    low, high = np.array([-0.0766, 0.0187, -0.0154]), np.array([0.0319, 0.1849, 0.0657])  # of its README, and 3 mm more
    size = 0.002
    grid = VoxelGrid(low, size, tuple(np.ceil((high - low) / size).astype(int).tolist()[::-1]))
    hull = voxels.space_carve(images, matrices, grid, masks=masks)
    silhouettes = voxels.carve(masks, matrices, grid)
    assert hull.converged
    assert 0.7 < hull.occupancy.num_occupied / silhouettes.num_occupied < 0.95
    for image, mask, matrix, gain in zip(images, masks, matrices, hull.gains, strict=True):
        picture, shown = hull.render(matrix, size=mask.shape)
        assert (shown & (mask > 0)).sum() / (shown | (mask > 0)).sum() > 0.93
        both = shown & (mask > 0)
        assert np.median(np.abs(picture[both] / gain - image[both])) < 18  # a voxel is five pixels


PINHOLE = Camera("PINHOLE", 8, 6, np.array([5.0, 5, 4, 3]))
GRID = VoxelGrid([-1, -1, 1], 0.5, (4, 4, 4))
IMAGE, MASK, POSE = np.zeros((6, 8, 3), np.uint8), np.ones((6, 8), bool), np.eye(3, 4)
PAIR = (PINHOLE, POSE)


@pytest.mark.parametrize(
    ("images", "cameras", "options", "message"),
    [
        ([], [], {}, "images: expected at least one, got none"),
        ([IMAGE], [], {}, "cameras: expected one per image (1), got 0"),
        ([IMAGE], [PAIR], {"masks": []}, "masks: expected one per image (1), got 0"),
        ([IMAGE[:5]], [PAIR], {}, "images[0]: expected its camera's size (6, 8), got (5, 8)"),
        ([IMAGE[..., 0]], [PAIR], {}, "images[0]: expected shape (*, *, 3), got (6, 8)"),
        ([IMAGE[:0]], [POSE], {}, "images[0]: expected at least one pixel, got shape (0, 8, 3)"),
        ([IMAGE], [PAIR], {"masks": [MASK[:5]]}, "masks[0]: expected its image's size (6, 8), got shape (5, 8)"),
        ([np.full((6, 8, 3), np.nan, np.float32)], [PAIR], {}, "images[0]: expected values in [0, 1], got NaN"),
        ([np.full((6, 8, 3), 1.5, np.float32)], [PAIR], {}, "images[0]: expected values in [0, 1], got 1.5 to 1.5"),
        ([IMAGE], [(PINHOLE, 2 * POSE)], {}, "cameras[0]: expected a rotation and a translation"),
        ([IMAGE], [np.zeros((3, 4))], {}, "cameras[0]: expected a matrix whose left 3x3 part is not singular"),
        ([IMAGE], [PAIR], {"threshold": -1.0}, "threshold: expected a finite number, 0 or more, got -1.0"),
        ([IMAGE], [PAIR], {"slack": np.nan}, "slack: expected a finite number, 0 or more, got nan"),
        ([IMAGE], [PAIR], {"min_views": 1}, "min_views: expected 2 or more, got 1"),
        ([IMAGE], [PAIR], {"max_rounds": 0}, "max_rounds: expected 1 or more, got 0"),
        ([IMAGE], [PAIR], {"gains": [1.0, 2]}, "gains: expected shape (1,) or (1, 3), got (2,)"),
        ([IMAGE], [PAIR], {"gains": [0.0]}, "gains: expected positive finite numbers, got [0.0]"),
        ([IMAGE], [PAIR], {"num_threads": -1}, "num_threads: expected 0 (default) or more, got -1"),
    ],
)
def test_bad_values(images, cameras, options, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        voxels.space_carve(images, cameras, GRID, **options)


def test_bad_types():
    with pytest.raises(TypeError, match=r"images\[0\]: expected dtype uint8 or float32, got float64"):
        voxels.space_carve([IMAGE.astype(float)], [PAIR], GRID)
    with pytest.raises(TypeError, match=r"masks\[0\]: expected dtype bool or uint8, got float64"):
        voxels.space_carve([IMAGE], [PAIR], GRID, masks=[MASK * 0.5])


def test_start_on_another_grid():
    start = voxels.Occupancy.from_dense(np.ones((4, 4, 5), bool), VoxelGrid([-1, -1, 1], 0.5, (4, 4, 5)))
    with pytest.raises(ValueError, match=r"start: expected an occupancy of the grid .*\(4, 4, 4\).*\(4, 4, 5\)"):
        voxels.space_carve([IMAGE], [PAIR], GRID, start=start)


def test_sizes_beyond_memory_are_named(monkeypatch):
    with pytest.raises(ValueError, match=r"grid: expected a size .* got the voxels \(2000000, .* of .* GB"):
        voxels.space_carve([IMAGE], [PAIR], VoxelGrid([0, 0, 1], 1e-6, (2_000_000,) * 3))
    monkeypatch.setattr(_memory, "_total", lambda: 800)
    with pytest.raises(ValueError, match=r"images: expected a size .* got the pixels of 1 photographs and \(4, 4, 4\)"):
        voxels.space_carve([IMAGE], [PAIR], GRID)
