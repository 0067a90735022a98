# SPDX-License-Identifier: Apache-2.0
"""From coarse to fine: its steps against OpenCV and SciPy, its depths against the truth."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from scipy import ndimage

from fastcv import _core, mvs
from fastcv.mvs.pyramid import MIN_SIDE
from fastcv.synthetic import make_dataset

PLANES = mvs.inverse_depth_planes(2.5, 8.0, 48)
SIZES = [(1, 1), (1, 7), (5, 3), (6, 40), (61, 80)]


def random_floats(size: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(0).random(size, np.float32)


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("size", [(2, 2, 1), (20, 30, 3), (61, 81, 3)])
def test_halved_images_are_opencv_s(dtype, size):
    top = 1 if dtype == "float32" else np.iinfo(dtype).max
    image = np.ascontiguousarray((random_floats(size) * top).astype(dtype))
    half = np.empty((size[0] // 2, size[1] // 2, size[2]), dtype)
    _core.mvs.halve_image(image, half, 1)
    whole = image[: size[0] // 2 * 2, : size[1] // 2 * 2]
    expected = cv2.resize(whole, half.shape[1::-1], interpolation=cv2.INTER_AREA).reshape(half.shape)
    # Both round halves up; floating-point sums are in another order.
    np.testing.assert_allclose(half, expected, rtol=1e-6 if dtype == "float32" else 0)


def test_a_halved_mask_holds_only_what_is_whole():
    mask = np.ones((7, 8), np.uint8)
    mask[2, 5] = mask[6, 0] = 0  # the last row has no partner
    mask[0, 1] = 255
    half = np.empty((3, 4), np.uint8)
    _core.mvs.halve_mask(mask, half, 1)
    expected = np.ones((3, 4))
    expected[1, 2] = 0
    np.testing.assert_array_equal(half, expected)


@pytest.mark.parametrize("size", SIZES)
def test_median_and_extremes_are_scipy_s(size):
    image = random_floats(size)
    out, extremes = np.empty_like(image), np.empty((2, *size), np.float32)
    _core.mvs.median(image, out, 1)
    _core.mvs.extremes(image, extremes, 1)
    np.testing.assert_array_equal(out, ndimage.median_filter(image, 5, mode="nearest"))
    np.testing.assert_array_equal(extremes[0], ndimage.maximum_filter(image, 3, mode="nearest"))
    np.testing.assert_array_equal(extremes[1], ndimage.minimum_filter(image, 3, mode="nearest"))


@pytest.mark.parametrize("odd", [0, 1])
@pytest.mark.parametrize("num", [4, 7])
@pytest.mark.parametrize("size", SIZES)
def test_ranges_lie_around_the_interpolated_depth(size, num, odd):
    """Within the planes, as near to the middle as that allows."""
    step, first, last = 0.01, 5, 60
    coarse = (0.03 + 0.6 * random_floats((2, *size))).astype(np.float32)
    fine = [2 * s + odd for s in size]
    at = np.meshgrid(*((np.arange(s) + 0.5) / 2 - 0.5 for s in fine), indexing="ij")
    out = np.empty((2, 2, *fine), np.float32)
    _core.mvs.local_ranges(coarse, step, first, last, num, out, 1)
    for ranges, level in zip(out, coarse, strict=True):
        middle = ndimage.map_coordinates(level.astype(float), at, order=1, mode="nearest")
        near, far = 1 / ranges.astype(float) / step
        np.testing.assert_allclose(near, far + num - 1, rtol=1e-5)
        expected = np.clip(middle / step - (num - 1) / 2, first, last - num + 1)
        np.testing.assert_allclose(far, expected, atol=1e-4)


@pytest.mark.parametrize(
    ("options", "median"),
    [({"num_levels": 1}, 0.002), ({"num_levels": 2}, 0.0013)],
)
def test_a_slanted_plane(scene, options, median):
    """The finest period of its texture is 8 pixels: two levels show it. Windows follow the slant if they may."""
    result = mvs.estimate_depth_pyramid(scene.views[0], scene.views[1:], PLANES, **options)
    error = np.abs(result.depth / scene.depths[0] - 1)
    assert np.median(error) < median
    assert (error < 0.02).mean() > 0.97
    assert result.confidence.dtype == np.float32
    assert result.confidence.min() >= 0


@pytest.fixture(scope="module")
def courtyard():
    data = make_dataset("courtyard", num_views=5, width=320, height=240, camera_model="PINHOLE", num_points=500)
    images, K = data.reconstruction.images, data.reconstruction.cameras[1].matrix
    views = [mvs.View(image, K, images[i + 1].cam_from_world) for i, image in enumerate(data.images)]
    planes = mvs.inverse_depth_planes(*mvs.depth_range(data.reconstruction, 3), 213)
    return views[2], [*views[:2], *views[3:]], planes, data.depths[2]


def test_edges_and_thin_things(courtyard):
    """Of a scene with edges everywhere as many depths are right as without levels."""
    reference, sources, planes, truth = courtyard
    shares = []
    for num_levels in (1, 3):
        depth = mvs.estimate_depth_pyramid(reference, sources, planes, num_levels=num_levels).depth
        right = np.abs(depth - truth) < 0.02 * truth
        edges = ndimage.maximum_filter(truth, 9) > 1.1 * ndimage.minimum_filter(truth, 9)
        shares.append([right[truth > 0].mean(), right[(truth > 0) & edges].mean()])
    (plain, plain_edges), (pyramid, pyramid_edges) = shares
    assert plain > 0.75  # a guard on the scene itself
    assert pyramid > plain
    assert pyramid_edges > plain_edges - 0.03


def test_same_bits_for_every_thread_count_and_framework(courtyard):
    torch = pytest.importorskip("torch")
    reference, sources, planes, _ = courtyard
    mask = np.random.default_rng(0).random(reference.image.shape[:2]) > 0.001
    reference = reference._replace(mask=mask)
    options = {"cost": "census", "window": 5, "weights": [1, 2, 3, 4]}
    one, seven = (mvs.estimate_depth_pyramid(reference, sources, planes, num_threads=n, **options) for n in (1, 7))
    there = reference._replace(image=torch.from_numpy(reference.image), mask=torch.from_numpy(mask))
    tensors = [view._replace(image=torch.from_numpy(view.image)) for view in sources]
    result = mvs.estimate_depth_pyramid(there, tensors, planes, **options)
    for a, b, c in zip(one, seven, result, strict=True):
        np.testing.assert_array_equal(a, b)
        np.testing.assert_array_equal(a, c.numpy())
    assert not one.depth[~mask].any()
    assert (one.depth[mask] > 0).mean() > 0.95


def test_image_types(scene):
    """Halving rounds 8 bits, so that the others may differ by a level."""
    plain = mvs.estimate_depth_pyramid(scene.views[0], scene.views[1:], PLANES, num_levels=2).depth
    for dtype, scale in (("uint16", 257), ("float32", 1 / 255), ("float16", 1 / 255)):
        views = [v._replace(image=(v.image * np.float64(scale)).astype(dtype)) for v in scene.views]
        depth = mvs.estimate_depth_pyramid(views[0], views[1:], PLANES, num_levels=2).depth
        assert (np.abs(depth - plain) <= 5e-3 * plain).mean() > 0.99


def test_half_of_the_reference_masked(scene):
    mask = np.ones((61, 80), np.uint8)
    mask[:30] = 0
    reference = scene.views[0]._replace(mask=mask)
    depth = mvs.estimate_depth_pyramid(reference, scene.views[1:], PLANES, num_levels=2).depth
    assert not depth[:30].any()
    assert (np.abs(depth / scene.depths[0] - 1) < 0.02)[30:].mean() > 0.97


def test_images_without_texture_have_no_depth(scene):
    flat = [view._replace(image=np.full((61, 80), 7, np.uint8)) for view in scene.views]
    result = mvs.estimate_depth_pyramid(flat[0], flat[1:], PLANES, num_levels=2)
    assert not result.depth.any()
    assert not result.confidence.any()


def test_a_source_that_sees_none_of_the_local_ranges(scene):
    """It does not count, as a source that does not see a pixel."""
    K = np.array(scene.views[0].K)
    beside = scene.views[0]._replace(cam_from_world=np.c_[np.eye(3), [-9.0, 0, 0]])  # sees depths from 10 on
    assert K[0, 0] * 9 / 10 > 80
    ones = np.ones((61, 80), np.float32)
    seen = np.empty((6, 61, 80), np.uint8)
    mvs.plane_sweep(
        scene.views[0], [scene.views[1], beside], mvs.DepthRange(3 * ones, 6 * ones, 6), num_best=1, num_seen=seen
    )
    assert seen.max() == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"num_levels": 0}, "num_levels: expected 1 or more, got 0"),
        ({"num_levels": 4}, f"num_levels: expected less for reference of 15 x 20 pixels, so that {MIN_SIDE} are left"),
        ({"num_local": 3}, "num_local: expected at least 4, got 3"),
        ({"depths": [2.0]}, "depths: expected planes evenly spaced in inverse depth"),
        ({"depths": np.linspace(2, 8, 48)}, "depths: expected planes evenly spaced in inverse depth"),
        ({"depths": PLANES[::-1]}, "depths: expected increasing positive values"),
        ({"depths": mvs.inverse_depth_planes(2.5, 8.0, 5)}, "depths: expected 16 planes or more for 3 levels, got 5"),
        ({"sources": []}, "sources: expected 1 to 32 views, got 0"),
        ({"cost": "ssd"}, "cost: expected ncc, sad, census or gradient, got 'ssd'"),
    ],
)
def test_bad_arguments(scene, change, message):
    arguments = {"reference": scene.views[0], "sources": scene.views[1:], "depths": PLANES, **change}
    with pytest.raises(ValueError, match=message):
        mvs.estimate_depth_pyramid(**arguments)


def test_bad_views(scene):
    reference, sources = scene.views[0], scene.views[1:]
    with pytest.raises(TypeError, match=r"reference\.image: expected dtype uint8 or uint16 or float32, got float64"):
        mvs.estimate_depth_pyramid(reference._replace(image=np.ones((61, 80))), sources, PLANES)
    with pytest.raises(ValueError, match=r"sources\[0\]\.K: expected upper triangular"):
        mvs.estimate_depth_pyramid(reference, [sources[0]._replace(K=np.ones((3, 3)))], PLANES)
    with pytest.raises(ValueError, match=r"sources\[0\]: expected a baseline to the reference"):
        mvs.estimate_depth_pyramid(reference, [reference], PLANES, num_levels=2)
