# SPDX-License-Identifier: Apache-2.0
"""Rays in boxes and spheres, against points along them and closed forms."""

from __future__ import annotations

import numpy as np
import pytest

from fastcv.nerf import clip_box, clip_sphere

BOX = np.array([[-1.0, -0.5, 0.2], [0.7, 1.5, 2.0]])
CENTER, RADIUS = np.array([0.2, -0.3, 0.4]), 1.3


def random_rays(count):
    rng = np.random.default_rng(0)
    origins, directions = rng.uniform(-3, 3, (count, 3)), rng.normal(size=(count, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return np.float32(origins), np.float32(directions)


def in_box(points):
    return ((points > BOX[0]) & (points < BOX[1])).all(-1)


def in_sphere(points):
    return np.linalg.norm(points - CENTER, axis=-1) < RADIUS


@pytest.mark.parametrize("shape", ["box", "sphere"])
def test_points_within_the_range_are_within_the_shape(shape, device):
    """And no others, at 2000 places along each ray that are not within 1e-5 of an end."""
    origins, directions = random_rays(300)
    arrays = [device.put(a) for a in (origins, directions)]
    inside = in_box if shape == "box" else in_sphere
    for near, far in ((0.0, np.inf), (0.5, 2.5)):
        if shape == "box":
            found = clip_box(*arrays, BOX, near=near, far=far)
        else:
            found = clip_sphere(*arrays, CENTER, RADIUS, near=near, far=far)
        begin, end = (device.get(a).astype(float)[:, None] for a in found)
        hit = (end > begin)[:, 0]
        assert 20 < hit.sum() < 240
        assert not begin[~hit].any()
        assert not end[~hit].any()
        t = np.linspace(0, 12, 2001)[None]
        points = origins[:, None] + t[..., None] * directions[:, None].astype(float)
        expected = inside(points) & (t > near) & (t < far)
        clear = (np.abs(t - begin) > 1e-5) & (np.abs(t - end) > 1e-5)
        ours = (t > begin) & (t < end)
        # A ray that only scrapes an edge may count as one that misses.
        grazing = ~hit & (expected.sum(1) <= 2)
        np.testing.assert_array_equal(ours[~grazing][clear[~grazing]], expected[~grazing][clear[~grazing]])


def test_along_the_sides_of_a_box():
    origins = np.float32([[0, 0, -3], [0, 1, -3], [0, 1.5, -3], [0, 0, 0], [1, 1, 1], [0, 0, 3]])
    directions = np.tile(np.float32([0, 0, 1]), (6, 1))
    near, far = clip_box(origins, directions, [[-1, -1, -1], [1, 1, 1]])
    np.testing.assert_array_equal(near, [2, 2, 0, 0, 0, 0])
    np.testing.assert_array_equal(far, [4, 4, 0, 1, 0, 0])
    near, far = clip_box(origins, -directions, [[-1, -1, -1], [1, 1, 1]], far=3.5)
    np.testing.assert_array_equal(near, [0, 0, 0, 0, 0, 2])
    np.testing.assert_array_equal(far, [0, 0, 0, 1, 2, 3.5])


def test_lengths_of_directions():
    origins, directions = random_rays(50)
    for clip in (lambda d: clip_box(origins, d, BOX), lambda d: clip_sphere(origins, d, CENTER, RADIUS)):
        one, two = clip(directions), clip(2 * directions)
        np.testing.assert_allclose(np.stack(two) * 2, np.stack(one), rtol=2e-6, atol=1e-6)


def test_far_away():
    """A sphere of 1 from 10^5 away: b^2 - a c would have no digits left in single precision."""
    near, far = clip_sphere(np.float32([[0, 0, -1e5]]), np.float32([[0, 0, 1]]), [0.6, 0, 0], 1.0)
    np.testing.assert_allclose([near[0], far[0]], [1e5 - 0.8, 1e5 + 0.8], rtol=0, atol=0.004)  # half a unit of 1e5


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_misses(bad):
    for place in range(3):
        origins, directions = np.zeros((2, 3), np.float32), np.ones((2, 3), np.float32)
        origins[0, place] = bad
        directions[1, place] = np.nan
        for near, far in (
            clip_box(origins, directions, [[-1] * 3, [1] * 3]),
            clip_sphere(origins, directions, [0] * 3, 1),
        ):
            assert not near.any()
            assert not far.any()


def test_zero_directions_miss():
    zero = np.zeros((1, 3), np.float32)
    for near, far in (clip_box(zero, zero, [[-1] * 3, [1] * 3]), clip_sphere(zero, zero, [0] * 3, 1)):
        assert near == far == 0


def test_threads_layouts_and_sizes():
    origins, directions = random_rays(40_001)
    for run in (clip_box, clip_sphere):
        shape = (BOX,) if run is clip_box else (CENTER, RADIUS)
        one, *others = (np.stack(run(origins, directions, *shape, num_threads=n)) for n in (1, 2, 8))
        for other in others:
            np.testing.assert_array_equal(one, other)
        np.testing.assert_array_equal(np.stack(run(np.asfortranarray(origins), directions, *shape)), one)
        assert run(origins[:0], directions[:0], *shape).near.shape == (0,)


def test_torch():
    torch = pytest.importorskip("torch")
    origins, directions = random_rays(20)
    near, far = clip_box(torch.tensor(origins), torch.tensor(directions), BOX)
    np.testing.assert_array_equal(np.stack([near, far]), np.stack(clip_box(origins, directions, BOX)))


def test_bad_arguments():
    origins, directions = random_rays(4)
    with pytest.raises(ValueError, match=r"^box: expected shape \(2, 3\), got \(6,\)$"):
        clip_box(origins, directions, BOX.ravel())
    with pytest.raises(ValueError, match=r"^box: expected a lowest corner below the highest one, got "):
        clip_box(origins, directions, BOX[::-1])
    with pytest.raises(ValueError, match=r"^near, far: expected near < far, got 2 and 1$"):
        clip_box(origins, directions, BOX, near=2, far=1)
    with pytest.raises(ValueError, match=r"^near, far: expected near < far, got nan and inf$"):
        clip_box(origins, directions, BOX, near=float("nan"))
    with pytest.raises(ValueError, match=r"^center, radius: expected a positive radius around a place, got 0 at "):
        clip_sphere(origins, directions, CENTER, 0)
    with pytest.raises(TypeError, match=r"^origins: expected dtype float32, got float64$"):
        clip_box(origins.astype(float), directions, BOX)
    with pytest.raises(ValueError, match=r"^directions: expected shape \(R, 3\) with R = 4, got \(3, 3\)$"):
        clip_sphere(origins, directions[:3], CENTER, RADIUS)
