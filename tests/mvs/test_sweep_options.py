# SPDX-License-Identifier: Apache-2.0
"""Census and gradient costs, slanted planes, ranges per pixel, masks, weights and image types of the plane sweep."""

from __future__ import annotations

import numpy as np
import pytest

from fastcv import mvs
from fastcv.mvs import _sweep_reference

from .conftest import NORMAL, OFFSET, K

DEPTHS = mvs.inverse_depth_planes(2.5, 8.0, 24)
ONES = np.ones((61, 80), np.float32)
COSTS = [("ncc", 5), ("sad", 1), ("sad", 5), ("census", 5), ("gradient", 5)]


def range_of(scene, num=7):
    """Surfaces within 10 % of the true depth."""
    depth = scene.depths[0].astype(np.float32)
    return mvs.DepthRange(depth * np.float32(0.9), depth * np.float32(1.1), num)


def compare(views, depths, **options):
    """Our costs and the reference's, seen at the same pixels."""
    shape = (len(_sweep_reference.inverse_depths(views[0], depths)), *views[0].image.shape[:2])
    num_seen = np.full(shape, 99, np.uint8)
    costs = mvs.plane_sweep(views[0], views[1:], depths, num_seen=num_seen, **options)
    expected, expected_seen = _sweep_reference.plane_sweep(views[0], views[1:], depths, **options)
    return costs, expected, num_seen, expected_seen


def on_the_grid(rng, window_of_levels=(0, 256), mask=None):
    """Views that see each other at whole pixels: nothing is rounded, so that every decision is exact."""
    grid_K = np.array([[64.0, 0, 35], [0, 64.0, 25], [0, 0, 1]])
    images = [rng.integers(*window_of_levels, (50, 70), np.uint8) for _ in range(4)]
    shifts = ([0, 0, 0], [0.25, 0.125, 0], [-0.25, 0, 0], [0, 0.5, 0])
    masks = [None] * 4 if mask is None else mask
    return [
        mvs.View(image, grid_K, np.c_[np.eye(3), shift], m)
        for image, shift, m in zip(images, shifts, masks, strict=True)
    ]


GRID_DEPTHS = [1.0, 2.0, 4.0, 8.0]  # disparities of multiples of 1 and 2 px
FLOAT32 = 1e-5


@pytest.mark.parametrize("num_best", [1, 2, 3])
@pytest.mark.parametrize("weights", [None, [0.5, 2.0, 1.0]])
@pytest.mark.parametrize(("cost", "window"), [*COSTS, ("census", 3), ("census", 9), ("gradient", 1), ("gradient", 31)])
def test_costs_of_whole_pixels_are_exact(cost, window, weights, num_best):
    views = on_the_grid(np.random.default_rng(0))
    costs, expected, num_seen, expected_seen = compare(
        views, GRID_DEPTHS, cost=cost, window=window, weights=weights, num_best=num_best
    )
    np.testing.assert_array_equal(num_seen, expected_seen)
    np.testing.assert_array_equal(np.isnan(costs), np.isnan(expected))
    # Gradients of one pixel are rounded to 1/4 level; everything else is exact up to float32.
    atol = FLOAT32 + (1 / 8 / 255 if cost == "gradient" else 0)
    np.testing.assert_allclose(costs, expected, atol=atol)


@pytest.mark.parametrize(("cost", "window"), COSTS)
def test_masked_pixels_take_no_part(cost, window):
    """What lies under a mask may be anything: the costs stay the same, and they are the reference's."""
    rng = np.random.default_rng(1)
    masks = [rng.random((50, 70)) > 0.02 for _ in range(4)]
    views = on_the_grid(rng, (1, 256), masks)  # where there is a mask, black counts as the next level
    costs, expected, num_seen, expected_seen = compare(views, GRID_DEPTHS, cost=cost, window=window)
    np.testing.assert_array_equal(num_seen, expected_seen)
    np.testing.assert_array_equal(np.isnan(costs), np.isnan(expected))
    np.testing.assert_allclose(costs, expected, atol=FLOAT32 + (1 / 8 / 255 if cost == "gradient" else 0))
    assert np.isnan(costs[:, ~masks[0]]).all()
    assert (~np.isnan(costs)).any()
    other = [view._replace(image=np.where(view.mask, view.image, 77).astype(np.uint8)) for view in views]
    np.testing.assert_array_equal(mvs.plane_sweep(other[0], other[1:], GRID_DEPTHS, cost=cost, window=window), costs)


def test_masks_that_hide_nothing_change_nothing():
    views = on_the_grid(np.random.default_rng(2), (1, 256))
    masked = [view._replace(mask=np.ones(view.image.shape, bool)) for view in views]
    for cost, window in COSTS:
        plain, costs = (mvs.plane_sweep(v[0], v[1:], GRID_DEPTHS, cost=cost, window=window) for v in (views, masked))
        np.testing.assert_array_equal(costs, plain)


@pytest.mark.parametrize(("cost", "window"), COSTS)
def test_slanted_planes_and_ranges_equal_the_reference(scene, cost, window):
    """An error of position costs up to 25 levels a pixel in this texture; census may flip where samples are close."""
    slanted = mvs.SlantedPlanes(NORMAL, OFFSET * np.linspace(0.8, 1.2, 5))
    for depths in (slanted, range_of(scene)):
        costs, expected, num_seen, expected_seen = compare(scene.views, depths, cost=cost, window=window)
        assert (num_seen == expected_seen).mean() > 0.999  # a position on the image's border may round out of it
        both = ~np.isnan(costs) & ~np.isnan(expected)
        assert both.mean() > 0.8
        error = np.abs(costs - expected)[both]
        atol = {"ncc": 0.02, "sad": 0.4 / 255, "gradient": 0.2 / 255, "census": 0.09}[cost]
        assert np.quantile(error, 0.999) < atol
        assert error.mean() < atol / 8


def test_a_slanted_sweep_finds_a_slanted_plane_exactly(scene):
    """The surface is one of the planes, so that windows fit without foreshortening."""
    planes = mvs.SlantedPlanes(NORMAL, OFFSET * np.linspace(0.7, 1.3, 25))
    result = mvs.estimate_depth(scene.views[0], scene.views[1:], planes)
    error = np.abs(result.depth / scene.depths[0] - 1)
    assert np.median(error) < 0.0015  # surfaces are 2.5 % apart
    fronto = mvs.estimate_depth(scene.views[0], scene.views[1:], mvs.inverse_depth_planes(2.5, 8.0, 48))
    assert np.median(error) < 0.6 * np.median(np.abs(fronto.depth / scene.depths[0] - 1))


def test_planes_behind_the_camera_cost_nothing(scene):
    """A floor meets only the rays that look down."""
    floor = mvs.SlantedPlanes([0, 1, 0], np.linspace(0.5, 2, 6))
    costs, expected, _, _ = compare(scene.views, floor, cost="sad", window=1)
    horizon = 30  # the principal point's row
    assert np.isnan(costs[:, :horizon]).all()
    assert (~np.isnan(costs[:, horizon + 20 :])).any()
    np.testing.assert_array_equal(np.isnan(costs), np.isnan(expected))


def test_winners_of_ranges_and_slanted_planes(scene):
    for depths in (range_of(scene), mvs.SlantedPlanes(NORMAL, OFFSET * np.linspace(0.8, 1.2, 9))):
        costs = mvs.plane_sweep(scene.views[0], scene.views[1:], depths)
        stored = mvs.winner_take_all(costs, depths, K=K)
        fused = mvs.estimate_depth(scene.views[0], scene.views[1:], depths)
        for a, b in zip(stored, fused, strict=True):
            np.testing.assert_array_equal(a, b)
        error = np.abs(fused.depth / scene.depths[0] - 1)[fused.depth > 0]
        assert np.median(error) < 0.004


def test_pixels_without_a_range_have_no_depth(scene):
    depths = range_of(scene)
    holes = np.zeros(depths.near.shape, bool)
    holes[10:20, 30:50], holes[40, 3] = True, True
    for nothing in (np.nan, 0, -1):
        with_holes = depths._replace(near=np.where(holes, np.float32(nothing), depths.near))
        result = mvs.estimate_depth(scene.views[0], scene.views[1:], with_holes, cost="sad", window=1)
        assert (result.depth[holes] == 0).all()
        assert np.isnan(result.cost[holes]).all()
        whole = mvs.estimate_depth(scene.views[0], scene.views[1:], depths, cost="sad", window=1)
        np.testing.assert_array_equal(result.depth[~holes], whole.depth[~holes])


@pytest.mark.parametrize(("cost", "median", "within_2_percent"), [("census", 0.008, 0.85), ("gradient", 0.004, 0.95)])
def test_depth_of_a_slanted_plane(scene, cost, median, within_2_percent):
    """The order of samples says less than their values in a texture as smooth as this one."""
    planes = mvs.inverse_depth_planes(2.5, 8.0, 48)
    result = mvs.estimate_depth(scene.views[0], scene.views[1:], planes, cost=cost, window=9)
    error = np.abs(result.depth / scene.depths[0] - 1)
    assert np.median(error) < median
    assert (error < 0.02).mean() > within_2_percent


def test_what_changes_of_brightness_leave_alone():
    """Census keeps its costs under any change that keeps the order, gradients under an offset."""
    views = on_the_grid(np.random.default_rng(3), (10, 100))
    bent = [view._replace(image=(view.image.astype(float) ** 1.2).astype(np.uint8)) for view in views[1:]]
    assert len(np.unique(bent[0].image)) == 90  # the change keeps all levels apart
    brighter = [view._replace(image=view.image + np.uint8(70)) for view in views[1:]]
    for cost, others in (("census", bent), ("gradient", brighter)):
        plain, changed = (mvs.plane_sweep(views[0], s, GRID_DEPTHS, cost=cost) for s in (views[1:], others))
        np.testing.assert_array_equal(changed, plain)


def test_image_types_match_alike(scene):
    """The same intensities as 8 bits, 16 bits and floating point."""
    plain = mvs.plane_sweep(scene.views[0], scene.views[1:], DEPTHS[::8])
    for dtype, scale in (("uint16", 257), ("float32", 1 / 255), ("float16", 1 / 255)):
        views = [v._replace(image=(v.image * np.float64(scale)).astype(dtype)) for v in scene.views]
        np.testing.assert_array_equal(mvs.plane_sweep(views[0], views[1:], DEPTHS[::8]), plain)


def test_same_bits_for_every_thread_count(scene):
    masks = [np.random.default_rng(i).random((61, 80)) > 0.01 for i in range(5)]
    views = [view._replace(mask=mask) for view, mask in zip(scene.views, masks, strict=True)]
    for depths in (range_of(scene), mvs.SlantedPlanes(NORMAL, OFFSET * np.linspace(0.8, 1.2, 5))):
        for cost, window in COSTS:
            options = {"cost": cost, "window": window, "weights": [1, 2, 3, 4]}
            one, seven = (mvs.plane_sweep(views[0], views[1:], depths, num_threads=n, **options) for n in (1, 7))
            np.testing.assert_array_equal(one, seven)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weights": [1, 2]}, r"weights: expected shape \(4,\), got \(2,\)"),
        ({"weights": [1, 2, 3, 0]}, "weights: expected finite numbers above 0"),
        ({"cost": "census", "window": 1}, "window: expected an odd number from 3 to 31, got 1"),
        ({"depths": mvs.SlantedPlanes([0, 0, 0], [1.0])}, r"depths\.normal: expected three finite numbers"),
        ({"depths": mvs.SlantedPlanes([0, 0, 1], [2.0, 1.0])}, r"depths\.offsets: expected increasing"),
        ({"depths": mvs.SlantedPlanes([0, 0, -1], [1.0])}, "depths: expected surfaces in front of the reference"),
        ({"depths": mvs.DepthRange(ONES, ONES[1:], 4)}, r"depths\.far: expected shape \(61, 80\), got \(60, 80\)"),
        ({"depths": mvs.DepthRange(2 * ONES, ONES, 4)}, "depths: expected near <= far at every pixel"),
        ({"depths": mvs.DepthRange(ONES, ONES, 1)}, r"depths\.num: expected at least 2, got 1"),
        ({"num_seen": np.empty((24, 61, 81), np.uint8)}, r"num_seen: expected shape \(24, 61, 80\)"),
    ],
)
def test_bad_options(scene, change, message):
    arguments = {"reference": scene.views[0], "sources": scene.views[1:], "depths": DEPTHS, **change}
    with pytest.raises(ValueError, match=message):
        mvs.plane_sweep(**arguments)


def test_bad_masks_and_missing_calibration(scene):
    with pytest.raises(ValueError, match=r"sources\[0\]\.mask: expected shape \(61, 80\), got \(61, 79\)"):
        mvs.plane_sweep(scene.views[0], [scene.views[1]._replace(mask=np.ones((61, 79), bool))], DEPTHS)
    with pytest.raises(TypeError, match=r"reference\.mask: expected dtype bool or uint8, got float64"):
        mvs.plane_sweep(scene.views[0]._replace(mask=np.ones((61, 80))), scene.views[1:], DEPTHS)
    with pytest.raises(ValueError, match="K: expected the reference's calibration matrix beside slanted planes"):
        mvs.winner_take_all(np.zeros((4, 2, 2), np.float32), mvs.SlantedPlanes([0, 0, 1], [1, 2, 3, 4]))
