# SPDX-License-Identifier: Apache-2.0
"""Encodings without parameters on torch tensors: gradients, opcheck, torch.compile, torch.func, modules."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest

from fastcv.nerf import frequency_encoding, frequency_encoding_vjp, spherical_harmonics, spherical_harmonics_vjp

torch = pytest.importorskip("torch")
from fastcv.nerf import _torch_encodings  # noqa: E402
from fastcv.nerf.modules import FrequencyEncoding, SphericalHarmonics  # noqa: E402

# The function, the op's name and its list of numbers.
ENCODINGS = {
    "waves": (partial(frequency_encoding, frequencies=4), "frequency_encoding", [0.0, 1.0, 1.0, 1.0, 1.0]),
    "windowed": (
        partial(frequency_encoding, frequencies=3, include_input=True, window=1.5),
        "frequency_encoding",
        [1.0, 1.0, 0.5, 0.0],
    ),
    "sh 1": (partial(spherical_harmonics, degree=1), "spherical_harmonics", [1.0]),
    "sh 5": (partial(spherical_harmonics, degree=5), "spherical_harmonics", [5.0]),
}


@pytest.fixture(params=ENCODINGS.values(), ids=ENCODINGS)
def encoding(request):
    return request.param


@pytest.fixture
def points(device):
    values = np.random.default_rng(0).normal(size=(4, 3))
    values /= np.linalg.norm(values, axis=1, keepdims=True)
    return torch.tensor(values, device=device.name, requires_grad=True)


def test_first_and_second_gradients(encoding, points):
    encode, *_ = encoding
    assert torch.autograd.gradcheck(encode, (points,))
    assert torch.autograd.gradgradcheck(encode, (points,))


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 2e-4)])
def test_gradients_are_the_vjp_s(points, dtype, tolerance):
    start = points.detach().to(dtype)
    for features, vjp, n in (
        (frequency_encoding, frequency_encoding_vjp, 6),
        (spherical_harmonics, spherical_harmonics_vjp, 6),
    ):
        p = start.clone().requires_grad_()
        values = features(p, n)
        values.square().sum().backward()
        expected = vjp(start.cpu().double().numpy(), n, 2 * values.detach().cpu().double().numpy())
        np.testing.assert_allclose(p.grad.cpu(), expected, rtol=0, atol=tolerance)


def test_opcheck(encoding, points):
    _, op, config = encoding
    features = _torch_encodings.features(op, points.detach(), None, config, 0)
    grad = torch.rand_like(features).requires_grad_()
    torch.library.opcheck(_torch_encodings.features, (op, points, None, config, 0))
    torch.library.opcheck(_torch_encodings.vjp, (op, points, None, grad, config, 0))
    plain = points.detach()
    torch.library.opcheck(_torch_encodings.features, (op, plain, plain, config, 0))
    torch.library.opcheck(_torch_encodings.vjp, (op, plain, plain, grad.detach(), config, 0))


def test_compile(encoding, points):
    encode, *_ = encoding

    def loss(p):
        return encode(p).square().sum()

    results = []
    for run in (loss, torch.compile(loss, fullgraph=True, backend="aot_eager")):
        p = points.detach().clone().requires_grad_()
        value = run(p)
        value.backward()
        results.append((value.detach(), p.grad))
    for eager, compiled in zip(*results, strict=True):
        assert torch.equal(eager, compiled)


def test_func(encoding, points):
    """torch.func's gradients, Jacobians and Hessians, and vmap over batches along any dimension."""
    encode, *_ = encoding
    p = points.detach()
    jacobian = torch.func.vmap(torch.func.jacrev(lambda one: encode(one[None])[0]))(p)
    expected = torch.autograd.functional.jacobian(lambda p: encode(p).sum(0), p).transpose(0, 1)
    torch.testing.assert_close(jacobian, expected, rtol=0, atol=1e-11)
    hessian = torch.func.jacrev(torch.func.grad(lambda p: encode(p).square().sum()))(p)
    expected = torch.autograd.functional.hessian(lambda p: encode(p).square().sum(), p)
    torch.testing.assert_close(hessian, expected, rtol=0, atol=1e-8)  # 2^3 pi squared times features
    batch = torch.stack([p, p.flip(0)], 1)
    features = torch.func.vmap(encode, in_dims=1)(batch)
    assert torch.equal(features, torch.stack([encode(p), encode(p.flip(0))]))


def test_autocast_leaves_it_alone(encoding, points):
    encode, *_ = encoding
    p = points.detach().float()
    with torch.autocast(p.device.type, dtype=torch.bfloat16):
        inside = encode(p)
    assert inside.dtype == torch.float32
    assert torch.equal(inside, encode(p))


def test_third_derivatives_are_refused(points):
    for encode, name in ((frequency_encoding, "frequency_encoding"), (spherical_harmonics, "spherical_harmonics")):
        value = encode(points, 4).square().sum()
        for _ in range(2):
            (gradient,) = torch.autograd.grad(value, points, create_graph=True)
            value = gradient.square().sum()
        with pytest.raises(NotImplementedError, match=rf"^{name}: expected first or second derivatives"):
            torch.autograd.grad(value, points)


def test_layouts_out_and_empty(encoding, points):
    encode, *_ = encoding
    p = points.detach()
    strided = p.T.contiguous().T.requires_grad_()
    features = encode(strided)
    assert torch.equal(features, encode(p))
    features.sum().expand(1).backward()  # an upstream gradient without strides
    assert strided.grad.shape == p.shape
    out = torch.empty_like(features)
    assert encode(p, out=out) is out
    assert torch.equal(out, features)
    with pytest.raises(ValueError, match=r"^out: expected None where a gradient is required, got a tensor$"):
        encode(points, out=out)
    assert encode(points[:0]).shape == (0, features.shape[1])


def test_modules():
    points = torch.rand(5, 7, 2)
    encoding = FrequencyEncoding(2, 3, include_input=True)
    features = encoding(points)
    assert features.shape == (5, 7, encoding.width) == (5, 7, 14)
    expected = frequency_encoding(points.reshape(35, 2), 3, include_input=True)
    assert torch.equal(features.reshape(35, 14), expected)
    encoding.window = 0.0
    assert not encoding(points)[..., 2:].any()
    directions = torch.nn.functional.normalize(torch.rand(5, 7, 3), dim=-1)
    harmonics = SphericalHarmonics(4)
    values = harmonics(directions)
    assert values.shape == (5, 7, harmonics.width) == (5, 7, 16)
    assert torch.equal(values.reshape(35, 16), spherical_harmonics(directions.reshape(35, 3), 4))
    assert not [*encoding.parameters(), *harmonics.parameters()]
