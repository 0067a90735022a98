# SPDX-License-Identifier: Apache-2.0
"""A training step in a CUDA graph: nothing in it may wait for the device."""

from __future__ import annotations

import pytest

import fastcv.cuda
from fastcv.nerf import distortion_loss, render

torch = pytest.importorskip("torch")
from fastcv.nerf.modules import FusedAdam  # noqa: E402

pytestmark = [pytest.mark.gpu, pytest.mark.skipif(not fastcv.cuda.is_available(), reason="needs a CUDA device")]


def test_a_graph_holds_a_training_step():
    """Replayed, it moves parameters as the same steps do one by one."""
    generator = torch.Generator(device="cuda").manual_seed(0)
    counts = torch.randint(0, 70, (300,), generator=generator, device="cuda")
    offsets = torch.cat([counts.new_zeros(1), counts.cumsum(0)])
    size = int(offsets[-1])
    edges = torch.rand(size, generator=generator, device="cuda").cumsum(0) * 0.01
    first = torch.rand((size, 4), generator=generator, device="cuda")

    def trainer():
        values = torch.nn.Parameter(first.clone())
        optimiser = FusedAdam([values], lr=0.01, skip_untouched=True, zero_gradients=True, skip_nonfinite=True)

        def step():
            result = render(values[:, 0].exp(), values[:, 1:].contiguous(), edges, edges + 0.005, offsets)
            spread = distortion_loss(result.weights, edges, edges + 0.005, offsets)
            (result.color.square().mean() + result.depth.mean() + spread.mean()).backward()
            optimiser.step()

        return values, step

    expected, step = trainer()
    for _ in range(8):
        step()
    values, step = trainer()
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(stream)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    for _ in range(5):
        graph.replay()
    torch.testing.assert_close(values, expected, rtol=0, atol=0)
