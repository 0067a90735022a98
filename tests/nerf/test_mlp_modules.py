# SPDX-License-Identifier: Apache-2.0
"""Networks as torch modules, and their exchange with torch.nn.Linear."""

from __future__ import annotations

from itertools import pairwise

import pytest

from fastcv.nerf import HashGrid, Mlp, mlp

torch = pytest.importorskip("torch")
from fastcv.nerf.modules import FusedMlp, HashGridEncoding  # noqa: E402


def test_fused_mlp():
    net = Mlp(5, 3, width=20, bias=True)
    module = FusedMlp(net, seed=4)
    inputs = torch.randn(6, 7, 5)
    outputs = module(inputs)
    assert outputs.shape == (6, 7, 3)
    assert torch.equal(outputs.reshape(42, 3), mlp(inputs.reshape(42, 5), module.params, net))
    assert torch.equal(module.params.detach(), torch.from_numpy(net.initial_parameters(seed=4)))
    other = FusedMlp(net)
    other.load_state_dict(module.state_dict())
    assert torch.equal(other(inputs), outputs)
    assert FusedMlp(net, dtype=torch.bfloat16)(inputs.bfloat16()).dtype == torch.bfloat16
    assert "width=20" in repr(module)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("sizes", [(4, 3), (4, 24, 3), (7, 16, 16, 16, 1)])
def test_exchange_with_linears(sizes, bias):
    linears = [torch.nn.Linear(a, b, bias=bias) for a, b in pairwise(sizes)]
    module = FusedMlp.from_linears(linears, activation="softplus", output_activation="sigmoid")
    inputs = torch.randn(50, sizes[0])
    expected = inputs
    for linear in linears:
        activation = torch.sigmoid if linear is linears[-1] else torch.nn.functional.softplus
        expected = activation(linear(expected))
    torch.testing.assert_close(module(inputs), expected, rtol=1e-5, atol=1e-6)  # sums of 24 numbers in another order
    for ours, theirs in zip(module.linears(), linears, strict=True):
        assert torch.equal(ours.weight, theirs.weight)
        assert (ours.bias is None and not bias) or torch.equal(ours.bias, theirs.bias)


def test_linears_that_do_not_fit():
    linear = torch.nn.Linear
    with pytest.raises(ValueError, match=r"^linears: expected one layer or more, got none$"):
        FusedMlp.from_linears([])
    with pytest.raises(ValueError, match=r"^linears: expected weights of shapes .*\(8, 8\), \(2, 8\)\], got "):
        FusedMlp.from_linears([linear(3, 8), linear(8, 4), linear(4, 2)])
    with pytest.raises(ValueError, match=r"^linears: expected biases in all or in none, got \[True, False\]$"):
        FusedMlp.from_linears([linear(3, 8), linear(8, 2, bias=False)])


def test_it_learns_behind_an_encoding():
    """Under autocast, where the encoding stays in single precision: a loss of a fiftieth of the truth's variance."""
    torch.manual_seed(0)
    encoding = HashGridEncoding(HashGrid(dims=2, levels=4, log2_table_size=10, base_resolution=4))
    network = FusedMlp(Mlp(encoding.width, 1, width=16, hidden_layers=1), seed=0)
    optimiser = torch.optim.Adam([*encoding.parameters(), *network.parameters()], lr=0.02)
    points = torch.rand(2000, 2)
    truth = torch.sin(9 * points[:, :1]) * torch.cos(7 * points[:, 1:])
    for _ in range(150):
        optimiser.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            prediction = network(encoding(points))
        loss = (prediction.float() - truth).square().mean()
        loss.backward()
        optimiser.step()
    assert loss < 0.02 * truth.var()
