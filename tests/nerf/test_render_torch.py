# SPDX-License-Identifier: Apache-2.0
"""Volume rendering on torch tensors: first and second gradients, opcheck, torch.compile, torch.func."""

from __future__ import annotations

import numpy as np
import pytest

from fastcv.nerf import Rendered, distortion_loss, median_depth, render, render_vjp, render_weights

torch = pytest.importorskip("torch")
from fastcv.nerf import _torch_ray_weights, _torch_render  # noqa: E402

from .ray_samples import make  # noqa: E402


@pytest.fixture
def few(device):
    """Densities, colours, starts, ends, a background; offsets with an empty ray and a sample of no ray."""
    samples = make([4, 0, 5, 1, 1])
    samples.densities[samples.densities == 0] = 0.5
    background = np.random.default_rng(1).random((4, 3))
    arrays = [torch.tensor(x, device=device.name) for x in (*samples[:4], background)]
    return [x.requires_grad_() for x in arrays], torch.tensor(samples.offsets[:-1], device=device.name)


def call(offsets, **options):
    return lambda d, c, s, e, b: render(d, c, s, e, offsets, background=b, **options)


@pytest.mark.parametrize("early_stop", [0.0, 0.6])
def test_first_and_second_gradients(few, early_stop):
    inputs, offsets = few
    run = call(offsets, early_stop=early_stop)
    assert torch.autograd.gradcheck(run, inputs)
    assert torch.autograd.gradgradcheck(run, inputs)


def test_second_gradients_of_parts(few):
    """Of colours alone, of weights without colours, by some of the inputs."""
    (d, c, s, e, b), offsets = few
    parts = [x.detach() for x in (d, c, s, e, b)]
    color = [parts[0].clone().requires_grad_(), parts[1].clone().requires_grad_()]
    run = lambda d, c: render(d, c, *parts[2:4], offsets).color  # noqa: E731
    assert torch.autograd.gradgradcheck(run, color)
    assert torch.autograd.gradcheck(lambda d, s, e: render_weights(d, s, e, offsets), (d, s, e))
    assert torch.autograd.gradgradcheck(lambda d, s, e: render_weights(d, s, e, offsets), (d, s, e))


def test_loss_of_a_gradient(few):
    (d, c, s, e, b), offsets = few
    d, b = (x.detach().requires_grad_() for x in (d, b))

    def loss(d, b):
        (by,) = torch.autograd.grad(render(d, c, s, e, offsets, background=b).color.sum(), d, create_graph=True)
        return by.square().sum()

    assert torch.autograd.gradcheck(loss, (d, b))


def test_gradients_are_those_of_the_vjp(few):
    inputs, offsets = few
    result = call(offsets, early_stop=0.1)(*inputs)
    generator = torch.Generator().manual_seed(0)
    grads = [torch.randn(x.shape, generator=generator, dtype=x.dtype).to(x.device) for x in result]
    ours = torch.autograd.grad(list(result), inputs, grads)
    plain = [x.detach().cpu().numpy() for x in (*inputs, offsets)]
    rendered, by = (Rendered(*(x.detach().cpu().numpy() for x in xs)) for xs in (result, grads))
    back = render_vjp(*plain[:4], plain[5], rendered, by, background=plain[4], early_stop=0.1)
    for a, b in zip(ours, back, strict=True):
        np.testing.assert_allclose(a.cpu(), b, rtol=0, atol=1e-12)


def test_dense_and_one_background(few):
    (d, c, s, e, _), _ = few
    dense = [x.detach()[:10].reshape(2, 5, *x.shape[1:]).requires_grad_() for x in (d, c, s, e)]
    background = torch.rand(3, dtype=torch.float64, device=d.device, requires_grad=True)
    run = lambda *x: render(*x[:4], background=x[4])  # noqa: E731
    assert run(*dense, background).weights.shape == (2, 5)
    assert torch.autograd.gradcheck(run, (*dense, background))


def test_distortion_loss(few):
    (_, _, s, e, _), offsets = few
    w = torch.rand(11, dtype=torch.float64, device=s.device, requires_grad=True)
    assert torch.autograd.gradcheck(lambda w, s, e: distortion_loss(w, s, e, offsets), (w, s, e))
    (by,) = torch.autograd.grad(distortion_loss(w, s, e, offsets).sum(), w, create_graph=True)
    with pytest.raises(NotImplementedError, match=r"^distortion_loss: expected a first derivative"):
        by.sum().backward()
    assert not median_depth(w, s, e, offsets).requires_grad


def test_opcheck(few):
    inputs, offsets = few
    d, c, s, e, b = inputs
    arrays = (d, s, e, offsets, c, b)
    torch.library.opcheck(_torch_render.rendered, (*arrays, 0.0, 0))
    kept = [x.detach() for x in _torch_render.render(*arrays, 0.0, 0)]
    grads = [torch.rand_like(x) for x in kept]
    options = (True, True, True, 0.0, 0)
    torch.library.opcheck(_torch_render.rendered_vjp, (*arrays, *kept[1:], *grads, *options))
    plain = (d.detach(), s.detach(), e.detach(), offsets, None, None)
    some = (plain, *kept[1:], None, *grads[1:], False, False, False, 0.0, 0)
    torch.library.opcheck(_torch_render.rendered_vjp, (*some[0], *some[1:]))
    w = torch.rand(11, dtype=torch.float64, device=d.device, requires_grad=True)
    torch.library.opcheck(_torch_ray_weights.spread, (w, s, e, offsets, 0))
    by = torch.rand(4, dtype=torch.float64, device=d.device)
    detached = [x.detach() for x in (w, s, e)]
    torch.library.opcheck(_torch_ray_weights.spread_vjp, (*detached, offsets, by, True, 0))


def test_compile(few):
    inputs, offsets = few

    def loss(d, c, s, e, b):
        result = render(d, c, s, e, offsets, background=b, early_stop=0.1)
        spread = distortion_loss(result.weights, s, e, offsets)
        return result.color.square().sum() + result.depth.sum() + spread.sum()

    eager = torch.autograd.grad(loss(*inputs), inputs)
    compiled = torch.autograd.grad(torch.compile(loss, fullgraph=True, backend="aot_eager")(*inputs), inputs)
    for a, b in zip(eager, compiled, strict=True):
        assert torch.equal(a, b)


def test_func(few):
    inputs, offsets = few
    d, c, s, e, b = (x.detach() for x in inputs)

    def color(d):
        return render(d, c, s, e, offsets, background=b).color

    batch = torch.stack([d, 2 * d])
    assert torch.equal(torch.func.vmap(color)(batch), torch.stack([color(d), color(2 * d)]))
    (expected,) = torch.autograd.grad(color(inputs[0]).sum(), inputs[0])
    assert torch.equal(torch.func.grad(lambda d: color(d).sum())(d), expected)
    twice = torch.func.jacrev(torch.func.grad(lambda d: color(d).square().sum()))(d)
    torch.testing.assert_close(twice, twice.T, rtol=0, atol=1e-12)
    assert twice.any()


def test_autocast_leaves_it_alone(few):
    (d, c, s, e, b), offsets = few
    d, c, s, e, b = (x.detach().float() for x in (d, c, s, e, b))
    with torch.autocast(d.device.type, dtype=torch.bfloat16):
        assert torch.equal(render(d, c, s, e, offsets).color, render(d, c, s, e, offsets).color.float())
        with pytest.raises(TypeError, match=r"^colors: expected dtype float32, got bfloat16$"):
            render(d, c.bfloat16(), s, e, offsets)


def test_out(few):
    inputs, offsets = few
    plain = [x.detach() for x in inputs]
    expected = call(offsets)(*plain)
    out = Rendered(*(torch.empty_like(x) for x in expected))
    assert call(offsets, out=out)(*plain).color is out.color
    assert all(torch.equal(a, b) for a, b in zip(out, expected, strict=True))
    with pytest.raises(ValueError, match=r"^out: expected None where a gradient is required, got tensors$"):
        call(offsets, out=out)(*inputs)


def test_upstream_gradients_of_any_stride(few):
    inputs, offsets = few
    result = call(offsets)(*inputs)
    a = torch.autograd.grad(result.color.sum() + result.depth.sum(), inputs[0], retain_graph=True)[0]
    ones = torch.ones(3, 4, dtype=torch.float64, device=a.device).T
    b = torch.autograd.grad([result.color, result.depth], inputs[0], [ones, ones[:, 0]])[0]
    assert torch.equal(a, b)
