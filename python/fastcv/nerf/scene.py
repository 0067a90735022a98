# SPDX-License-Identifier: Apache-2.0
"""Posed images to train on, and the box that their scene is in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import io
from ..scene import Camera, projection_centers
from .rays import Rays, rays


@dataclass(frozen=True)
class Scene:
    """Images of one size with their cameras, and where their scene is.

    Parameters
    ----------
    source : (N, H, W, 3 or 4) uint8 array, or sequence of N paths
        The images. Files are read when ``images`` is first asked for.
    cameras : tuple of Camera
        One for all images, or one for each.
    cam_from_world : (N, 3, 4) float64 array
    box : (2, 3) float64 array
        The lowest and the highest corner of what is to be reconstructed, in the world.
    splits : dict of str to int64 array
        Numbers of the images of ``"train"``, ``"test"`` and, in some scenes, ``"val"``.
    background : (3,) float32 array
        The colour, in [0, 1], that is seen where alpha is less than 1.

    Raises
    ------
    ValueError
        No image; another number of cameras or poses; cameras of different sizes; a box without volume; a split of
        images that do not exist. When images are read: one that is not of its camera's size.
    """

    source: NDArray[np.uint8] | Sequence[Path]
    cameras: tuple[Camera, ...]
    cam_from_world: NDArray[np.float64]
    box: NDArray[np.float64]
    splits: dict[str, NDArray[np.int64]]
    background: NDArray[np.float32] = field(default_factory=lambda: np.ones(3, np.float32))

    def __post_init__(self) -> None:
        count = len(self.source)
        if count == 0:
            raise ValueError("source: expected images, got none")
        if len(self.cameras) not in (1, count):
            raise ValueError(f"cameras: expected one, or one for each of {count} images, got {len(self.cameras)}")
        if self.cam_from_world.shape != (count, 3, 4):
            raise ValueError(f"cam_from_world: expected shape ({count}, 3, 4), got {self.cam_from_world.shape}")
        sizes = sorted({(camera.width, camera.height) for camera in self.cameras})
        if len(sizes) != 1:
            raise ValueError(f"cameras: expected images of one size, got {sizes[0]} and {sizes[-1]}")
        if self.box.shape != (2, 3) or not (self.box[0] < self.box[1]).all():
            raise ValueError(f"box: expected a lowest corner below the highest one, got {self.box.tolist()}")
        for name, numbers in self.splits.items():
            if len(numbers) and not (numbers.min() >= 0 and numbers.max() < count):
                raise ValueError(f"splits: expected {name} to be of {count} images, got {numbers.max()}")
        if isinstance(self.source, np.ndarray):
            self._check("source", self.source[0])

    @cached_property
    def images(self) -> NDArray[np.uint8]:
        """All images, (N, H, W, 3), or (N, H, W, 4) where every one has alpha."""
        if isinstance(self.source, np.ndarray):
            return self.source
        images = [self.image(i) for i in range(len(self.source))]
        channels = min(image.shape[2] for image in images)
        return np.stack([image[:, :, :channels] for image in images])

    def image(self, i: int) -> NDArray[np.uint8]:
        """One image, (H, W, 3 or 4), without keeping it."""
        if isinstance(self.source, np.ndarray):
            return self.source[i]
        image = io.read_photo(self.source[i], alpha=True)
        self._check(str(self.source[i]), image)
        return image

    def rays(self, images: NDArray[np.int64], pixels: NDArray, *, num_threads: int = 0) -> Rays:
        """Rays of pixels (R, 2) of images (R,); see :func:`fastcv.nerf.rays`."""
        return rays(self.cameras, self.cam_from_world, pixels, images=images, num_threads=num_threads)

    def colors(self, images: NDArray[np.int64], pixels: NDArray) -> NDArray[np.float32]:
        """Colours (R, 3) of pixels (R, 2) of images (R,), in [0, 1], before the background."""
        columns, rows = np.floor(pixels).astype(np.int64).T
        values = self.images[images, rows, columns] * np.float32(1 / 255)
        if values.shape[1] == 3:
            return values
        return values[:, :3] * values[:, 3:] + self.background * (1 - values[:, 3:])

    def _check(self, name: str, image: NDArray) -> None:
        size = self.cameras[0].height, self.cameras[0].width
        if image.dtype != np.uint8 or image.ndim != 3 or image.shape[:2] != size or image.shape[2] not in (3, 4):
            raise ValueError(f"{name}: expected shape {(*size, '3 or 4')} and dtype uint8, got {image.shape}")


def estimate_box(
    cam_from_world: NDArray[np.floating], points: NDArray[np.floating] | None = None
) -> NDArray[np.float64]:
    """A box around what cameras look at.

    Parameters
    ----------
    cam_from_world : (N, 3, 4) array
        Poses.
    points : (P, 3) array, optional
        Sparse points of the scene: the box then holds all but the outermost hundredth along each axis, and is a tenth
        larger.

    Returns
    -------
    (2, 3) float64 array
        Without points, the cube around the place that is nearest to all optical axes, with half the median distance of
        the cameras to either side.

    Raises
    ------
    ValueError
        No points, and cameras that look along parallel axes or away from each other.

    Examples
    --------
    >>> from fastcv import nerf
    >>> along_z = np.column_stack([np.eye(3), [0, 0, 4]])
    >>> along_x = np.array([[0.0, 0, 1, 0], [0, 1, 0, 0], [-1, 0, 0, 4]])
    >>> nerf.estimate_box(np.stack([along_z, along_x])) + 0.0
    array([[-2., -2., -2.],
           [ 2.,  2.,  2.]])
    """
    if points is not None:
        low, high = np.quantile(points, [0.01, 0.99], axis=0)
        margin = 0.05 * (high - low).max()
        return np.stack([low - margin, high + margin])
    centers, axes = projection_centers(cam_from_world), cam_from_world[:, 2, :3]
    across = np.eye(3) - axes[:, :, None] * axes[:, None, :]  # projections along each axis
    system = across.sum(0)
    if np.linalg.eigvalsh(system)[0] < 1e-3 * len(axes):
        raise ValueError("cam_from_world: expected cameras that look at a common place, got parallel axes: give points")
    middle = np.linalg.solve(system, np.einsum("nij,nj->i", across, centers))
    away = np.einsum("ni,ni->n", middle - centers, axes)
    if np.median(away) <= 0:
        raise ValueError("cam_from_world: expected cameras that look at a common place, got others: give points")
    half = 0.5 * np.median(np.linalg.norm(middle - centers, axis=1))
    return np.stack([middle - half, middle + half])


def unit_from_world(box: ArrayLike) -> NDArray[np.float64]:
    """The similarity ``[s I | t]`` that brings a box into the unit cube, its middle to the cube's.

    Parameters
    ----------
    box : (2, 3) array

    Returns
    -------
    (3, 4) float64 array
        The box's longest side becomes 1; ``x_unit = s x_world + t``.

    Examples
    --------
    >>> from fastcv import nerf
    >>> nerf.unit_from_world([[-2, -1, -1], [2, 1, 1]])
    array([[0.25, 0.  , 0.  , 0.5 ],
           [0.  , 0.25, 0.  , 0.5 ],
           [0.  , 0.  , 0.25, 0.5 ]])
    """
    low, high = np.asarray(box, np.float64)
    scale = 1 / (high - low).max()
    return np.column_stack([scale * np.eye(3), 0.5 - scale * 0.5 * (low + high)])
