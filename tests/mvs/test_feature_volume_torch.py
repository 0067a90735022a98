# SPDX-License-Identifier: Apache-2.0
"""Volumes of features on torch tensors: MVSNet's warping by grid_sample, gradients, opcheck, torch.compile."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest

from fastcv import mvs
from fastcv.mvs import _feature_reference

torch = pytest.importorskip("torch")
from fastcv.mvs import _torch  # noqa: E402  (needs torch)

DEPTHS = (1 / np.linspace(1 / 2.5, 1 / 9, 5)).astype(np.float32)
K = np.array([[22.0, 0, 10], [0, 22.0, 8], [0, 0, 1]])
SIZES = [(15, 20), (15, 20), (17, 13), (15, 20)]
CENTERS = [(0, 0, 0), (0.35, 0, 0), (-0.3, 0.05, 0), (0, 0.3, 0.1)]


@pytest.fixture
def dev(device):
    return device.name


def views(channels, dev="cpu", dtype=torch.float32, requires_grad=True, seed=0):
    """A reference and three sources, one of another size."""
    generator = torch.Generator().manual_seed(seed)
    return [
        mvs.View(
            torch.rand((channels, *size), generator=generator).to(dev, dtype).requires_grad_(requires_grad),
            K,
            np.c_[np.eye(3), -np.array(center)],
        )
        for size, center in zip(SIZES, CENTERS, strict=True)
    ]


def depth_maps(dev="cpu", requires_grad=False):
    """A depth of every pixel around each plane."""
    factors = 0.95 + 0.1 * torch.rand((len(DEPTHS), *SIZES[0]), generator=torch.Generator().manual_seed(7))
    return (torch.tensor(DEPTHS)[:, None, None] * factors).to(dev).requires_grad_(requires_grad)


def warp(reference, source, depths):
    """The source's features at every depth, (C, D, H, W), and which of them it sees, as MVSNet's homo_warping does."""
    (height, width), (rows, columns) = reference.image.shape[1:], source.image.shape[1:]
    to_center = np.array([[1, 0, -0.5], [0, 1, -0.5], [0, 0, 1]])
    motion = [torch.eye(4, dtype=torch.float64) for _ in range(2)]
    for matrix, view in zip(motion, (reference, source), strict=True):
        matrix[:3] = torch.tensor(to_center @ view.K @ view.cam_from_world)
    source_from_reference = motion[1] @ torch.linalg.inv(motion[0])
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    rays = source_from_reference[:3, :3] @ torch.stack([x, y, torch.ones_like(x)]).double().reshape(3, -1)
    d = depths.double().reshape(len(depths), 1, -1)
    p = rays * d + source_from_reference[:3, 3, None]
    grid = torch.stack([2 * p[:, 0] / p[:, 2] / (columns - 1) - 1, 2 * p[:, 1] / p[:, 2] / (rows - 1) - 1], -1)
    warped = torch.nn.functional.grid_sample(
        source.image.double().expand(len(depths), -1, -1, -1),
        grid.clamp(-1, 1).reshape(-1, height, width, 2).expand(len(depths), -1, -1, -1),
        align_corners=True,
    )
    border = torch.tensor([1 + 2 / 1024 / (columns - 1), 1 + 2 / 1024 / (rows - 1)])
    seen = (grid.abs() <= border).all(-1).reshape(-1, height, width)
    return warped.transpose(0, 1), seen.expand(len(depths), -1, -1)


def expected_volume(reference, sources, depths, reduce, num_groups):
    """The volume in double precision by torch's own operations, (D, H, W, G), and how many sources count."""
    depths = depths if depths.ndim == 3 else depths[:, None, None].expand(-1, *reference.image.shape[1:])
    warped, seen = zip(*(warp(reference, source, depths) for source in sources), strict=True)
    r = reference.image.double()[:, None].expand_as(warped[0])
    count = sum(s.double() for s in seen)
    if reduce == "variance":
        mean = (r + sum(w * s for w, s in zip(warped, seen, strict=True))) / (count + 1)
        spread = (r - mean) ** 2 + sum((w - mean) ** 2 * s for w, s in zip(warped, seen, strict=True))
        value = spread / (count + 1)
    else:
        value = sum(r * w * s for w, s in zip(warped, seen, strict=True)) / count.clamp(min=1)
    grouped = value.reshape(num_groups, -1, *value.shape[1:]).mean(1)
    return torch.where(count > 0, grouped, 0).permute(1, 2, 3, 0), count


@pytest.mark.parametrize("planes", [True, False])
@pytest.mark.parametrize("reduce", ["variance", "correlation"])
@pytest.mark.parametrize(("channels", "num_groups"), [(32, 32), (32, 4), (6, 1), (18, 6)])
def test_values_and_gradients_are_those_of_grid_sample(dev, channels, num_groups, reduce, planes):
    inputs = views(channels, dev)
    depths = torch.tensor(DEPTHS, device=dev, requires_grad=True) if planes else depth_maps(dev, requires_grad=True)
    volume = mvs.feature_volume(inputs[0], inputs[1:], depths, reduce=reduce, num_groups=num_groups)
    on_cpu = [view._replace(image=view.image.detach().cpu().requires_grad_()) for view in inputs]
    their_depths = depths.detach().cpu().requires_grad_()
    expected, count = expected_volume(on_cpu[0], on_cpu[1:], their_depths, reduce, num_groups)
    np.testing.assert_array_equal(volume.num_seen.cpu(), count)
    # Positions are off by some 1e-6 px, features in [0, 1] change by up to 1 a pixel.
    np.testing.assert_allclose(volume.values.detach().cpu(), expected.detach(), rtol=0, atol=1e-5)

    upstream = torch.rand(expected.shape, generator=torch.Generator().manual_seed(3))
    (volume.values * upstream.to(dev)).sum().backward()
    (expected * upstream).sum().backward()
    for ours, theirs in zip(inputs, on_cpu, strict=True):
        assert theirs.image.grad.abs().max() > 1e-3
        np.testing.assert_allclose(ours.image.grad.cpu(), theirs.image.grad, rtol=1e-4, atol=1e-5)
    # A depth whose position lies within rounding of a pixel's centre has another slope on its other side.
    error = (depths.grad.cpu() - their_depths.grad).abs() / their_depths.grad.abs().max()
    assert (error > 1e-4).sum() <= 2
    assert their_depths.grad.abs().max() > 1e-3


@pytest.mark.parametrize("reduce", ["variance", "correlation"])
def test_gradients_by_finite_differences_of_the_reference(reduce):
    """Features enter squared at most, so that central differences have no error but rounding, whatever the step."""
    inputs, depths = views(6), depth_maps(requires_grad=True)
    upstream = torch.rand((*depths.shape, 3), generator=torch.Generator().manual_seed(3))
    volume = mvs.feature_volume(inputs[0], inputs[1:], depths, reduce=reduce, num_groups=3)
    (volume.values * upstream).sum().backward()
    rng = np.random.default_rng(0)
    steps = [rng.standard_normal(view.image.shape) for view in inputs]

    def loss(step, depth_step):
        moved = [
            view._replace(image=view.image.detach().numpy().astype(np.float64) + step * direction)
            for view, direction in zip(inputs, steps, strict=True)
        ]
        d = depths.detach().numpy().astype(np.float64) + depth_step
        values = _feature_reference.feature_volume(moved[0], moved[1:], d, reduce=reduce, num_groups=3).values
        return (values * upstream.numpy()).sum()

    slope = sum((view.image.grad.numpy() * step).sum() for view, step in zip(inputs, steps, strict=True))
    np.testing.assert_allclose(slope, (loss(0.5, 0) - loss(-0.5, 0)), rtol=1e-5)
    # Bilinear samples have kinks: a step of 1e-6 crosses none of the 1500 positions' here.
    slope = depths.grad.sum()
    np.testing.assert_allclose(slope, (loss(0, 1e-6) - loss(0, -1e-6)) / 2e-6, rtol=1e-4)


@pytest.mark.filterwarnings("ignore:Input #.* requires gradient and is not a double precision")
@pytest.mark.parametrize("reduce", ["variance", "correlation"])
def test_gradcheck(dev, reduce):
    """In single precision, with a step that suits it: central differences of a quadratic have no error of their own."""
    inputs = [view._replace(image=view.image[:, :6, :7].detach().requires_grad_()) for view in views(2, dev)]

    def values(*features):
        sources = [view._replace(image=f) for view, f in zip(inputs, features, strict=True)]
        return mvs.feature_volume(sources[0], sources[1:], DEPTHS[:2], reduce=reduce, num_groups=2).values

    assert torch.autograd.gradcheck(values, [view.image for view in inputs], eps=0.25, atol=1e-5, rtol=1e-4)


def gradients(channels, num_groups, reduce, num_threads=0, dev="cpu"):
    inputs, depths = views(channels, dev), depth_maps(dev, requires_grad=True)
    options = {"reduce": reduce, "num_groups": num_groups, "num_threads": num_threads}
    mvs.feature_volume(inputs[0], inputs[1:], depths, **options).values.square().sum().backward()
    return [*(view.image.grad.cpu().numpy() for view in inputs), depths.grad.cpu().numpy()]


def test_gradients_do_not_depend_on_threads_and_runs(dev):
    for reduce in ("variance", "correlation"):
        for a, b in zip(gradients(40, 5, reduce, 1, dev), gradients(40, 5, reduce, 3, dev), strict=True):
            np.testing.assert_array_equal(a, b)


CASES = (40, 5, "variance"), (16, 16, "correlation"), (3, 1, "variance")


def digest():
    parts = [gradient for case in CASES for gradient in gradients(*case)]
    return hashlib.sha256(b"".join(gradient.tobytes() for gradient in parts)).hexdigest()


@pytest.mark.parametrize("isa", ["v2", "v3"])
def test_gradients_have_the_same_bits_on_every_instruction_set(isa):
    script = "import runpy, sys; print(runpy.run_path(sys.argv[1])['digest']())"
    command, environment = [sys.executable, "-c", script, __file__], {**os.environ, "FASTCV_ISA": isa}
    run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == digest()


def test_where_nobody_sees_gradients_are_zero(dev):
    inputs = views(4, dev)
    away = inputs[1]._replace(cam_from_world=np.c_[np.diag([-1.0, 1, -1]), [0.3, 0, 0]])
    depths = depth_maps(dev, requires_grad=True)
    mvs.feature_volume(inputs[0], [away], depths, num_groups=4).values.sum().backward()
    for grad in (inputs[0].image.grad, away.image.grad, depths.grad):
        assert not grad.any()
    inputs, none = views(4, dev), torch.zeros((2, *SIZES[0]), device=dev, requires_grad=True)
    mvs.feature_volume(inputs[0], inputs[1:], none).values.sum().backward()
    assert not none.grad.any()


def test_a_missing_gradient_is_not_asked_for(dev):
    inputs = views(4, dev)
    fixed = [view._replace(image=view.image.detach()) for view in inputs]
    mvs.feature_volume(inputs[0], fixed[1:], DEPTHS).values.sum().backward()
    expected = inputs[0].image.grad.clone()
    inputs[0].image.grad = None
    mvs.feature_volume(inputs[0], inputs[1:], DEPTHS).values.sum().backward()
    np.testing.assert_array_equal(inputs[0].image.grad.cpu(), expected.cpu())
    depths = torch.tensor(DEPTHS, device=dev, requires_grad=True)
    mvs.feature_volume(fixed[0], fixed[1:], depths).values.sum().backward()
    assert depths.grad.abs().min() > 0
    assert not mvs.feature_volume(fixed[0], fixed[1:], DEPTHS).values.requires_grad


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision(dev, dtype):
    halves = views(8, dev, dtype)
    singles = [view._replace(image=view.image.detach().float().requires_grad_()) for view in halves]
    results = []
    for inputs in (halves, singles):
        volume = mvs.feature_volume(inputs[0], inputs[1:], DEPTHS, num_groups=2)
        assert volume.values.dtype == torch.float32
        volume.values.sum().backward()
        results.append(volume)
    assert torch.equal(results[0].values, results[1].values)
    for half, single in zip(halves, singles, strict=True):
        assert half.image.grad.dtype == dtype
        assert torch.equal(half.image.grad, single.image.grad.to(dtype))


def test_opcheck(dev):
    for num_groups, depths in ((4, torch.tensor(DEPTHS, device=dev)), (1, depth_maps(dev))):
        inputs = views(4, dev)
        features, cameras = [view.image for view in inputs], _torch.pack_cameras(inputs)
        options = (cameras, depths, "variance", num_groups, 0)
        torch.library.opcheck(_torch.feature_volume, (features[0], features[1:], *options))
        detached = [f.detach() for f in features]
        grad = torch.rand((len(DEPTHS), *SIZES[0], num_groups), device=dev)
        for op in (_torch.feature_volume_vjp, _torch.feature_volume_depth_vjp):
            torch.library.opcheck(op, (grad, detached[0], detached[1:], *options))


def test_compile(dev):
    depths = depth_maps(dev)

    def loss(features):
        inputs = [view._replace(image=f) for view, f in zip(cameras, features, strict=True)]
        volume = mvs.feature_volume(inputs[0], inputs[1:], depths, num_groups=4)
        return (volume.values.square() * (volume.num_seen > 1)[..., None]).sum()

    cameras = views(4, dev)
    results = []
    for run in (loss, torch.compile(loss, fullgraph=True, backend="aot_eager")):
        features = [view.image for view in views(4, dev)]
        value = run(features)
        value.backward()
        results.append([value.detach(), *(f.grad for f in features)])
    for eager, compiled in zip(*results, strict=True):
        assert torch.equal(eager, compiled)


def test_out_and_channels_last(dev):
    inputs = views(4, dev, requires_grad=False)
    expected = mvs.feature_volume(inputs[0], inputs[1:], DEPTHS, num_groups=4).values
    out = torch.empty_like(expected)
    assert mvs.feature_volume(inputs[0], inputs[1:], DEPTHS, num_groups=4, out=out).values is out
    assert torch.equal(out, expected)
    assert expected.permute(3, 0, 1, 2)[None].is_contiguous(memory_format=torch.channels_last_3d)
    last = [view._replace(image=view.image[None].to(memory_format=torch.channels_last)[0]) for view in inputs]
    assert torch.equal(mvs.feature_volume(last[0], last[1:], DEPTHS, num_groups=4).values, expected)


def test_wrong_arguments():
    inputs = views(4)
    out = torch.empty((len(DEPTHS), *SIZES[0]))
    with pytest.raises(ValueError, match=r"^out: expected None where reference requires a gradient, got a tensor$"):
        mvs.feature_volume(inputs[0], inputs[1:], DEPTHS, out=out)
    pose = torch.tensor(inputs[1].cam_from_world, requires_grad=True)
    moving = inputs[1]._replace(cam_from_world=pose)
    message = r"^sources\[0\].cam_from_world: expected a constant, got a tensor that requires a gradient$"
    with pytest.raises(ValueError, match=message):
        mvs.feature_volume(inputs[0], [moving], DEPTHS)
    fixed = [view._replace(image=view.image.detach()) for view in inputs]
    with pytest.raises(ValueError, match=message):
        mvs.feature_volume(fixed[0], [fixed[1]._replace(cam_from_world=pose)], DEPTHS, out=out)
    with pytest.raises(ValueError, match=r"^sources\[0\].K: expected shape \(3, 3\), got \(2, 2\)$"):
        mvs.feature_volume(inputs[0], [inputs[1]._replace(K=np.eye(2))], DEPTHS)
    with pytest.raises(ValueError, match=r"^sources\[0\].K: expected upper triangular"):
        mvs.feature_volume(inputs[0], [inputs[1]._replace(K=np.zeros((3, 3)))], DEPTHS)
    with pytest.raises(ValueError, match=r"^depths: expected positive values"):
        mvs.feature_volume(inputs[0], inputs[1:], torch.tensor([1.0, -1.0]))
    with pytest.raises(ValueError, match=r"^num_groups: expected a divisor of the 4 channels, got 3$"):
        mvs.feature_volume(inputs[0], inputs[1:], DEPTHS, num_groups=3)


def test_no_second_derivative():
    inputs = views(2)
    value = mvs.feature_volume(inputs[0], inputs[1:], DEPTHS).values.sum()
    (grad,) = torch.autograd.grad(value, inputs[0].image, create_graph=True)
    with pytest.raises(RuntimeError, match="feature_volume_vjp"):
        grad.sum().backward()
