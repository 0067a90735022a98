# SPDX-License-Identifier: Apache-2.0
"""Networks on torch tensors: first and second gradients, opcheck, torch.compile, torch.func, autocast."""

from __future__ import annotations

import numpy as np
import pytest

from fastcv.nerf import Mlp, mlp, mlp_vjp
from fastcv.nerf.network import ACTIVATIONS

torch = pytest.importorskip("torch")
from fastcv.nerf import _torch_mlp  # noqa: E402

NETS = [
    *[Mlp(3, 2, width=5, hidden_layers=2, activation=a, output_activation=a, bias=True) for a in ACTIVATIONS],
    Mlp(2, 3, hidden_layers=0, output_activation="softplus"),
    Mlp(2, 1, width=4, hidden_layers=1, activation="tanh"),
    Mlp(4, 2, width=3, hidden_layers=3, activation="squareplus", output_activation="sigmoid"),
]


@pytest.fixture
def dev(device):
    return device.name


@pytest.fixture(params=NETS, ids=str)
def few(request, dev):
    """A network, inputs and parameters."""
    net, generator = request.param, torch.Generator().manual_seed(0)
    inputs = torch.randn((4, net.inputs), generator=generator, dtype=torch.float64)
    parameters = torch.randn(net.num_parameters, generator=generator, dtype=torch.float64)
    return net, *(t.to(dev).requires_grad_() for t in (inputs, parameters))


def squareplus(z):
    return (z + (z * z + 4).sqrt()) / 2


PEERS = {
    **{name: getattr(torch, name) for name in ("relu", "sigmoid", "tanh", "exp")},
    "none": lambda z: z,
    "leaky_relu": torch.nn.functional.leaky_relu,
    "softplus": torch.nn.functional.softplus,
    "squareplus": squareplus,
}


def peer(inputs, parameters, net):
    """The definition in torch's own operations."""
    for (weights, biases), activation in zip(net.split(parameters), net.activations, strict=True):
        inputs = PEERS[activation](torch.nn.functional.linear(inputs, weights, biases))
    return inputs


def gradients_of_gradients(run, inputs, parameters, net):
    """Outputs, first gradients, and those of a sum of squares of the first ones."""
    out = run(inputs, parameters, net)
    first = torch.autograd.grad(out.sin().sum(), (inputs, parameters), create_graph=True)
    second = torch.autograd.grad(sum(g.square().sum() for g in first), (inputs, parameters))
    return [t.detach() for t in (out, *first, *second)]


def test_against_torch_s_own_operations(few):
    for ours, theirs in zip(*(gradients_of_gradients(run, *few[1:], few[0]) for run in (mlp, peer)), strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-9 * float(theirs.abs().max()))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_many_rows(dtype, dev):
    """Several blocks and parts, to the rounding of inputs, parameters and results."""
    net = Mlp(32, 16, width=64, bias=True, activation="softplus")
    generator = torch.Generator().manual_seed(1)
    inputs = torch.randn((1500, 32), generator=generator).to(dev, dtype)
    parameters = (torch.from_numpy(net.initial_parameters(seed=0, dtype="float64")) + 0.01).to(dev, dtype)
    results = [
        gradients_of_gradients(run, inputs.to(t).requires_grad_(), parameters.to(t).requires_grad_(), net)
        for run, t in ((mlp, dtype), (peer, torch.float64))
    ]
    tolerance = {torch.float32: 2e-5, torch.bfloat16: 0.03, torch.float16: 0.004}[dtype]
    if dev != "cpu":
        tolerance *= 2  # tensor cores take what is rounded from layer to layer
    if dtype == torch.float16:
        results = [result[:3] for result in results]  # squares of sums over rows are beyond 65504
    for ours, theirs in zip(*results, strict=True):
        assert ours.dtype == dtype
        assert (ours - theirs).abs().max() <= tolerance * theirs.abs().max()


def test_first_and_second_gradients(few):
    net, inputs, parameters = few
    assert torch.autograd.gradcheck(lambda x, p: mlp(x, p, net), (inputs, parameters))
    assert torch.autograd.gradgradcheck(lambda x, p: mlp(x, p, net), (inputs, parameters))


@pytest.mark.parametrize("wanted", ["inputs", "parameters"])
def test_gradients_by_one_of_both(wanted):
    net = Mlp(3, 2, width=4, activation="tanh")
    arguments = {"inputs": torch.randn(5, 3), "parameters": torch.from_numpy(net.initial_parameters())}
    both = {name: t.clone().requires_grad_() for name, t in arguments.items()}
    arguments[wanted].requires_grad_()
    for given in (arguments, both):
        mlp(**given, net=net).square().sum().backward()
    assert torch.equal(arguments[wanted].grad, both[wanted].grad)
    (other,) = set(arguments) - {wanted}
    assert arguments[other].grad is None


def test_eikonal_loss(dev):
    """A loss of the gradient by the inputs; its gradients by inputs and parameters."""
    net = Mlp(3, 1, width=8, activation="softplus", bias=True)
    generator = torch.Generator().manual_seed(0)
    inputs, parameters = (
        torch.randn(shape, generator=generator, dtype=torch.float64).to(dev).requires_grad_()
        for shape in ((5, 3), net.num_parameters)
    )

    def loss(inputs, parameters):
        (gradient,) = torch.autograd.grad(mlp(inputs, parameters, net).sum(), inputs, create_graph=True)
        return (gradient.norm(dim=1) - 1).square().mean()

    assert torch.autograd.gradcheck(loss, (inputs, parameters))


@pytest.fixture
def one(dev):
    """One network of them, for what does not depend on activations."""
    net, generator = Mlp(3, 2, width=5, activation="tanh", bias=True), torch.Generator().manual_seed(0)
    inputs = torch.randn((4, 3), generator=generator, dtype=torch.float64).to(dev)
    parameters = torch.randn(net.num_parameters, generator=generator, dtype=torch.float64).to(dev)
    return net, inputs, parameters


def test_opcheck(one):
    net, x, p = one
    inputs, parameters = (t.clone().requires_grad_() for t in (x, p))
    numbers = net.numbers()
    grad = torch.rand((4, net.outputs), dtype=torch.float64, device=x.device, requires_grad=True)
    torch.library.opcheck(_torch_mlp.outputs, (parameters, inputs, None, None, numbers, 0))
    torch.library.opcheck(_torch_mlp.outputs, (p, x, p, None, numbers, 0))
    torch.library.opcheck(_torch_mlp.gradients, (parameters, inputs, None, None, grad, True, True, numbers, 0))
    torch.library.opcheck(_torch_mlp.gradients, (p, x, None, x, grad.detach(), True, False, numbers, 0))


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_compile(one, dtype):
    net, inputs, parameters = one

    def loss(inputs, parameters):
        return mlp(inputs, parameters, net).square().sum()

    results = []
    for run in (loss, torch.compile(loss, fullgraph=True, backend="aot_eager")):
        leaves = [t.to(dtype).clone().requires_grad_() for t in (inputs, parameters)]
        value = run(*leaves)
        value.backward()
        results.append([value.detach(), *(t.grad for t in leaves)])
    for eager, compiled in zip(*results, strict=True):
        assert torch.equal(eager, compiled)


def test_func(few):
    """torch.func's gradients, of gradients too, and vmap over inputs and over networks."""
    net, inputs, parameters = few
    inputs, parameters = inputs.detach(), parameters.detach()
    gradient = torch.func.grad(lambda x: mlp(x, parameters, net).sum())(inputs)
    ones = np.ones((4, net.outputs))
    expected = mlp_vjp(*(t.cpu().numpy() for t in (inputs, parameters)), net, ones)
    np.testing.assert_allclose(gradient.cpu(), expected.inputs, rtol=0, atol=1e-12 * np.abs(expected.inputs).max())
    hessians = [
        torch.func.jacrev(torch.func.grad(lambda x, run=run: run(x, parameters, net).sum()))(inputs)
        for run in (mlp, peer)
    ]
    torch.testing.assert_close(*hessians)
    batch = torch.stack([inputs, inputs.flip(0)])
    outputs = torch.func.vmap(lambda x: mlp(x, parameters, net))(batch)
    assert torch.equal(outputs, torch.stack([mlp(x, parameters, net) for x in batch]))
    networks = torch.stack([parameters, -parameters])
    outputs = torch.func.vmap(lambda p: mlp(inputs, p, net))(networks)
    assert torch.equal(outputs[1], mlp(inputs, -parameters, net))


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_autocast_casts_inputs_and_parameters(dtype, dev):
    net = Mlp(8, 4, width=16)
    inputs = torch.randn(30, 8, device=dev)
    parameters = torch.from_numpy(net.initial_parameters()).to(dev).requires_grad_()
    with torch.autocast(dev, dtype=dtype):
        result = mlp(inputs, parameters, net)
        mixed = mlp(inputs.to(dtype), parameters, net)
    assert result.dtype == dtype
    assert torch.equal(result, mlp(inputs.to(dtype), parameters.to(dtype), net))
    assert torch.equal(result, mixed)
    result.sum().backward()
    assert parameters.grad.dtype == torch.float32
    with torch.autocast(dev, dtype=dtype):
        assert mlp(inputs.double(), parameters.double(), net).dtype == torch.float64


def test_out(few):
    net, inputs, parameters = few
    out = torch.empty((4, net.outputs), dtype=torch.float64, device=inputs.device)
    assert mlp(inputs.detach(), parameters.detach(), net, out=out) is out
    assert torch.equal(out, mlp(inputs, parameters, net))
    with pytest.raises(ValueError, match=r"^out: expected None where a gradient is required, got a tensor$"):
        mlp(inputs, parameters.detach(), net, out=out)


def test_third_derivatives_are_refused():
    net = Mlp(3, 2, width=4, activation="tanh")
    inputs = torch.randn(5, 3, requires_grad=True)
    parameters = torch.from_numpy(net.initial_parameters()).requires_grad_()
    (first,) = torch.autograd.grad(mlp(inputs, parameters, net).sum(), inputs, create_graph=True)
    (second,) = torch.autograd.grad(first.square().sum(), parameters, create_graph=True)
    with pytest.raises(NotImplementedError, match=r"^mlp: expected first or second derivatives"):
        torch.autograd.grad(second.square().sum(), inputs)


def test_layouts_and_mixed_arguments():
    net = Mlp(5, 2)
    parameters = torch.nn.Parameter(torch.from_numpy(net.initial_parameters()))
    inputs = torch.randn(5, 20).T.requires_grad_()
    result = mlp(inputs, parameters, net)
    assert torch.equal(result, mlp(inputs.contiguous(), parameters, net))
    result.sum().expand(1).backward()  # an upstream gradient without strides
    assert (inputs.grad.shape, parameters.grad.shape) == ((20, 5), (net.num_parameters,))
    with pytest.raises(TypeError, match=r"^parameters: expected dtype bfloat16, got float32$"):
        mlp(inputs.bfloat16(), parameters, net)
    with pytest.raises(TypeError, match=r"^parameters: expected a torch array as the arguments before it, got numpy$"):
        mlp(inputs, net.initial_parameters(), net)
