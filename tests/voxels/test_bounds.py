# SPDX-License-Identifier: Apache-2.0
"""The box around silhouettes: it holds the hull and not much more; what does not bound one; bad input."""

from __future__ import annotations

import numpy as np
import pytest

from fastcv import Camera, camera, io, voxels

from .conftest import CENTER, RADIUS, Scene, pose_towards


def test_the_box_holds_the_ball(ball: Scene) -> None:
    low, high = voxels.hull_bounds(ball.masks, ball.pairs)
    assert (low <= CENTER - RADIUS).all()
    assert (high >= CENTER + RADIUS).all()
    # Seven cones leave corners around the ball: of the hull at 128³ the box is 1.73 times as wide as the ball at most.
    assert np.ptp([low, high], axis=0).max() < 2 * RADIUS * 1.8


def test_it_is_little_larger_than_the_hull(ball: Scene) -> None:
    low, high = voxels.hull_bounds(ball.masks, ball.matrices)
    size = np.ptp([low, high], axis=0).max() / 96
    grid = voxels.VoxelGrid(low - 8 * size, size, (112, 112, 112))
    kept = np.argwhere(voxels.carve(ball.masks, ball.matrices, grid).to_dense())[:, ::-1]
    found = low - 8 * size + size * np.array([kept.min(0), kept.max(0) + 1])
    assert (low <= found[0] + size).all()
    assert (high >= found[1] - size).all()
    assert (np.ptp([low, high], axis=0) < 1.15 * np.ptp(found, axis=0)).all()


def test_scale_and_sign_of_matrices_do_not_count(ball: Scene) -> None:
    expected = voxels.hull_bounds(ball.masks, ball.pairs)
    factors = np.array([1, -1, 7, -0.01, 1, -1e3, 1])[:, None, None]
    np.testing.assert_allclose(voxels.hull_bounds(ball.masks, factors * ball.matrices), expected, atol=1e-9)


def test_the_dinosaur(data_dir) -> None:
    """Against the hull at 256³ in the cube that the data's README gives, whose floor cuts the feet."""
    folder = data_dir / "silhouettes" / "vgg_dino36"
    P = io.read_projections(folder / "P.txt")
    masks = [io.read_photo(path)[:, :, 0] for path in sorted((folder / "masks").glob("*.png"))]
    low, high = voxels.hull_bounds(masks, P)
    grid = voxels.VoxelGrid([-0.1, -0.1, -0.72], 0.2 / 256, (256, 256, 256))
    kept = np.argwhere(voxels.carve(masks, P, grid).to_dense())[:, ::-1]
    corners = np.asarray(grid.origin) + grid.voxel_size * np.array([kept.min(axis=0), kept.max(axis=0) + 1])
    np.testing.assert_allclose([low[0], low[1]], corners[0, :2], atol=0.004)
    np.testing.assert_allclose(high, corners[1], atol=0.004)
    assert low[2] < -0.72


def test_violations_make_room(ball: Scene) -> None:
    masks = [mask.copy() for mask in ball.masks]
    masks[3][:, : masks[3].shape[1] // 2] = False
    strict, forgiving = (voxels.hull_bounds(masks, ball.pairs, max_violations=k) for k in (0, 1))
    assert np.prod(np.ptp(strict, axis=0)) < 0.8 * np.prod(np.ptp(forgiving, axis=0))
    assert (forgiving[0] <= CENTER - RADIUS).all()
    assert (forgiving[1] >= CENTER + RADIUS).all()


def test_a_lens_with_distortion(ball: Scene) -> None:
    bent, masks = [], []
    for mask, (pinhole, pose) in zip(ball.masks, ball.pairs, strict=True):
        lens = Camera("SIMPLE_RADIAL", pinhole.width, pinhole.height, [250.0, *pinhole.params[2:], -0.1])
        y, x = np.mgrid[: lens.height, : lens.width] + 0.5
        rays = camera.unproject(np.stack([x, y], -1).reshape(-1, 2), lens)
        center = pose[:, :3] @ CENTER + pose[:, 3]
        rays /= np.linalg.norm(rays, axis=1, keepdims=True)
        masks.append((np.linalg.norm(center - (rays @ center)[:, None] * rays, axis=1) <= RADIUS).reshape(mask.shape))
        bent.append((lens, pose))
    expected = voxels.hull_bounds(ball.masks, ball.pairs)
    # A pixel at the ball's distance of 4 is 4 / 250 wide, a voxel of the coarse carving about as much.
    np.testing.assert_allclose(voxels.hull_bounds(masks, bent), expected, atol=0.06)


def test_what_bounds_no_box(ball: Scene) -> None:
    with pytest.raises(ValueError, match="expected silhouettes whose viewing cones bound a box, got cones that leave"):
        voxels.hull_bounds(ball.masks[:1], ball.pairs[:1])
    full = [np.ones_like(mask) for mask in ball.masks]
    with pytest.raises(ValueError, match="expected silhouettes whose viewing cones bound a box"):
        voxels.hull_bounds(full, ball.pairs)
    eye = CENTER + [0, 0, 30.0]
    apart = [*ball.pairs[:6], (ball.pairs[6][0], pose_towards(eye, eye + [1.0, 0.3, 0.1]))]
    with pytest.raises(ValueError, match="expected silhouettes of one object, got viewing cones that have nothing in"):
        voxels.hull_bounds(ball.masks, apart)


def test_bad_input(ball: Scene) -> None:
    with pytest.raises(ValueError, match="masks: expected at least one, got none"):
        voxels.hull_bounds([], [])
    with pytest.raises(ValueError, match=r"cameras: expected one per mask \(7\), got 6"):
        voxels.hull_bounds(ball.masks, ball.pairs[:6])
    with pytest.raises(ValueError, match=r"masks\[0\]: expected foreground, got none"):
        voxels.hull_bounds([np.zeros_like(ball.masks[0]), *ball.masks[1:]], ball.pairs)
    with pytest.raises(ValueError, match=r"masks\[0\]: expected shape \(H, W\), got \(5,\)"):
        voxels.hull_bounds([np.ones(5, bool), *ball.masks[1:]], ball.pairs)
    with pytest.raises(
        ValueError, match=r"masks\[0\]: expected its camera's size \(141, 150\), got shape \(150, 163\)"
    ):
        voxels.hull_bounds([ball.masks[1], *ball.masks[1:]], ball.pairs)
    with pytest.raises(ValueError, match=r"cameras\[2\]: expected a matrix whose left 3x3 part is not singular"):
        voxels.hull_bounds(ball.masks, ball.matrices * (np.arange(7) != 2)[:, None, None])
    skewed = (ball.pairs[1][0], 2 * ball.pairs[1][1])
    with pytest.raises(ValueError, match=r"cameras\[1\]: expected a rotation and a translation"):
        voxels.hull_bounds(ball.masks, [ball.pairs[0], skewed, *ball.pairs[2:]])
