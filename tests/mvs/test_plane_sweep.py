# SPDX-License-Identifier: Apache-2.0
"""Plane sweep and winner-take-all against numpy, OpenCV and a plane's closed-form depth."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tracemalloc

import cv2
import numpy as np
import pytest

from fastcv import mvs
from fastcv.mvs import _reference, _sweep_reference

DEPTHS = mvs.inverse_depth_planes(2.5, 8.0, 24)


# Half of the unit in which the kernels round a sample, in grey levels: the most that a sample can be off.
HALF_UNIT = {"ncc": 1 / 16, "sad": 1 / 8}
# A correlation is a scalar product with a unit vector, so it moves by no more than the samples' error (root mean square
# over the window) over their deviation, which counts as one level at least. float32 arithmetic adds a few 1e-6.
FLOAT32 = 1e-5


def deviation(reference, source, depth, window):
    """Standard deviation of the source's window around each pixel, in grey levels, at least 1."""
    samples = np.nan_to_num(_sweep_reference.warp(reference, source, 1 / depth, 1)[..., 0])
    n = _sweep_reference.window_sum(np.ones(samples.shape), window)
    mean, squares = (_sweep_reference.window_sum(x, window) / n for x in (samples, samples**2))
    return np.sqrt(np.maximum(squares - mean**2, 1))


def largest_errors(reference, sources, depths, cost, window, sample_error):
    """What costs may differ from the reference by, (D, H, W), where no sample is further off than this (levels)."""
    if cost == "sad":
        return np.full((len(depths), *reference.image.shape[:2]), sample_error / 255 + FLOAT32)
    smallest = [np.min([deviation(reference, s, depth, window) for s in sources], axis=0) for depth in depths]
    return sample_error / np.array(smallest) + FLOAT32


def on_the_grid(image, other):
    """A reference and a source that see each other at multiples of 1/128 px, so that positions are exact in float32."""
    K = np.array([[64.0, 0, image.shape[1] / 2], [0, 64.0, image.shape[0] / 2], [0, 0, 1]])
    source_K = np.array([[48.0, 2, 35], [0, 56.0, 25], [0, 0, 1]])
    return mvs.View(image, K, np.eye(3, 4)), mvs.View(other, source_K, np.c_[np.eye(3), [0.25, 0.125, 0]])


GRID_DEPTHS = [2.0, 4.0, 8.0]  # disparities (12.25, 7) / depth


@pytest.mark.parametrize("num_best", [1, 2, 4])
@pytest.mark.parametrize(("cost", "window"), [("sad", 1), ("sad", 5), ("sad", 31), ("ncc", 3), ("ncc", 7), ("ncc", 31)])
def test_costs_equal_the_reference(scene, cost, window, num_best):
    depths, options = DEPTHS[::6], {"cost": cost, "window": window, "num_best": num_best}
    costs = mvs.plane_sweep(scene.views[0], scene.views[1:], depths, **options)
    expected = _sweep_reference.plane_sweep(scene.views[0], scene.views[1:], depths, **options)[0]
    seen = ~np.isnan(expected)
    np.testing.assert_array_equal(~np.isnan(costs), seen)
    # A position on the border of two 1/128 px may fall to the other one in float32: a step of up to 25 levels a pixel
    # along each axis in this texture.
    bound = largest_errors(scene.views[0], scene.views[1:], depths, cost, window, HALF_UNIT[cost] + 2 * 25 / 128)
    error = np.abs(costs - expected)
    assert (error[seen] <= bound[seen]).all()
    # That is rare: all in all there is no more than the noise of rounding, uniform and averaged over the window.
    n = np.sqrt(_sweep_reference.window_sum(np.ones((61, 80)), window)) if cost == "ncc" else 1
    noise = error / (bound - FLOAT32) * (HALF_UNIT[cost] + 2 * 25 / 128) * n
    assert np.sqrt(np.mean(noise[seen] ** 2)) <= 1.1 * HALF_UNIT[cost] / np.sqrt(3)


@pytest.mark.parametrize("window", [3, 7, 31])
@pytest.mark.parametrize("levels", [(0, 256), (0, 5), (250, 256), (126, 130)])
def test_errors_of_ncc_are_bounded_at_any_contrast(levels, window):
    rng = np.random.default_rng(1)
    reference, source = on_the_grid(*(rng.integers(*levels, (50, 70), np.uint8) for _ in range(2)))
    costs = mvs.plane_sweep(reference, [source], GRID_DEPTHS, window=window)
    expected = _sweep_reference.plane_sweep(reference, [source], GRID_DEPTHS, window=window)[0]
    bound = largest_errors(reference, [source], GRID_DEPTHS, "ncc", window, HALF_UNIT["ncc"])
    seen = ~np.isnan(expected)
    np.testing.assert_array_equal(~np.isnan(costs), seen)
    assert seen.any()
    assert (np.abs(costs - expected)[seen] <= bound[seen]).all()


@pytest.mark.parametrize("cost", ["ncc", "sad"])
@pytest.mark.parametrize("levels", [(0, 256), (0, 5), (250, 256)])
def test_half_pixels_are_exact(levels, cost):
    """Means of two and four pixels need no rounding: what remains is float32 arithmetic, at any contrast."""
    rng = np.random.default_rng(2)
    images = [rng.integers(*levels, (40, 60), np.uint8) for _ in range(2)]
    K = np.array([[64.0, 0, 30], [0, 64.0, 20], [0, 0, 1]])
    views = [mvs.View(image, K, np.c_[np.eye(3), [x, x, 0]]) for image, x in zip(images, (0, 1 / 16), strict=True)]
    depths = [1.0, 4 / 3, 8.0]  # disparities of 4, 3 and 1/2 pixels
    for window in (3, 7, 31):
        options = {"cost": cost, "window": window, "truncation": 1.0}
        costs = mvs.plane_sweep(views[0], views[1:], depths, **options)
        expected, _ = _sweep_reference.plane_sweep(views[0], views[1:], depths, **options)
        np.testing.assert_allclose(costs, expected, atol=FLOAT32)


@pytest.mark.parametrize("base", [1, 128, 253])
def test_texture_begins_at_one_level(base):
    """A window of 31 x 31 with 481 samples above and 480 below has a variance of 1 - 1 / 961^2, a hair too little."""
    image = np.full((31, 31), base + 1, np.uint8)
    image.ravel()[:480] = base - 1
    for last_sample, textured in ((base + 1, False), (base + 2, True)):
        image[-1, -1] = last_sample
        reference, source = on_the_grid(image, np.random.default_rng(1).integers(0, 256, (50, 70), np.uint8))
        assert np.isnan(mvs.plane_sweep(reference, [source], [8.0], window=31)[0, 15, 15]) != textured


def test_flat_source_windows_correlate_with_nothing():
    noise = np.random.default_rng(0).integers(0, 256, (50, 70), np.uint8)
    reference, source = on_the_grid(noise, np.full((50, 70), 7, np.uint8))
    costs = mvs.plane_sweep(reference, [source], GRID_DEPTHS)
    assert (costs[~np.isnan(costs)] == 1).all()
    assert (costs == 1).any()


@pytest.mark.parametrize("shape", [(1, 1), (1, 17), (33, 1), (31, 321), (40, 33)])
def test_sizes_around_tiles_and_vectors(shape):
    rng = np.random.default_rng(0)
    reference, source = on_the_grid(rng.integers(0, 256, shape, np.uint8), rng.integers(0, 256, (50, 70), np.uint8))
    for cost in ("sad", "ncc"):
        costs = mvs.plane_sweep(reference, [source], GRID_DEPTHS, cost=cost, window=5)
        expected = _sweep_reference.plane_sweep(reference, [source], GRID_DEPTHS, cost=cost, window=5)[0]
        bound = largest_errors(reference, [source], GRID_DEPTHS, cost, 5, HALF_UNIT[cost])
        seen = ~np.isnan(expected)
        np.testing.assert_array_equal(~np.isnan(costs), seen)
        assert costs.shape == (3, *shape)
        assert (np.abs(costs - expected)[seen] <= bound[seen]).all()


def test_warp_against_opencv(scene):
    """cv2.remap samples the same places: an independent check of geometry, pixel convention and SAD."""
    reference, source, depth = scene.views[0], scene.views[1], 4.0
    A = source.K @ source.cam_from_world[:, :3] @ np.linalg.inv(reference.K)
    b = source.K @ source.cam_from_world[:, 3]
    x, y = np.meshgrid(np.arange(80) + 0.5, np.arange(61) + 0.5)
    p = np.stack([x, y, np.ones_like(x)], -1) @ A.T + b / depth
    maps = [(p[..., i] / p[..., 2] - 0.5).astype(np.float32) for i in (0, 1)]
    warped = cv2.remap(source.image.astype(np.float32), *maps, cv2.INTER_LINEAR, borderValue=(np.nan,) * 3)
    expected = np.abs(warped - reference.image).mean(2) / 255
    costs = mvs.plane_sweep(reference, [source], [depth], cost="sad", window=1, truncation=1.0)[0]
    seen = ~np.isnan(costs) & ~np.isnan(expected)
    assert seen.mean() > 0.8
    # OpenCV rounds positions to 1/32 px, where the texture changes by up to 25 levels a pixel.
    np.testing.assert_allclose(costs[seen], expected[seen], atol=0.8 / 255)


@pytest.mark.parametrize("cost", ["ncc", "sad"])
def test_depth_of_a_slanted_plane(scene, cost):
    result = mvs.estimate_depth(scene.views[0], scene.views[1:], mvs.inverse_depth_planes(2.5, 8.0, 48), cost=cost)
    error = np.abs(result.depth / scene.depths[0] - 1)
    # Adjacent planes are 1 % apart; the parabola brings the slanted surface to a third of that.
    assert np.median(error) < 0.004
    assert (error < 0.02).mean() > 0.95


@pytest.mark.parametrize(("cost", "window"), [("ncc", 7), ("sad", 1), ("sad", 5)])
def test_fused_equals_volume_and_winner(scene, cost, window):
    options = {"cost": cost, "window": window}
    costs = mvs.plane_sweep(scene.views[0], scene.views[1:], DEPTHS, **options)
    stored = mvs.winner_take_all(costs, DEPTHS)
    fused = mvs.estimate_depth(scene.views[0], scene.views[1:], DEPTHS, **options)
    for a, b in zip(stored, fused, strict=True):
        np.testing.assert_array_equal(a, b)


def test_winner_equals_the_reference():
    rng = np.random.default_rng(3)
    costs = (rng.integers(0, 12, (11, 13, 37)) / 8).astype(np.float32)  # coarse, so that ties are frequent
    costs[rng.random(costs.shape) < 0.15] = np.nan
    costs[:, 0, 0], costs[:, 0, 1], costs[:, 0, 2] = np.nan, 0.5, np.linspace(2, 1, 11)
    depths = np.cumsum(rng.uniform(0.1, 1, 11))
    result, expected = mvs.winner_take_all(costs, depths), _reference.winner_take_all(costs, depths)
    assert result.depth[0, 0] == result.depth[0, 1] == 0
    assert result.depth[0, 2] == np.float32(depths[-1])
    np.testing.assert_array_equal(result.cost, expected.cost)
    # float32 inverse depths and weights of a vertex that lies within half a step.
    np.testing.assert_allclose(result.depth, expected.depth, rtol=1e-5)
    np.testing.assert_allclose(result.confidence, expected.confidence, atol=1e-6)


def test_first_of_equal_planes_wins():
    costs = np.full((9, 1, 20), 0.8, np.float32)
    costs[2] = costs[6] = 0.25
    result = mvs.winner_take_all(costs, np.arange(1.0, 10.0))
    assert (result.depth == 0).all()  # two equal minima: nothing sets one plane apart
    costs[6] = np.nextafter(np.float32(0.25), np.float32(1))
    assert (np.abs(mvs.winner_take_all(costs, np.arange(1.0, 10.0)).depth - 3) < 0.5).all()


def test_same_bits_for_every_thread_count(scene):
    results = [mvs.estimate_depth(scene.views[0], scene.views[1:], DEPTHS, num_threads=n) for n in (1, 2, 7)]
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


DIGEST = """
import hashlib, sys, numpy as np
from fastcv import mvs
data = np.load(sys.argv[1])
views = [mvs.View(i, k, p) for i, k, p in zip(data["images"], data["K"], data["poses"])]
digest = hashlib.sha256()
for cost, window in [("ncc", 7), ("sad", 1), ("sad", 5)]:
    costs = mvs.plane_sweep(views[0], views[1:], data["depths"], cost=cost, window=window)
    digest.update(np.where(np.isnan(costs), -1, costs).tobytes())
    digest.update(mvs.winner_take_all(costs, data["depths"]).depth.tobytes())
print(digest.hexdigest())
"""


@pytest.mark.parametrize("isa", ["v2", "v3"])
def test_same_bits_on_every_instruction_set(scene, isa, tmp_path):
    columns = {"images": [v.image for v in scene.views], "K": [v.K for v in scene.views]}
    np.savez(tmp_path / "views.npz", **columns, poses=[v.cam_from_world for v in scene.views], depths=DEPTHS)
    command = [sys.executable, "-c", DIGEST, str(tmp_path / "views.npz")]
    run = subprocess.run(command, env={**os.environ, "FASTCV_ISA": isa}, capture_output=True, text=True, check=True)
    digest = hashlib.sha256()
    for cost, window in [("ncc", 7), ("sad", 1), ("sad", 5)]:
        costs = mvs.plane_sweep(scene.views[0], scene.views[1:], DEPTHS, cost=cost, window=window)
        digest.update(np.where(np.isnan(costs), -1, costs).astype(np.float32).tobytes())
        digest.update(mvs.winner_take_all(costs, DEPTHS).depth.tobytes())
    assert run.stdout.strip() == digest.hexdigest()


def test_hidden_sources_do_not_count(scene):
    """Two of the four sources show something else: the best half still finds the plane, the mean of all does not."""
    noise = np.random.default_rng(0).integers(0, 256, (61, 80, 3), np.uint8)
    sources = [scene.views[1], scene.views[2], *(view._replace(image=noise) for view in scene.views[3:])]
    truth, within = scene.depths[0], {}
    for num_best in (2, 4):
        depth = mvs.estimate_depth(scene.views[0], sources, DEPTHS, num_best=num_best).depth
        within[num_best] = (np.abs(depth / truth - 1) < 0.03)[10:-10, 15:-15].mean()  # in sight of both
    assert within[2] > 0.9
    assert within[4] < within[2] - 0.05


def test_gain_and_offset_leave_ncc_alone(scene):
    brighter = [v._replace(image=(v.image * 0.6 + 70).astype(np.uint8)) for v in scene.views[1:]]
    depth = mvs.estimate_depth(scene.views[0], brighter, DEPTHS).depth
    assert (np.abs(depth / scene.depths[0] - 1) < 0.03).mean() > 0.9


def test_fused_memory_does_not_grow_with_planes(scene):
    def peak(num_planes: int) -> int:
        depths = mvs.inverse_depth_planes(2.5, 8.0, num_planes)
        tracemalloc.start()
        mvs.estimate_depth(scene.views[0], scene.views[1:], depths)
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    volume = 400 * 61 * 80 * 4
    assert peak(400) - peak(8) < volume / 50  # the arrays of depths themselves grow


def test_constant_image_has_no_depth():
    flat = np.full((40, 60), 90, np.uint8)
    K = [[50.0, 0, 30], [0, 50.0, 20], [0, 0, 1]]
    views = [mvs.View(flat, K, np.c_[np.eye(3), [-0.2 * i, 0, 0]]) for i in range(3)]
    for cost in ("ncc", "sad"):
        result = mvs.estimate_depth(views[0], views[1:], DEPTHS, cost=cost)
        assert not result.depth.any()
        assert not result.confidence.any()
    assert np.isnan(mvs.plane_sweep(views[0], views[1:], DEPTHS)).all()


def test_float_strided_and_read_only_images(scene):
    expected = mvs.plane_sweep(scene.views[0], scene.views[1:], DEPTHS[:4], cost="sad")
    floats = [v._replace(image=(v.image / 255).astype(np.float32)) for v in scene.views]
    np.testing.assert_array_equal(mvs.plane_sweep(floats[0], floats[1:], DEPTHS[:4], cost="sad"), expected)
    strided = [v._replace(image=np.repeat(v.image, 2, axis=1)[:, ::2]) for v in scene.views]
    for view in strided:
        view.image.flags.writeable = False
    out = np.empty_like(expected)
    assert mvs.plane_sweep(strided[0], strided[1:], DEPTHS[:4], cost="sad", out=out) is out
    np.testing.assert_array_equal(out, expected)


def test_torch_in_torch_out(scene):
    torch = pytest.importorskip("torch")
    tensors = [v._replace(image=torch.from_numpy(v.image)) for v in scene.views]
    result = mvs.estimate_depth(tensors[0], tensors[1:], DEPTHS)
    assert isinstance(result.depth, torch.Tensor)
    np.testing.assert_array_equal(
        result.depth.numpy(), mvs.estimate_depth(scene.views[0], scene.views[1:], DEPTHS).depth
    )
    with pytest.raises(TypeError) as mixed:
        mvs.estimate_depth(tensors[0], scene.views[1:], DEPTHS)
    assert str(mixed.value) == "sources[0].image: expected a torch array as the arguments before it, got numpy"


def bad(view, **change):
    return view._replace(**change)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"sources": []}, "sources: expected 1 to 32 views, got 0"),
        ({"depths": []}, r"depths: expected shape \(D,\) with D > 0, got \(0,\)"),
        ({"depths": [1.0, 3.0, 2.0]}, "depths: expected increasing positive values"),
        ({"depths": [-1.0, 1.0]}, "depths: expected increasing positive values"),
        ({"depths": [1.0, np.nan]}, "depths: expected increasing positive values"),
        ({"window": 6}, "window: expected an odd number from 3 to 31, got 6"),
        ({"window": 1}, "window: expected an odd number from 3 to 31, got 1"),
        ({"cost": "ssd"}, "cost: expected ncc, sad, census or gradient, got 'ssd'"),
        ({"num_best": 5}, "num_best: expected 1 to 4"),
        ({"truncation": 0.0}, "truncation: expected more than 0"),
        ({"num_threads": -1}, "num_threads: expected 0"),
        ({"out": np.empty((24, 61, 81), np.float32)}, r"out: expected shape \(24, 61, 80\)"),
    ],
)
def test_bad_options(scene, change, message):
    arguments = {"reference": scene.views[0], "sources": scene.views[1:], "depths": DEPTHS, **change}
    with pytest.raises(ValueError, match=message):
        mvs.plane_sweep(**arguments)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda v: [*v, *v[1:2] * 29], r"sources: expected 1 to 32 views"),
        (lambda v: [v[0], v[1], v[0]], r"sources\[1\]: expected a baseline to the reference, got 0"),
        (
            lambda v: [v[0], v[1], v[2]._replace(cam_from_world=np.c_[np.diag([-1.0, 1, -1]), [1, 0, 0]])],
            r"sources\[1\]: expected a view that sees some of the reference's depth range",
        ),
        (lambda v: [v[0]._replace(K=v[0].K.T), v[1]], r"reference\.K: expected upper triangular"),
        (lambda v: [v[0]._replace(K=np.eye(4)), v[1]], r"reference\.K: expected shape \(3, 3\)"),
        (
            lambda v: [v[0], v[1]._replace(cam_from_world=1.1 * v[1].cam_from_world)],
            r"sources\[0\]\.cam_from_world: expected a rotation",
        ),
        (
            lambda v: [v[0], v[1]._replace(image=np.full((61, 80), np.nan, np.float32))],
            r"sources\[0\]\.image: expected values in \[0, 1\], got nan",
        ),
        (
            lambda v: [v[0], v[1]._replace(image=v[1].image.astype(np.float32))],
            r"sources\[0\]\.image: expected values in \[0, 1\]",
        ),
        (lambda v: [v[0]._replace(image=v[0].image[..., :2]), v[1]], r"reference\.image: expected shape \(H, W\)"),
    ],
)
def test_bad_views(scene, change, message):
    views = change(scene.views)
    with pytest.raises(ValueError, match=message):
        mvs.plane_sweep(views[0], views[1:], DEPTHS)


def test_wrong_dtypes_and_too_few_planes(scene):
    wide = scene.views[0]._replace(image=scene.views[0].image.astype(np.float64))
    with pytest.raises(TypeError, match=r"reference\.image: expected dtype uint8 or uint16 or float32, got float64"):
        mvs.plane_sweep(wide, scene.views[1:], DEPTHS)
    with pytest.raises(ValueError, match="depths: expected at least 4 surfaces"):
        mvs.estimate_depth(scene.views[0], scene.views[1:], DEPTHS[:3])
    with pytest.raises(ValueError, match="depths: expected 5 surfaces, got 4"):
        mvs.winner_take_all(np.zeros((5, 2, 2), np.float32), DEPTHS[:4])
