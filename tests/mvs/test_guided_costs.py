# SPDX-License-Identifier: Apache-2.0
"""The guided filter against the equations of its paper, in double precision by SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from fastcv import mvs


def box(image: np.ndarray, radius: int) -> np.ndarray:
    for axis in (0, 1):
        image = ndimage.correlate1d(image, np.ones(2 * radius + 1), axis, mode="constant")
    return image


def expected(costs: np.ndarray, image: np.ndarray, radius: int, epsilon: float) -> np.ndarray:
    """He et al. 2013, eq. 14-16; means over what has a cost. (D, H, W) of finite costs and NaN."""
    guide = image.astype(float).reshape(*image.shape[:2], -1)
    if image.dtype.kind == "u":
        guide /= np.iinfo(image.dtype).max
    channels, result = guide.shape[2], np.empty(costs.shape)
    for k, surface in enumerate(costs.astype(float)):
        seen = np.isfinite(surface).astype(float)
        p = np.where(seen > 0, surface, 0)
        count = np.rint(box(seen, radius))
        n = np.maximum(count, 1)

        def mean(values, seen=seen, n=n):
            return box(values * seen, radius) / n

        means = np.stack([mean(guide[..., c]) for c in range(channels)], -1)
        covariance = np.empty((*p.shape, channels, channels))
        for i, j in np.ndindex(channels, channels):
            covariance[..., i, j] = mean(guide[..., i] * guide[..., j]) - means[..., i] * means[..., j]
        slope = np.stack([mean(guide[..., c] * p) for c in range(channels)], -1) - means * mean(p)[..., None]
        a = np.linalg.solve(covariance + epsilon * np.eye(channels), slope[..., None])[..., 0]
        b = mean(p) - (a * means).sum(-1)
        windows = box((count > 0).astype(float), radius)
        sums = [box(np.where(count > 0, values, 0), radius) for values in (b, *np.moveaxis(a, -1, 0))]
        with np.errstate(invalid="ignore"):
            q = (sums[0] + sum(s * guide[..., c] for c, s in enumerate(sums[1:]))) / windows
        result[k] = np.where(seen > 0, q, np.nan)
    return result


def inputs(size: tuple[int, int], channels: int, dtype: str = "uint8") -> tuple[np.ndarray, np.ndarray]:
    """Costs with holes in all surfaces but the first, over an image with smooth parts and edges."""
    rng = np.random.default_rng(0)
    costs = rng.random((3, *size), np.float32)
    costs[1][rng.random(size) < 0.1] = np.nan
    costs[2, : size[0] // 2] = np.inf
    y, x = np.mgrid[: size[0], : size[1]]
    image = 0.4 + 0.3 * np.sin(0.2 * x + 0.1 * y) + 0.2 * (x > y)
    image = np.stack([image, 1 - image, image**2], -1)[..., :channels] + 0.02 * rng.random((*size, channels))
    image = image if channels == 3 else image[..., 0]
    return costs, (image * (np.iinfo(dtype).max if dtype[0] == "u" else 1)).astype(dtype)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("radius", [1, 4, 9, 32])
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (7, 3), (70, 201)])
def test_equals_the_paper(size, radius, channels):
    costs, image = inputs(size, channels)
    result = mvs.guided_costs(costs, image, radius=radius, epsilon=1e-3)
    reference = expected(costs, image, radius, 1e-3)
    np.testing.assert_array_equal(np.isnan(result), np.isnan(reference))
    # Single precision: variances are good to 1e-7, of which epsilon makes 1e-4 of a slope.
    np.testing.assert_allclose(result, reference, atol=2e-4)


@pytest.mark.parametrize(("dtype", "tolerance"), [("uint16", 2e-4), ("float32", 2e-4), ("float16", 2e-4)])
def test_image_types(dtype, tolerance):
    costs, image = inputs((30, 40), 3, dtype)
    result = mvs.guided_costs(costs, image, radius=5, epsilon=1e-3)
    np.testing.assert_allclose(result, expected(costs, image, 5, 1e-3), atol=tolerance)


def test_a_grey_image_in_three_channels_is_one():
    """Its covariance has rank 1, which epsilon alone makes regular."""
    costs, image = inputs((60, 70), 1)
    one = mvs.guided_costs(costs, image, radius=6, epsilon=3e-5)
    # With three equal channels the slope is shared by them, as a third of epsilon would in one.
    three = mvs.guided_costs(costs, np.stack([image] * 3, -1), radius=6, epsilon=9e-5)
    np.testing.assert_allclose(three, one, atol=2e-3)


def test_without_texture_it_is_a_mean_of_means():
    costs, _ = inputs((40, 50), 1)
    result = mvs.guided_costs(costs[:1], np.full((40, 50), 77, np.uint8), radius=3)
    inner = ndimage.uniform_filter(ndimage.uniform_filter(costs[0].astype(float), 7), 7)
    np.testing.assert_allclose(result[0, 6:-6, 6:-6], inner[6:-6, 6:-6], atol=1e-5)


def test_linear_in_the_image_stays_as_it_is():
    """Where costs are a linear function of colour, the fit is exact but for epsilon."""
    _, image = inputs((50, 60), 3, "float32")
    costs = (image @ [0.5, -0.2, 0.1] + 1).astype(np.float32)[None]
    np.testing.assert_allclose(mvs.guided_costs(costs, image, radius=4, epsilon=1e-6), costs, atol=2e-3)


def test_same_bits_for_every_thread_count_and_framework():
    torch = pytest.importorskip("torch")
    costs, image = inputs((140, 400), 3)
    one, seven = (mvs.guided_costs(costs, image, num_threads=n) for n in (1, 7))
    costs.flags.writeable = False
    out = np.empty_like(costs)
    assert mvs.guided_costs(np.asfortranarray(costs), image[:, ::-1][:, ::-1], out=out) is out
    tensors = mvs.guided_costs(torch.tensor(costs), torch.tensor(image))
    for result in (seven, out, tensors.numpy()):
        np.testing.assert_array_equal(one, result)


def test_the_place_of_a_tile_does_not_change_a_bit():
    """An image cut off 2 radii beyond a pixel gives the same cost there."""
    costs, image = inputs((100, 300), 1)
    whole = mvs.guided_costs(costs, image, radius=4)
    part = mvs.guided_costs(costs[:, 13:, 37:].copy(), image[13:, 37:].copy(), radius=4)
    np.testing.assert_array_equal(whole[:, 13 + 8 :, 37 + 8 :], part[:, 8:, 8:])


def test_single_pixels_become_sure(scene):
    """Costs of single pixels become depths of a slanted plane."""
    planes = mvs.inverse_depth_planes(2.5, 8.0, 48)
    costs = mvs.plane_sweep(scene.views[0], scene.views[1:], planes, cost="sad", window=1)
    wrong = []
    for volume in (costs, mvs.guided_costs(costs, scene.views[0].image, radius=4).clip(0)):
        depth = mvs.winner_take_all(volume, planes).depth
        wrong.append(1 - (np.abs(depth / scene.depths[0] - 1) < 0.02).mean())
    assert wrong[1] < 0.005
    assert wrong[1] < 0.25 * wrong[0]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"radius": 0}, ValueError, "radius: expected 1 to 32, got 0"),
        ({"radius": 33}, ValueError, "radius: expected 1 to 32, got 33"),
        ({"epsilon": 0.0}, ValueError, "epsilon: expected a finite number of 1e-6 or more, got 0.0"),
        ({"image": np.zeros((5, 6, 2), np.uint8)}, ValueError, r"image: expected shape \(H, W, 3\)"),
        ({"image": np.zeros((5, 7), np.uint8)}, ValueError, r"image: expected shape \(H, W\) with H = 5, W = 6"),
        ({"image": np.zeros((5, 6))}, TypeError, "image: expected dtype uint8 or uint16"),
        ({"image": np.full((5, 6), np.nan, np.float32)}, ValueError, "image: expected finite values"),
        ({"out": np.empty((3, 5, 7), np.float32)}, ValueError, "out: expected shape"),
        ({"costs": np.zeros((3, 5, 6))}, TypeError, "costs: expected dtype float32, got float64"),
    ],
)
def test_bad_arguments(change, error, message):
    arguments = {"costs": np.zeros((3, 5, 6), np.float32), "image": np.zeros((5, 6), np.uint8), **change}
    with pytest.raises(error, match=message):
        mvs.guided_costs(**arguments)
