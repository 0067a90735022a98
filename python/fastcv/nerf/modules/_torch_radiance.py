# SPDX-License-Identifier: Apache-2.0
"""A trained radiance field: pictures, their quality, a mesh, a file."""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from ...mesh import Mesh
from ...scene import Camera
from ...voxels import VoxelGrid, marching_cubes
from ..checkpoint import read_state, write_state
from ..metrics import psnr, ssim
from ..rays import rays
from ..render import Rendered
from ..scene import Scene
from ..train_options import TrainOptions
from ._torch_models import Batch, OccupancyModel
from ._torch_threads import one_thread
from ._torch_trainer import Model, make_model

_RAYS = 2**13  # rendered at once
_SMALLEST_FOR_SSIM = 11


class View(NamedTuple):
    """A rendered picture.

    Parameters
    ----------
    color : (H, W, 3) float32 array
        In [0, 1].
    depth : (H, W) float32 array
        Along z in the camera frame, in scene units: the mean of what is seen; 0 where less than half of the light is
        stopped.
    opacity : (H, W) float32 array
        How much of the light is stopped, 0 to 1.
    """

    color: NDArray[np.float32]
    depth: NDArray[np.float32]
    opacity: NDArray[np.float32]


class Quality(NamedTuple):
    """How close rendered pictures are to photographs.

    Parameters
    ----------
    images : (N,) int64 array
        Which of the scene's.
    psnr, ssim : (N,) float64 array
        Of each; SSIM is NaN for pictures of less than 11 pixels a side.
    """

    images: NDArray[np.int64]
    psnr: NDArray[np.float64]
    ssim: NDArray[np.float64]

    @property
    def mean_psnr(self) -> float:
        """In dB."""
        return float(self.psnr.mean())

    @property
    def mean_ssim(self) -> float:
        return float(self.ssim.mean())


class RadianceField:
    """A trained field, and the box and background of its scene.

    Parameters
    ----------
    model : torch.nn.Module
        Of fields and how rays through them are sampled.
    options : TrainOptions
        What it was made from, without None.
    box : (2, 3) float64 array
        Of the scene.
    background : (3,) float32 array
        Behind everything.
    """

    def __init__(
        self, model: Model, options: TrainOptions, box: NDArray[np.float64], background: NDArray[np.float32]
    ) -> None:
        self.model, self.options, self.box, self.background = model, options, box, background

    @property
    def device(self) -> torch.device:
        """Where the parameters are."""
        return next(self.model.parameters()).device

    @torch.no_grad()
    def render_view(self, camera: Camera, cam_from_world: ArrayLike, *, background: ArrayLike | None = None) -> View:
        """The picture of a camera.

        Parameters
        ----------
        camera : Camera
            Of any model; distortion is rendered too.
        cam_from_world : (3, 4) array
        background : (3,) array, optional
            The scene's by default.

        Returns
        -------
        View
        """
        pose = np.asarray(cam_from_world, np.float64)
        origins, directions = rays(camera, pose)
        behind = torch.from_numpy(np.array(self.background if background is None else background, np.float32))
        parts = []
        for first in range(0, len(origins), _RAYS):
            part = slice(first, first + _RAYS)
            rendered = self._trace(origins[part], directions[part], behind)
            parts.append([part.cpu().numpy() for part in (rendered.color, rendered.depth, rendered.opacity)])
        color, depth, opacity = (np.concatenate(each) for each in zip(*parts, strict=True))
        size = camera.height, camera.width
        depth = np.where(opacity >= 0.5, depth * (directions @ pose[2, :3].astype(np.float32)), 0)
        return View(color.clip(0, 1).reshape(*size, 3), depth.reshape(size), opacity.reshape(size))

    def evaluate(self, scene: Scene, *, split: str = "test", most: int | None = None) -> Quality:
        """Compare rendered pictures with those of a scene.

        Parameters
        ----------
        scene : Scene
        split : str, optional
            Which of its images.
        most : int, optional
            So many of them, evenly chosen; all by default.

        Returns
        -------
        Quality

        Raises
        ------
        ValueError
            The scene has no images of this split.
        """
        chosen = scene.splits.get(split, np.empty(0, np.int64))
        if not len(chosen):
            raise ValueError(f"split: expected one with images, got {split!r}: {', '.join(scene.splits)} exist")
        if most is not None and most < len(chosen):
            chosen = chosen[np.linspace(0, len(chosen) - 1, most).round().astype(np.int64)]
        results = []
        for i in chosen.tolist():
            camera = scene.cameras[i if len(scene.cameras) > 1 else 0]
            color = self.render_view(camera, scene.cam_from_world[i]).color
            truth = self.truth(scene, i)
            small = min(color.shape[:2]) < _SMALLEST_FOR_SSIM
            results.append((psnr(color, truth), np.nan if small else ssim(color, truth)))
        values = np.array(results)
        return Quality(chosen, values[:, 0], values[:, 1])

    def truth(self, scene: Scene, number: int) -> NDArray[np.float32]:
        """(H, W, 3) image of a scene before this field's background."""
        image = scene.image(number) * np.float32(1 / 255)
        if image.shape[2] == 3:
            return image
        return image[:, :, :3] * image[:, :, 3:] + self.background * (1 - image[:, :, 3:])

    @torch.no_grad()
    def density(self, points: ArrayLike) -> NDArray[np.float32]:
        """(N,) densities per scene unit at points (N, 3) in the world; 0 beside the box."""
        given = np.ascontiguousarray(points, np.float32)
        inside = ((given >= self.box[0]) & (given <= self.box[1])).all(1)
        values = np.zeros(len(given), np.float32)
        values[inside] = self.model.density(torch.from_numpy(given[inside]).to(self.device)).cpu().numpy()
        return values

    @torch.no_grad()
    def mesh(self, *, resolution: int = 256, level: float | None = None, box: ArrayLike | None = None) -> Mesh:
        """The surface on which the density is ``level``, with the colour that is seen straight onto it.

        Parameters
        ----------
        resolution : int, optional
            Samples along the longest side of the box.
        level : float, optional
            Per scene unit. By default what stops half of the light within two samples.
        box : (2, 3) array, optional
            Where to look; the innermost box by default.

        Returns
        -------
        Mesh
            With colours.
        """
        from .._mesh import sample_box

        corners = self._inner_box() if box is None else np.asarray(box, np.float64)
        voxel_size, shape = sample_box(corners, resolution)
        grid = VoxelGrid(corners[0], voxel_size, shape)
        layers = [self.density(grid.centers(z).reshape(-1, 3)).reshape(shape[1:]) for z in range(shape[0])]
        level = float(np.log(2)) / (2 * voxel_size) if level is None else level
        mesh = marching_cubes(-np.stack(layers), grid, level=-level)
        return Mesh(mesh.vertices, mesh.faces, self._surface_colors(mesh, voxel_size), mesh.normals)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the field for :func:`load_field`, atomically."""
        arrays = {name: tensor.detach().cpu().numpy() for name, tensor in self.model.named_parameters()}
        if isinstance(self.model, OccupancyModel):
            arrays |= {f"occupancy.{name}": array for name, array in self.model.grid.state().items()}
        head = {"options": asdict(self.options), "box": self.box.tolist(), "background": self.background.tolist()}
        write_state(path, head, arrays)

    def _trace(
        self, origins: NDArray[np.float32], directions: NDArray[np.float32], background: torch.Tensor
    ) -> Rendered:
        given = (torch.from_numpy(np.ascontiguousarray(array, np.float32)) for array in (origins, directions))
        on_device = [tensor.to(self.device) for tensor in (*given, background)]
        with one_thread():
            return self.model.trace(Batch(on_device[0], on_device[1], on_device[2])).rendered[-1]

    def _inner_box(self) -> NDArray[np.float64]:
        return self.model.grid.box if isinstance(self.model, OccupancyModel) else self.box

    def _surface_colors(self, mesh: Mesh, distance: float) -> NDArray[np.uint8]:
        """Of each vertex, by a short ray onto it."""
        colors = np.zeros((len(mesh.vertices), 3), np.uint8)
        if mesh.normals is None:
            return colors
        reach, grey = self.options.near or 0.0, torch.full((3,), 0.5)
        for first in range(0, len(colors), _RAYS):
            part = slice(first, first + _RAYS)
            normals = np.nan_to_num(mesh.normals[part])
            starts = mesh.vertices[part] + np.float32(reach + 2 * distance) * normals
            color = self._trace(starts, -normals, grey).color
            colors[part] = (color.cpu().numpy().clip(0, 1) * 255).round()
        return colors


def load_field(path: str | os.PathLike[str], device: str) -> RadianceField:
    """See :func:`fastcv.nerf.load_field`."""
    head, arrays = read_state(path)
    options, box = TrainOptions(**head["options"]), np.array(head["box"])
    model = make_model(options, box, seed=0, device=device)
    load_model(model, arrays, device)
    return RadianceField(model, options, box, np.array(head["background"], np.float32))


def load_model(model: Model, arrays: dict[str, NDArray[Any]], device: str) -> None:
    """Parameters and occupancy of a model, by name."""
    from ..occupancy import OccupancyGrid

    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(torch.from_numpy(arrays[name]))
    if isinstance(model, OccupancyModel):
        start = "occupancy."
        grid = {name.removeprefix(start): array for name, array in arrays.items() if name.startswith(start)}
        model.grid = OccupancyGrid.from_state(grid, device=device)
