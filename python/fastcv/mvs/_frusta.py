# SPDX-License-Identifier: Apache-2.0
"""What views see of each other where nothing but cameras and poses is known: samples of one frustum in the others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..camera import undistorted_pinhole
from ..scene import Reconstruction, projection_centers
from .views import Array

_GRID = (9, 7)  # columns and rows of pixels that stand for an image


class Sightings(NamedTuple):
    """How each of V views sees P points of another view's frustum.

    ``seen`` (V, P): in front of the view and inside its image; ``angle`` (V, P): between the rays from both centres, in
    degrees; ``scale`` (V, P): pixels per unit of length over those of the other view.
    """

    seen: NDArray[np.bool_]
    angle: Array
    scale: Array


class Frusta:
    """The frusta of a reconstruction's images, or of some of them, as pinhole cameras, distortion taken out.

    Raises
    ------
    ValueError
        A camera without a pinhole camera that keeps its field.
    """

    def __init__(self, reconstruction: Reconstruction, ids: Iterable[int] | None = None):
        self.ids = sorted(reconstruction.images if ids is None else ids)
        images = [reconstruction.images[i] for i in self.ids]
        used = {image.camera_id for image in images}
        pinholes = {key: undistorted_pinhole(reconstruction.cameras[key]) for key in used}
        cameras = [pinholes[image.camera_id] for image in images]
        self._K = np.array([camera.matrix for camera in cameras]).reshape(-1, 3, 3)
        self._sizes = np.array([(camera.width, camera.height) for camera in cameras]).reshape(-1, 2)
        self._R = np.array([image.rotation for image in images]).reshape(-1, 3, 3)
        self._t = np.array([image.translation for image in images]).reshape(-1, 3)
        self.centers = projection_centers(np.array([image.cam_from_world for image in images]).reshape(-1, 3, 4))

    def nearest(self, row: int, count: int) -> list[int]:
        """Rows of the views that stand closest to a view, those at the same place left out."""
        distances = np.linalg.norm(self.centers - self.centers[row], axis=1)
        return [j for j in np.argsort(distances, kind="stable").tolist() if distances[j] > 0][:count]

    def samples(self, row: int, depths: Array) -> tuple[Array, Array]:
        """Points of a grid of pixels at each depth, (D, pixels, 3) in the world frame, and their depths (D, pixels)."""
        x, y = np.meshgrid(*((np.arange(n) + 0.5) / n * size for n, size in zip(_GRID, self._sizes[row], strict=True)))
        rays = np.stack([x, y, np.ones_like(x)], -1).reshape(-1, 3) @ np.linalg.inv(self._K[row]).T @ self._R[row]
        return self.centers[row] + depths[:, None, None] * rays, np.repeat(depths[:, None], len(rays), axis=1)

    def sightings(self, row: int, others: Sequence[int], points: Array, depths: Array) -> Sightings:
        """Of points (P, 3) with these depths (P,) in view ``row``."""
        in_cam = np.einsum("vij,pj->vpi", self._R[others], points) + self._t[others, None]
        z = np.where(in_cam[..., 2] > 0, in_cam[..., 2], np.nan)
        pixels = np.einsum("vij,vpj->vpi", self._K[others, :2], in_cam / z[..., None])
        seen = ((pixels >= 0) & (pixels <= self._sizes[others, None])).all(-1)  # NaN compares as False
        first, second = (points - center for center in (self.centers[row], self.centers[others, None]))
        cosine = (first * second).sum(-1) / np.maximum(
            np.linalg.norm(first, axis=-1) * np.linalg.norm(second, axis=-1), 1e-300
        )
        focal = np.sqrt(self._K[:, 0, 0] * self._K[:, 1, 1])
        scale = (focal[others, None] / z) / (focal[row] / depths)
        return Sightings(seen, np.degrees(np.arccos(np.clip(cosine, -1, 1))), scale)
