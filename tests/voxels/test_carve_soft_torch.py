# SPDX-License-Identifier: Apache-2.0
"""Soft carving of torch tensors: against torch's own grid_sample and its gradients, opcheck, torch.compile."""

from __future__ import annotations

import numpy as np
import pytest

from fastcv import Camera, voxels
from fastcv.voxels import VoxelGrid
from fastcv.voxels._soft_masks import Sensor

from .conftest import ball_grid, pose_towards

torch = pytest.importorskip("torch")
from fastcv.voxels import _torch  # noqa: E402

RATES = {"miss_rate": 0.05, "false_alarm_rate": 0.7, "prior": 0.4}
DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)]


def require(dev):
    if dev == "cuda" and not torch.cuda.is_available():
        pytest.skip("no CUDA device")


def expected(masks, matrices, grid, outside):
    """By torch's own operations in double precision."""
    centers = torch.tensor(np.stack([grid.centers(z) for z in range(grid.shape[0])]))
    log_odds = torch.full(grid.shape, np.log(0.4 / 0.6), dtype=torch.float64)
    for mask, P in zip(masks, torch.tensor(matrices), strict=True):
        height, width = mask.shape
        xw, yw, w = (centers @ P[:, :3].T + P[:, 3]).unbind(-1)
        u, v = xw / w, yw / w
        sees = (w > 0) & (u >= 0) & (v >= 0) & (u < width) & (v < height)
        where = torch.stack([2 * u / width - 1, 2 * v / height - 1], -1).reshape(1, 1, -1, 2)
        s = torch.nn.functional.grid_sample(mask[None, None], where, padding_mode="border", align_corners=False)
        s = s.reshape(grid.shape)
        ratio = torch.log(s * 0.95 + (1 - s) * 0.05) - torch.log(s * 0.7 + (1 - s) * 0.3)
        log_odds = log_odds + torch.where(sees, ratio, np.log(0.05 / 0.3) if outside == "carve" else 0.0)
    return log_odds.sigmoid()


def random_masks(sizes):
    rng = np.random.default_rng(8)
    return [rng.uniform(0, 1, size) for size in sizes]


@pytest.mark.parametrize("dev", DEVICES)
@pytest.mark.parametrize("outside", ["ignore", "carve"])
@pytest.mark.parametrize("views", [7, 2])  # of two, each view's gradient is summed in several parts
def test_values_and_gradients_are_torch_s(ball, views, outside, dev):
    require(dev)
    grid = ball_grid(17, 20, 31)
    values = random_masks([mask.shape for mask in ball.masks[:views]])
    exact = [torch.tensor(value, requires_grad=True) for value in values]
    p = expected(exact, ball.matrices[:views], grid, outside)
    weights = torch.rand(grid.shape, dtype=torch.float64, generator=torch.manual_seed(0)) - 0.5
    (weights * p).sum().backward()
    for dtype, tolerance in ((torch.float64, 1e-9), (torch.float32, 2e-6)):
        masks = [torch.tensor(value, dtype=dtype, device=dev, requires_grad=True) for value in values]
        result = voxels.carve_soft(masks, ball.matrices[:views], grid, outside=outside, **RATES)
        assert result.dtype == dtype
        torch.testing.assert_close(result.detach().cpu().double(), p.detach(), rtol=tolerance, atol=tolerance)
        (weights.to(result) * result).sum().backward()
        for mask, reference in zip(masks, exact, strict=True):
            error = (mask.grad.cpu().double() - reference.grad).abs().max()
            assert error < tolerance * reference.grad.abs().max()
            assert reference.grad.abs().max() > 0.01


def test_gradients_near_certainty_keep_their_digits():
    """p is 1 in single precision, but not its gradient 0: it is that of the odds, which are known better."""
    camera = np.array([[4.0, 0, 4, 0], [0, 4.0, 4, 0], [0, 0, 1, 0]])
    grid = VoxelGrid([-0.125, -0.125, 1], 0.25, (1, 1, 1))
    masks = torch.full((10, 8, 8), 0.98, requires_grad=True)
    p = voxels.carve_soft(masks, [camera] * 10, grid, miss_rate=0.001, false_alarm_rate=0.1)
    assert p.item() == 1
    p.sum().backward()
    s = torch.full((), 0.98, dtype=torch.float64, requires_grad=True)
    log_odds = 10 * torch.log((s * 0.999 + (1 - s) * 0.001) / (s * 0.1 + (1 - s) * 0.9))
    slope = torch.autograd.grad(log_odds, s)[0] / 10
    certainty = torch.sigmoid(log_odds) * torch.sigmoid(-log_odds)
    np.testing.assert_allclose(masks.grad.sum((1, 2)), np.full(10, (slope * certainty).item()), rtol=1e-5)


def small_scene():
    """Two views of 18 voxels, one of them through a lens, and a corner that one of them does not see."""
    poses = [pose_towards(np.array(eye), np.zeros(3)) for eye in ([2.0, 0.3, 0.1], [0.2, 2.0, -0.4])]
    pairs = [
        (Camera("PINHOLE", 6, 5, np.array([8.0, 8, 3, 2.5])), poses[0]),
        (Camera("SIMPLE_RADIAL", 5, 7, np.array([8.0, 2.5, 3.5, 0.1])), poses[1]),
    ]
    return random_masks([(5, 6), (7, 5)]), pairs, VoxelGrid([-0.5, -0.5, -0.5], 0.35, (2, 3, 3))


def test_gradcheck():
    values, pairs, grid = small_scene()
    masks = [torch.tensor(0.1 + 0.8 * value, requires_grad=True) for value in values]

    def run(*masks):
        return voxels.carve_soft(list(masks), pairs, grid, **RATES)

    assert torch.autograd.gradcheck(run, masks)


@pytest.mark.parametrize("num_threads", [1, 2, 5])
def test_gradients_are_the_same_bits_for_every_number_of_threads(ball, num_threads):
    grid = ball_grid(17, 20, 31)
    gradients = []
    for threads in (3, num_threads):
        masks = [torch.tensor(value, dtype=torch.float32) for value in random_masks([m.shape for m in ball.masks[:3]])]
        for mask in masks:
            mask.requires_grad_()
        voxels.carve_soft(masks, ball.matrices[:3], grid, num_threads=threads, **RATES).square().sum().backward()
        gradients.append(masks)
    for first, second in zip(*gradients, strict=True):
        assert torch.equal(first.grad, second.grad)


def test_opcheck():
    values, pairs, grid = small_scene()
    masks = [torch.tensor(value, requires_grad=True) for value in values]
    packed = _torch.pack([pairs[0], pairs[1]], grid, Sensor(0.05, 0.7, 0.4, "ignore"))
    torch.library.opcheck(_torch.carve_soft, (masks, *packed, 0))
    grad = torch.ones(grid.shape, dtype=torch.float64)
    torch.library.opcheck(_torch.carve_soft_vjp, (grad, [mask.detach() for mask in masks], *packed, 0))


def test_compile():
    values, pairs, grid = small_scene()
    matrix = pairs[0][0].matrix @ pairs[0][1]

    def loss(first, second):
        return voxels.carve_soft([first, second], [matrix, pairs[1]], grid, **RATES).square().sum()

    results = []
    for run in (loss, torch.compile(loss, fullgraph=True, backend="aot_eager")):
        masks = [torch.tensor(value, requires_grad=True) for value in values]
        value = run(*masks)
        value.backward()
        results.append([value.detach(), *(mask.grad for mask in masks)])
    for eager, compiled in zip(*results, strict=True):
        assert torch.equal(eager, compiled)


def test_one_tensor_of_masks():
    masks = torch.rand((3, 8, 8), generator=torch.manual_seed(1), requires_grad=True)
    camera = np.array([[4.0, 0, 4, 0], [0, 4.0, 4, 0], [0, 0, 1, 0]])
    grid = VoxelGrid([-0.5, -0.5, 1], 0.25, (2, 4, 4))
    p = voxels.carve_soft(masks, torch.tensor(np.stack([camera] * 3)), grid)
    expected = voxels.carve_soft(masks.detach().numpy(), [camera] * 3, grid)
    np.testing.assert_array_equal(p.detach().numpy(), expected)
    p.sum().backward()
    assert (masks.grad[:, 2:6, 2:6].abs() > 0).all()
    out = torch.empty(grid.shape)
    assert voxels.carve_soft(masks.detach(), [camera] * 3, grid, out=out) is out
    np.testing.assert_array_equal(out.numpy(), expected)


def test_what_must_be_constant():
    values, pairs, grid = small_scene()
    masks = [torch.tensor(value) for value in values]
    pose = torch.tensor(pairs[0][1], requires_grad=True)
    with pytest.raises(ValueError, match=r"cameras\[0\]: expected a constant, got a tensor that requires a gradient"):
        voxels.carve_soft(masks, [(pairs[0][0], pose), pairs[1]], grid)
    with pytest.raises(ValueError, match="out: expected None for masks that require a gradient, got an array"):
        voxels.carve_soft([masks[0], masks[1].requires_grad_()], pairs, grid, out=torch.empty(grid.shape))
    with pytest.raises(TypeError, match=r"masks\[1\]: expected a torch tensor as masks\[0\], got ndarray"):
        voxels.carve_soft([masks[0], values[1]], pairs, grid)
    with pytest.raises(ValueError, match=r"masks\[0\]: expected values from 0 to 1, got others"):
        voxels.carve_soft([masks[0] + 1, masks[1]], pairs, grid)
