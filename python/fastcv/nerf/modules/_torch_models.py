# SPDX-License-Identifier: Apache-2.0
"""What is trained: fields together with how rays through them are sampled."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ..clip import clip_box
from ..march import march
from ..occupancy import OccupancyGrid
from ..render import Rendered, render, render_weights
from ..sampling import merge_edges, sample_pdf, sample_stratified
from ._torch_frequency_field import FrequencyField

EARLY_STOP = 1e-4
_WORTH_CULLING = 0.85  # of the samples that are seen: with more, leaving others out costs more than it saves


class Batch(NamedTuple):
    """Rays, and what is behind them.

    Parameters
    ----------
    origins, directions : (R, 3) float32 tensor
    background : (R, 3) or (3,) float32 tensor
    seed : int or None
        Where samples lie along rays; None: in the middle of their intervals.
    """

    origins: Tensor
    directions: Tensor
    background: Tensor
    seed: int | None = None


class Traced(NamedTuple):
    """The last of ``rendered`` is the picture; training compares all of them with the truth."""

    rendered: list[Rendered]
    num_samples: int


class OccupancyModel(torch.nn.Module):
    """A field whose empty cells are skipped.

    Parameters
    ----------
    field : HashField or VoxelField
    grid : OccupancyGrid
        On the field's device.
    near : float
        Where rays begin.
    step : float
        Length of a sample, in the world.
    cone_angle : float
        As for :func:`fastcv.nerf.march`.
    """

    def __init__(self, field: Any, grid: OccupancyGrid, *, near: float, step: float, cone_angle: float) -> None:
        super().__init__()
        self.field, self.grid = field, grid
        self.near, self.step, self.cone_angle = near, step, cone_angle
        low, high = grid.coarsest_box
        self.side = float((high - low).max())
        self.register_buffer("_low", torch.tensor(low, dtype=torch.float32), persistent=False)
        self.register_buffer("_size", torch.tensor(high - low, dtype=torch.float32), persistent=False)

    def trace(self, batch: Batch) -> Traced:
        """Render rays, with gradients where they are enabled."""
        samples = march(
            batch.origins, batch.directions, self.near, math.inf, self.grid,
            step=self.step, cone_angle=self.cone_angle, seed=batch.seed, points=True,
        )  # fmt: skip
        starts, ends, offsets = samples.starts, samples.ends, samples.offsets

        def choose(densities: Tensor) -> Tensor | None:
            """Those that light reaches."""
            weights = render_weights(densities / self.side, starts, ends, offsets, early_stop=EARLY_STOP)
            kept = torch.nonzero(weights)[:, 0]
            return kept if len(kept) < _WORTH_CULLING * len(weights) else None

        shaded = self.field(samples.points, batch.directions, samples.ray_indices, choose)
        if shaded.kept is not None:
            starts, ends = starts.index_select(0, shaded.kept), ends.index_select(0, shaded.kept)
            offsets = torch.searchsorted(shaded.kept, offsets)
        options = {"background": batch.background, "early_stop": EARLY_STOP}
        rendered = render(shaded.densities / self.side, shaded.colors, starts, ends, offsets, **options)
        return Traced([rendered], len(samples.starts))

    def density(self, points: Tensor) -> Tensor:
        """(N,) densities of points (N, 3) in the world, per scene unit."""
        return self.field.density((points - self._low) / self._size) / self.side

    def parameter_groups(self) -> list[dict[str, Any]]:
        return self.field.parameter_groups()

    def update(self, number: int, *, seed: int) -> None:
        """Look where the field is empty: the update of that number."""
        # A cell is worth samples that stop a twentieth of the light.
        threshold = 0.05 * self.grid.step / self.step
        self.grid.update(self.density, number, seed=seed, decay=0.9, threshold=threshold, warmup=4, period=8)


class HierarchicalModel(torch.nn.Module):
    """Two fields: a coarse one that is sampled evenly, and a fine one where the coarse one is not empty.

    Parameters
    ----------
    coarse, fine : FrequencyField
    box : (2, 3) array
        What rays are clipped to.
    near : float
        Where rays begin at the earliest.
    intervals : (int, int), optional
        Along a ray: even ones, and further ones of equal weight.

    References
    ----------
    Mildenhall et al. 2020, "NeRF", section 5.2.
    """

    def __init__(
        self, coarse: FrequencyField, fine: FrequencyField, box: Any, *, near: float, intervals: tuple[int, int]
    ) -> None:
        super().__init__()
        self.coarse, self.fine = coarse, fine
        self.box, self.near, self.intervals = box, near, intervals
        self.side = float((box[1] - box[0]).max())
        middle = (box[1] + box[0]) / 2
        self.register_buffer("_low", torch.tensor(middle - self.side / 2, dtype=torch.float32), persistent=False)

    def trace(self, batch: Batch) -> Traced:
        """Render rays by both fields, with gradients where they are enabled."""
        ranges = clip_box(batch.origins, batch.directions, self.box, near=self.near)
        seeds = (None, None) if batch.seed is None else (2 * batch.seed, 2 * batch.seed + 1)
        edges = sample_stratified(ranges.near, ranges.far, self.intervals[0], seed=seeds[0])
        coarse = self._render(self.coarse, batch, edges)
        finer = sample_pdf(edges, coarse.weights.detach(), self.intervals[1], seed=seeds[1])
        edges = merge_edges(edges, finer)
        rendered = [coarse, self._render(self.fine, batch, edges)]
        return Traced(rendered, sum(r.weights.numel() for r in rendered))

    def density(self, points: Tensor) -> Tensor:
        """(N,) densities of points (N, 3) in the world, per scene unit."""
        return self.fine.density((points - self._low) / self.side) / self.side

    def update(self, number: int, *, seed: int) -> None:
        """Nothing is remembered of where the field is empty."""

    def parameter_groups(self) -> list[dict[str, Any]]:
        return self.coarse.parameter_groups() + self.fine.parameter_groups()

    def _render(self, field: FrequencyField, batch: Batch, edges: Tensor) -> Rendered:
        middles = (edges[:, 1:] + edges[:, :-1]) / 2
        rays, count = middles.shape
        points = batch.origins[:, None] + middles[:, :, None] * batch.directions[:, None]
        index = torch.arange(rays, device=edges.device).repeat_interleave(count)
        densities, colors = field((points.reshape(-1, 3) - self._low) / self.side, batch.directions, index)
        shape = rays, count
        starts, ends = edges[:, :-1].contiguous(), edges[:, 1:].contiguous()
        densities = densities.reshape(shape) / self.side
        return render(densities, colors.reshape(*shape, 3), starts, ends, background=batch.background)
