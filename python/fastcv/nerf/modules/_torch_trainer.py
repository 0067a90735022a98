# SPDX-License-Identifier: Apache-2.0
"""One training step after the other, and all there is to save between two of them."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..background import random_background
from ..grid import HashGrid
from ..occupancy import OccupancyGrid
from ..pixels import sample_pixels
from ..rays import rays
from ..scene import Scene
from ..train_options import TrainOptions
from ._torch_adam import FusedAdam
from ._torch_frequency_field import FrequencyField
from ._torch_hash_field import HashField
from ._torch_models import Batch, HierarchicalModel, OccupancyModel
from ._torch_threads import one_thread
from ._torch_voxel_field import VoxelField

Model = OccupancyModel | HierarchicalModel

_FEWEST_RAYS, _MOST_RAYS = 64, 2**15
# The grid is looked at anew after so many steps, at first and once the scene has taken shape.
_UPDATE_EVERY, _UPDATE_LATER, _SHAPED = 16, 32, 256
_STREAM = 2**40  # between the seeds of what is random: pixels, samples of each step, backgrounds, the grid's updates


def make_model(options: TrainOptions, box: NDArray[np.float64], *, seed: int, device: str) -> Model:
    """A model with initial parameters for the box; options without None."""
    near = _chosen(options.near)
    if options.preset == "nerf":
        coarse, fine = (FrequencyField(width=_chosen(options.width), seed=seed + 10 * i) for i in range(2))
        return HierarchicalModel(coarse, fine, box, near=near, intervals=(64, 64)).to(device)
    levels = _chosen(options.levels)
    middle, half = box.mean(0), (box[1] - box[0]) / 2.0**levels
    occupancy = OccupancyGrid(_chosen(options.cells), levels, box=[middle - half, middle + half], device=device)
    if options.preset == "voxels":
        field: Any = VoxelField(_chosen(options.finest), seed=seed)
    else:
        size = _chosen(options.log2_table_size)
        grid = HashGrid.between(16, _chosen(options.finest), levels=12, features=2, log2_table_size=size)
        field = HashField(grid, width=_chosen(options.width), seed=seed)
    how = {"near": near, "step": _chosen(options.step), "cone_angle": _chosen(options.cone_angle)}
    return OccupancyModel(field, occupancy, **how).to(device)


def _chosen(value: Any) -> Any:
    if value is None:
        raise ValueError("options: expected those of TrainOptions.for_scene, got None in them")
    return value


class StepResult(NamedTuple):
    """Of one step.

    Parameters
    ----------
    errors : (R, 3) tensor
        The picture less the truth.
    num_samples : int
    """

    errors: Tensor
    num_samples: int

    @property
    def loss(self) -> float:
        """The mean square of the errors."""
        return float(np.mean(np.square(_host(self.errors), dtype=np.float64)))


class Trainer:
    """A model that is trained on a scene.

    Parameters
    ----------
    scene : Scene
        Its images of split ``"train"``.
    options : TrainOptions
        Without None.
    seed : int
        All that is random follows from it and the number of the step.
    device : str
    """

    def __init__(self, scene: Scene, options: TrainOptions, *, seed: int, device: str) -> None:
        self.options, self.seed, self.device = options, seed, device
        self.model = make_model(options, scene.box, seed=seed, device=device)
        chosen = scene.splits["train"]
        self._images = torch.from_numpy(np.ascontiguousarray(scene.images[chosen])).to(device)
        self._poses = scene.cam_from_world[chosen]
        cameras = scene.cameras
        self._cameras = cameras if len(cameras) == 1 else tuple(cameras[i] for i in chosen)
        self._adam = FusedAdam(self.model.parameter_groups(), betas=(0.9, 0.99), eps=1e-15, zero_gradients=True)
        self._num_rays, self._seen_rays, self._updates = 2 * _FEWEST_RAYS, 0, 0
        self.steps = 0

    @one_thread()
    def step(self, progress: float) -> StepResult:
        """Go one step on; ``progress`` from 0 to 1 decides the learning rate."""
        options = self.options
        rate = _chosen(options.rate) * options.last_rate**progress
        for group in self._adam.param_groups:
            group["lr"] = rate * group["share"]
        truth, batch = self.batch()
        traced = self.model.trace(batch)
        errors = [rendered.color - truth for rendered in traced.rendered]
        # The gradient of the mean square; the mean itself is but looked at.
        torch.autograd.backward([r.color for r in traced.rendered], [e.detach() * (2 / e.numel()) for e in errors])
        self._adam.step()
        self.steps += 1
        self._seen_rays += len(truth)
        self._plan(traced.num_samples)
        if self.steps % (_UPDATE_EVERY if self.steps <= _SHAPED else _UPDATE_LATER) == 0:
            self.model.update(self._updates, seed=self.seed + 3 * _STREAM)
            self._updates += 1
        return StepResult(errors[-1].detach(), traced.num_samples)

    def state(self) -> dict[str, NDArray[Any]]:
        """All that the next steps depend on, as arrays by name."""
        arrays = {f"parameters.{name}": _host(tensor) for name, tensor in self.model.named_parameters()}
        for number, values in self._adam.state_dict()["state"].items():
            arrays |= {f"adam.{number}.{name}": _host(value) for name, value in values.items()}
        if isinstance(self.model, OccupancyModel):
            arrays |= {f"occupancy.{name}": array for name, array in self.model.grid.state().items()}
        arrays["counters"] = np.array([self.steps, self._num_rays, self._seen_rays, self._updates])
        return arrays

    def load_state(self, arrays: dict[str, NDArray[Any]]) -> None:
        """Go on where :meth:`state` was asked for."""
        with torch.no_grad():
            for name, parameter in self.model.named_parameters():
                parameter.copy_(torch.from_numpy(arrays[f"parameters.{name}"]))
        moments: dict[int, dict[str, Tensor]] = {}
        for key, array in arrays.items():
            if key.startswith("adam."):
                _, number, name = key.split(".")
                moments.setdefault(int(number), {})[name] = torch.from_numpy(array)
        groups = self._adam.state_dict()["param_groups"]
        self._adam.load_state_dict({"state": moments, "param_groups": groups})
        if isinstance(self.model, OccupancyModel):
            start = "occupancy."
            grid = {name.removeprefix(start): array for name, array in arrays.items() if name.startswith(start)}
            self.model.grid = OccupancyGrid.from_state(grid, device=self.device)
        self.steps, self._num_rays, self._seen_rays, self._updates = arrays["counters"].tolist()

    def batch(self) -> tuple[Tensor, Batch]:
        """The next step's: colours (R, 3) of random pixels before random backgrounds, and their rays."""
        count, device = self._num_rays, self.device
        images = torch.empty(count, dtype=torch.int64, device=device)
        pixels = torch.empty((count, 2), device=device)
        sample_pixels(count, self._images.shape[:3], seed=self.seed, step=self.steps, out=(images, pixels))
        origins, directions = rays(self._cameras, self._poses, pixels, images=images)
        place = pixels.long()
        truth = self._images[images, place[:, 1], place[:, 0]] * (1 / 255)
        background = torch.empty((count, 3), device=device)
        random_background(count, seed=self.seed + 2 * _STREAM, first=self._seen_rays, out=background)
        if truth.shape[1] == 4:
            color, alpha = truth[:, :3], truth[:, 3:]
            truth = background + alpha * (color - background)
        return truth, Batch(origins, directions, background, self.seed + _STREAM + self.steps)

    def _plan(self, num_samples: int) -> None:
        """As many rays in the next step as will have about the samples that were asked for."""
        factor = _chosen(self.options.samples) / max(num_samples, 1)
        if not 0.9 < factor < 1.1:
            rays_next = int(self._num_rays * min(max(factor, 0.5), 2.0))
            self._num_rays = min(max(rays_next, _FEWEST_RAYS), _MOST_RAYS)


def _host(tensor: Tensor) -> NDArray[Any]:
    return tensor.detach().cpu().numpy().copy()
