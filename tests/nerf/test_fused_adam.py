# SPDX-License-Identifier: Apache-2.0
"""The optimiser against torch's, and what it keeps."""

from __future__ import annotations

import copy
import io

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from fastcv.nerf.modules import FusedAdam  # noqa: E402


def run(make, device, steps=100, dtype=torch.float32, seed=0):
    """Parameters after steps whose gradients depend on them, of sizes over six decades."""
    generator = torch.Generator().manual_seed(seed)
    shapes, parameters = [(37, 2), (5,), (1, 3, 2)], []
    for shape in shapes:
        parameters.append(torch.nn.Parameter(torch.randn(shape, generator=generator).to(device, dtype)))
    optimiser = make(parameters)
    for k in range(steps):
        for parameter in parameters:
            noise = torch.randn(parameter.shape, generator=generator) * 10.0 ** (k % 7 - 4)
            parameter.grad = (parameter.detach() + noise.to(device)).to(dtype)
        optimiser.step()
    return parameters, optimiser


@pytest.mark.parametrize("peer", [{"foreach": True}, {"fused": True}, {"foreach": False, "fused": False}], ids=str)
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_a_hundred_steps_of_torch(peer, decay, device):
    options = {"lr": 0.01, "weight_decay": decay, "betas": (0.9, 0.99), "eps": 1e-10}
    ours, mine = run(lambda p: FusedAdam(p, **options), device.name)
    theirs, other = run(lambda p: torch.optim.AdamW(p, **options, **peer), device.name)
    for a, b in zip(ours, theirs, strict=True):
        # A hundred roundings of numbers up to 4.
        np.testing.assert_allclose(a.detach().cpu(), b.detach().cpu(), rtol=0, atol=100 * 2.4e-7)
        for name in ("exp_avg", "exp_avg_sq"):
            torch.testing.assert_close(mine.state[a][name], other.state[b][name], rtol=2e-5, atol=1e-7)
        assert mine.state[a]["step"] == other.state[b]["step"].item() == 100


def test_state_goes_to_torch_and_back(device):
    parameters, optimiser = run(lambda p: torch.optim.AdamW(p, lr=0.01), device.name, steps=3)
    ours = FusedAdam(parameters, lr=0.5)
    ours.load_state_dict(optimiser.state_dict())  # with its rate and decay
    copies = [torch.nn.Parameter(p.detach().clone()) for p in parameters]
    theirs = torch.optim.AdamW(copies, lr=0.01)
    theirs.load_state_dict(optimiser.state_dict())
    for p, q in zip(parameters, copies, strict=True):
        p.grad = q.grad = torch.ones_like(p)
    ours.step()
    theirs.step()
    for p, q in zip(parameters, copies, strict=True):
        torch.testing.assert_close(p, q, rtol=0, atol=5e-7)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16], ids=str)
def test_it_goes_on_from_a_file(dtype, device):
    """To the same bits: half precision keeps its float32 masters."""
    whole, _ = run(lambda p: FusedAdam(p, lr=0.01), device.name, steps=8, dtype=dtype)
    masters = []

    def in_two(parameters):
        class Interrupted:
            optimiser, steps = FusedAdam(parameters, lr=0.01), 0

            def step(self):
                if self.steps == 4:
                    file = io.BytesIO()
                    torch.save(self.optimiser.state_dict(), file)
                    file.seek(0)
                    self.optimiser = FusedAdam(parameters, lr=0.5)
                    self.optimiser.load_state_dict(torch.load(file))
                self.optimiser.step()
                self.steps += 1
                masters[:] = [self.optimiser.state[p].get("master", p.detach()) for p in parameters]

        return Interrupted()

    parts, _ = run(in_two, device.name, steps=8, dtype=dtype)
    for a, b, master in zip(whole, parts, masters, strict=True):
        assert a.dtype == dtype
        assert torch.equal(a, b)
        assert master.dtype == torch.float32
        assert torch.equal(master.to(dtype), b)


def test_half_precision_moves_by_less_than_its_last_place(device):
    """What masters are for: a thousand steps of 1e-5 from 1, which float16 knows to 5e-4."""
    parameter = torch.nn.Parameter(torch.ones(4, dtype=torch.float16, device=device.name))
    optimiser = FusedAdam([parameter], lr=1e-5)
    for _ in range(1000):
        parameter.grad = torch.ones_like(parameter)
        optimiser.step()
    np.testing.assert_allclose(parameter.detach().cpu().float(), 0.99, atol=5e-4)


def test_groups_untouched_rows_and_zeroed_gradients(device):
    table, head = (torch.nn.Parameter(torch.ones(4, 2, device=device.name)) for _ in range(2))
    still = torch.nn.Parameter(torch.ones(2, device=device.name))
    groups = [{"params": [table], "skip_untouched": True, "zero_gradients": True}, {"params": [head, still]}]
    optimiser = FusedAdam(groups, lr=0.1, weight_decay=1.0)
    for parameter in (table, head):
        parameter.grad = torch.tensor([[0.0, 0], [1, 0], [0, 0], [0, 2]], device=device.name)
    optimiser.step()
    decayed, moved = 0.9, 0.8
    expected = torch.tensor([[1.0, 1], [moved, decayed], [1, 1], [decayed, moved]], device=device.name)
    torch.testing.assert_close(table.detach(), expected)
    expected = torch.tensor([[decayed] * 2, [moved, decayed], [decayed] * 2, [decayed, moved]], device=device.name)
    torch.testing.assert_close(head.detach(), expected)
    assert not table.grad.any()
    assert head.grad.any()
    assert (still == 1).all()


def test_a_step_with_nan_is_left_out(device):
    first, second = (torch.nn.Parameter(torch.ones(3, device=device.name)) for _ in range(2))
    optimiser = FusedAdam([first, second], lr=0.1, skip_nonfinite=True)
    first.grad, second.grad = torch.ones_like(first), torch.full_like(second, torch.nan)
    optimiser.step()
    assert (torch.stack([first, second]) == 1).all()
    second.grad = torch.ones_like(second)
    optimiser.step()
    np.testing.assert_allclose(torch.stack([first, second]).detach().cpu(), 0.9, rtol=1e-6)
    assert optimiser.state[first]["step"] == 1
    copies = [p.detach().clone() for p in (first, second)]
    again = copy.deepcopy(optimiser)
    again.param_groups[0]["params"][0].grad = torch.full_like(first, torch.inf)
    again.step()
    for p, q in zip(again.param_groups[0]["params"], copies, strict=True):
        assert torch.equal(p, q)


def test_grad_scaler_and_closure(device):
    parameter = torch.nn.Parameter(torch.ones(3, device=device.name))
    optimiser = FusedAdam([parameter], lr=0.1)
    scaler = torch.amp.GradScaler(device.name, init_scale=256.0, growth_interval=1)
    scaler.scale(parameter.sum()).backward()
    assert (parameter.grad == 256).all()
    scaler.step(optimiser)
    scaler.update()
    assert (optimiser.state[parameter]["exp_avg"] - 0.1).abs().max() < 1e-7  # unscaled
    parameter.grad = torch.full_like(parameter, torch.inf)
    before = parameter.detach().clone()
    scaler.step(optimiser)
    scaler.update()
    assert torch.equal(parameter.detach(), before)
    assert scaler.get_scale() == 256  # grew once, shrank once

    def closure():
        optimiser.zero_grad()
        loss = parameter.square().sum()
        loss.backward()
        return loss

    assert optimiser.step(closure) == before.square().sum()
    assert not torch.equal(parameter.detach(), before)


def test_sparse_gradients_are_refused():
    parameter = torch.nn.Parameter(torch.ones(3, 2))
    parameter.grad = torch.ones(3, 2).to_sparse()
    with pytest.raises(TypeError, match=r"^gradients: expected a dense tensor, got a sparse one$"):
        FusedAdam([parameter]).step()


def test_a_rate_may_be_a_tensor(device):
    results = []
    for rate in (0.25, torch.tensor(0.25, device=device.name)):
        parameter = torch.nn.Parameter(torch.ones(3, device=device.name))
        optimiser = FusedAdam([parameter], lr=rate)
        parameter.grad = torch.ones_like(parameter)
        optimiser.step()
        results.append(parameter.detach())
    assert torch.equal(*results)
