# SPDX-License-Identifier: Apache-2.0
"""Fused networks against torch.nn.Sequential, eager and compiled: 2^18 rows, 32 -> 64 -> 64 -> 16, float32.

``flops`` of a row, by its seconds, is to be set beside ``peak_gflop_per_s``: what torch's product of two matrices of
2048 by 2048 reaches in the same run. Multiply-adds of the layers alone count.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from benchmarks._harness import Check, Contest, case

from fastcv import get_num_threads
from fastcv.nerf import Mlp, mlp
from fastcv.nerf.modules import FusedMlp

NET = Mlp(32, 16, width=64, hidden_layers=2, bias=True)


def close(tolerance: float) -> Check:
    """All values within a tolerance, relative to the largest of the same array."""

    def check(ours: Any, theirs: Any) -> tuple[str, bool]:
        pairs = [[np.asarray(t.detach().float(), np.float64) for t in pair] for pair in zip(ours, theirs, strict=True)]
        worst = max(float(np.abs(a - b).max() / np.abs(b).max()) for a, b in pairs)
        return f"max difference {worst:.2g} <= {tolerance:g} of the largest value", worst <= tolerance

    return check


def machine_gflops() -> float:
    """Of a matrix product that is large enough."""
    a = torch.randn(2048, 2048)
    best = float("inf")
    for _ in range(5):
        begin = time.perf_counter()
        a @ a
        best = min(best, time.perf_counter() - begin)
    return 2 * 2048**3 / best / 1e9


class Networks:
    """The same network twice, with inputs and a gradient."""

    def __init__(self, contest: Contest) -> None:
        torch.set_num_threads(get_num_threads())
        torch.manual_seed(0)
        self.rows = 2**14 if contest.quick else 2**18
        sizes = [NET.inputs, NET.width, NET.width, NET.outputs]
        linears = [torch.nn.Linear(a, b) for a, b in pairwise(sizes)]
        self.fused = FusedMlp.from_linears(linears)
        self.sequential = torch.nn.Sequential(linears[0], torch.nn.ReLU(), linears[1], torch.nn.ReLU(), linears[2])
        self.inputs = torch.randn(self.rows, NET.inputs)
        self.grad = torch.randn(self.rows, NET.outputs)
        self.flops = 2.0 * self.rows * sum(rows * columns for rows, columns in NET.shapes)
        contest.note(rows=self.rows, layers=str(sizes), threads=get_num_threads(), peak_gflop_per_s=machine_gflops())

    def by_layers(self, gradients: Any) -> list[torch.Tensor]:
        """The gradient by the inputs, and by each layer's weights and biases."""
        by_inputs, by_params = gradients
        return [by_inputs, *(part for layer in NET.split(by_params) for part in layer)]


def compiled(contest: Contest, network: torch.nn.Module, inputs: torch.Tensor) -> torch.nn.Module | None:
    """By torch.compile, or None where it has no compiler."""
    try:
        result = torch.compile(network, fullgraph=True)
        result(inputs)
    except Exception as error:  # the inductor raises its own kinds
        contest.note(no_compile=str(error).splitlines()[0])
        return None
    return result


@case
def mlp_forward(contest: Contest) -> None:
    networks = Networks(contest)
    params, out = networks.fused.params.detach(), torch.empty(networks.rows, NET.outputs)

    def run(network: Callable) -> Callable:
        def without_gradients() -> list[torch.Tensor]:
            with torch.no_grad():
                return [network(networks.inputs)]

        return without_gradients

    contest.bound(flops=networks.flops)
    contest.ours(run(lambda x: mlp(x, params, NET, out=out)))
    contest.peer("torch", torch.__version__, run(networks.sequential), check=close(1e-5))
    if faster := compiled(contest, networks.sequential, networks.inputs):
        contest.peer("torch.compile", torch.__version__, run(faster), check=close(1e-5))
    halves = networks.inputs.bfloat16(), params.bfloat16()
    half_out = torch.empty(networks.rows, NET.outputs, dtype=torch.bfloat16)
    half = run(lambda _: mlp(*halves, NET, out=half_out))
    contest.peer("fastcv, bfloat16", "", half, check=close(2e-2))  # 8 bits


@case
def mlp_backward(contest: Contest) -> None:
    """Outputs, then gradients by inputs and parameters. What we compute again for them does not count as work."""
    networks = Networks(contest)
    inputs = networks.inputs.requires_grad_()

    def run(network: Callable, parameters: list[torch.Tensor]) -> Callable:
        return lambda: torch.autograd.grad(network(inputs), [inputs, *parameters], networks.grad)

    ours = run(networks.fused, [networks.fused.params])
    contest.bound(flops=3 * networks.flops)
    contest.ours(lambda: networks.by_layers(ours()))
    parameters = list(networks.sequential.parameters())
    contest.peer("torch", torch.__version__, run(networks.sequential, parameters), check=close(1e-4))
    if faster := compiled(contest, networks.sequential, inputs):
        contest.peer("torch.compile", torch.__version__, run(faster, parameters), check=close(1e-4))
