# SPDX-License-Identifier: Apache-2.0
"""The GPU's results are the CPU's, bit for bit: sums are integers and nothing is contracted."""

from __future__ import annotations

import numpy as np
import pytest

import fastcv
from fastcv import mvs
from fastcv._arrays import handle
from fastcv.mvs._sweep import Options, prepare

from .conftest import NORMAL, OFFSET, K

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not fastcv.cuda.is_available(), reason="needs a CUDA device")]
DEPTHS = mvs.inverse_depth_planes(2.5, 8.0, 24)


def on_gpu(array):
    torch = pytest.importorskip("torch")
    return torch.from_numpy(array).cuda()


COSTS = [("sad", 1), ("sad", 5), ("ncc", 7), ("ncc", 31), ("census", 5), ("gradient", 1), ("gradient", 31)]


@pytest.mark.parametrize("num_best", [1, 2, 4])
@pytest.mark.parametrize(("cost", "window"), COSTS)
def test_costs_and_depths(scene, cost, window, num_best):
    options = {"cost": cost, "window": window, "num_best": num_best}
    views = [view._replace(image=on_gpu(view.image)) for view in scene.views]
    expected = mvs.plane_sweep(scene.views[0], scene.views[1:], DEPTHS, **options)
    costs = mvs.plane_sweep(views[0], views[1:], DEPTHS, **options)
    np.testing.assert_array_equal(costs.cpu(), expected)
    winners = mvs.winner_take_all(expected, DEPTHS)
    for result in (mvs.winner_take_all(costs, DEPTHS), mvs.estimate_depth(views[0], views[1:], DEPTHS, **options)):
        for a, b in zip(result, winners, strict=True):
            np.testing.assert_array_equal(a.cpu(), b)


@pytest.mark.parametrize(("cost", "window"), COSTS)
def test_masks_weights_and_surfaces(scene, cost, window):
    rng = np.random.default_rng(0)
    masks = [rng.random(v.image.shape[:2]) > 0.01 for v in scene.views]
    views = [v._replace(mask=mask) for v, mask in zip(scene.views, masks, strict=True)]
    there = [v._replace(image=on_gpu(v.image), mask=on_gpu(v.mask)) for v in views]
    options = {"cost": cost, "window": window, "weights": [1, 2, 3, 4]}
    bounds = [(scene.depths[0] * f).astype(np.float32) for f in (0.9, 1.1)]
    for depths, depths_there in (
        (mvs.DepthRange(*bounds, 6), mvs.DepthRange(*map(on_gpu, bounds), 6)),
        (mvs.SlantedPlanes(NORMAL, OFFSET * np.linspace(0.8, 1.2, 6)),) * 2,
        (mvs.SlantedPlanes([0, 1, 0], np.linspace(0.5, 2, 6)),) * 2,
    ):
        num_seen, shape = np.empty((6, *views[0].image.shape[:2]), np.uint8), (6, *views[0].image.shape[:2])
        expected = mvs.plane_sweep(views[0], views[1:], depths, num_seen=num_seen, **options)
        seen_there = on_gpu(np.empty(shape, np.uint8))
        costs = mvs.plane_sweep(there[0], there[1:], depths_there, num_seen=seen_there, **options)
        np.testing.assert_array_equal(costs.cpu(), expected)
        np.testing.assert_array_equal(seen_there.cpu(), num_seen)
        for a, b in zip(
            mvs.winner_take_all(costs, depths_there, K=K), mvs.winner_take_all(expected, depths, K=K), strict=True
        ):
            np.testing.assert_array_equal(a.cpu(), b)


@pytest.mark.parametrize(("cost", "window"), [("sad", 3), ("ncc", 5), ("census", 3), ("gradient", 3)])
def test_tiles_equal_the_plain_kernel(scene, cost, window):
    views = [view._replace(image=on_gpu(view.image)) for view in scene.views]
    sweep = prepare(views[0], views[1:], DEPTHS, Options(cost, window), 0)
    plain = sweep.call.empty((len(DEPTHS), *sweep.size), "float32")
    sweep.call.backend.mvs.plane_sweep_for_each(*sweep.native(), handle(plain), None, sweep.call.execution())
    tiled = mvs.plane_sweep(views[0], views[1:], DEPTHS, cost=cost, window=window)
    np.testing.assert_array_equal(tiled.cpu(), plain.cpu())


@pytest.mark.parametrize(("window", "masked"), [(3, False), (11, True), (21, False)])
def test_refinement(scene, window, masked):
    rng = np.random.default_rng(0)
    views = [v._replace(mask=rng.random(v.image.shape[:2]) > 0.003 if masked else None) for v in scene.views]
    there = [v._replace(image=on_gpu(v.image), mask=on_gpu(v.mask) if masked else None) for v in views]
    rough = (scene.depths[0] * rng.uniform(0.97, 1.03, scene.depths[0].shape)).astype(np.float32)
    known = [d.astype(np.float32) for d in scene.depths[1:]]
    options = {"window": window, "num_best": 3, "num_iterations": 2}
    expected = mvs.refine_depth(views[0], views[1:], rough, source_depths=known, **options)
    result = mvs.refine_depth(there[0], there[1:], on_gpu(rough), source_depths=[on_gpu(d) for d in known], **options)
    for a, b in zip(result, expected, strict=True):
        np.testing.assert_array_equal(a.cpu(), b)


@pytest.mark.parametrize(("cost", "window"), COSTS)
def test_smoothing(scene, cost, window):
    """On more surfaces than are swept at a time on the GPU, some of them behind the camera."""
    mask = np.random.default_rng(0).random(scene.views[0].image.shape[:2]) > 0.05
    views = [scene.views[0]._replace(mask=mask), *scene.views[1:]]
    there = [v._replace(image=on_gpu(v.image), mask=None if v.mask is None else on_gpu(v.mask)) for v in views]
    options = {"cost": cost, "window": window, "smoothing": mvs.SemiGlobal()}
    for depths in (mvs.inverse_depth_planes(2.5, 8.0, 70), mvs.SlantedPlanes([0, 1, 0], np.linspace(0.5, 2, 40))):
        expected = mvs.estimate_depth(views[0], views[1:], depths, **options)
        result = mvs.estimate_depth(there[0], there[1:], depths, **options)
        for a, b in zip(result, expected, strict=True):
            np.testing.assert_array_equal(a.cpu(), b)


def test_filter(scene):
    rng = np.random.default_rng(0)
    depths = [(d * (1 + 0.01 * rng.standard_normal(d.shape))).astype(np.float32) for d in scene.depths]
    kept = mvs.filter_depths(scene.views, [on_gpu(d) for d in depths])
    for a, b in zip(kept, mvs.filter_depths(scene.views, depths), strict=True):
        np.testing.assert_array_equal(a.cpu(), b)
    with pytest.raises(fastcv.DeviceError, match="depth_maps: expected arrays on cpu, got cuda"):
        mvs.fuse(scene.views, kept)


@pytest.mark.parametrize("reduce", ["variance", "correlation"])
@pytest.mark.parametrize(("channels", "num_groups"), [(32, 32), (32, 8), (6, 1)])
def test_feature_volume(scene, reduce, channels, num_groups):
    rng = np.random.default_rng(0)
    views = [view._replace(image=rng.random((channels, 61, 80), np.float32)) for view in scene.views]
    options = {"reduce": reduce, "num_groups": num_groups}
    expected = mvs.feature_volume(views[0], views[1:], DEPTHS, **options)
    moved = [view._replace(image=on_gpu(view.image).requires_grad_()) for view in views]
    volume = mvs.feature_volume(moved[0], moved[1:], DEPTHS, **options)
    for a, b in zip(volume, expected, strict=True):
        np.testing.assert_array_equal(a.detach().cpu(), b)
    # Sums over threads in no order, twice: they are sums of integers.
    grads = []
    for _ in range(2):
        for view in moved:
            view.image.grad = None
        volume.values.square().sum().backward(retain_graph=True)
        grads.append([view.image.grad.cpu().numpy() for view in moved])
    for a, b in zip(*grads, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_gradient_that_is_not_finite_shows(scene):
    """Fixed point cannot hold it, so it must not vanish in the conversion."""
    rng = np.random.default_rng(0)
    views = [view._replace(image=on_gpu(rng.random((4, 61, 80), np.float32)).requires_grad_()) for view in scene.views]
    values = mvs.feature_volume(views[0], views[1:], DEPTHS).values
    (values.sum() * float("inf")).backward()
    assert views[1].image.grad.isnan().all()
