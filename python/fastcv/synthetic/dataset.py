# SPDX-License-Identifier: Apache-2.0
"""Photographs of a synthetic scene with everything that is true about them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..scene import Camera, Reconstruction
from .noise import Floats
from .poses import Array, make_camera
from .render import cast, render
from .scene import Mesh, Scene, srgb_from_linear
from .scenes import make_poses, make_scene
from .tracks import in_view, observe


@dataclass(frozen=True)
class Dataset:
    """A photographed scene. Row i of each array belongs to image id i + 1 of the reconstruction.

    Parameters
    ----------
    name : str
        Of the scene.
    scene : Scene
    reconstruction : Reconstruction
        True camera, poses and points, and the keypoints of those points: tracks that pass an occlusion test.
    images : (N, H, W, 3) uint8 array, sRGB
    depths : (N, H, W) float32 array
        Along z of the camera, at pixel centres, in scene units (metres); 0 for none.
    masks : (N, H, W) bool array
        Silhouettes: where depth is.
    """

    name: str
    scene: Scene
    reconstruction: Reconstruction
    images: NDArray[np.uint8]
    depths: Floats
    masks: NDArray[np.bool_]

    @property
    def scene_size(self) -> float:
        """What errors of position are a fraction of: the diagonal of the box, along the world's axes, around the camera
        centres, in scene units. (Points would make it larger and depend on how far the view reaches.)"""
        return float(np.linalg.norm(np.ptp([image.center for image in self.reconstruction.images.values()], axis=0)))

    @cached_property
    def mesh(self) -> Mesh:
        """The scene's surface, with edges of at most 8 pixels at the median depth."""
        depth = np.median(self.depths[self.masks])
        return self.scene.mesh(8 * float(depth) / self.reconstruction.cameras[1].focal_length)


def make_dataset(
    name: str = "courtyard",
    *,
    num_views: int = 12,
    width: int = 1024,
    height: int = 768,
    camera_model: str = "SIMPLE_RADIAL",
    num_points: int = 5000,
    noise: float = 1.0,
    noise_px: float = 0.0,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> Dataset:
    """Photograph a named scene.

    Parameters
    ----------
    name : str
        A scene of ``make_scene``.
    num_views, width, height : int
        Photographs and their size in pixels. About 2.5 s for each million pixels on one core.
    camera_model : str
        SIMPLE_PINHOLE, PINHOLE, SIMPLE_RADIAL or RADIAL; one camera takes all photographs.
    num_points : int
        Candidates for tracks, random pixels spread evenly over the views; those that two views see become points.
    noise : float
        Standard deviation of the noise of the photographs in grey levels (of 255).
    noise_px : float
        Standard deviation of the noise of the tracks' keypoints in pixels; 0 makes them exact.
    seed : int
        Of textures, small things, noise and points: the same arguments give the same bits.
    progress : callable, optional
        Called as ``progress(done, num_views)`` after each view.

    Returns
    -------
    Dataset

    Raises
    ------
    ValueError
        For an unknown scene or camera model and for numbers out of range.

    Examples
    --------
    >>> from fastcv.synthetic import make_dataset
    >>> data = make_dataset("object", num_views=3, width=64, height=48, num_points=50)
    >>> data.images.shape, sorted(data.reconstruction.images)
    ((3, 48, 64, 3), [1, 2, 3])
    """
    if num_points < 0:
        raise ValueError(f"num_points: expected 0 or more, got {num_points}")
    scene, poses, camera = make_scene(name, seed), make_poses(name, num_views), make_camera(camera_model, width, height)
    images = np.empty((num_views, height, width, 3), np.uint8)
    depths = np.empty((num_views, height, width), np.float32)
    for row, pose in enumerate(poses):
        images[row], depths[row], _ = render(scene, camera, pose, noise=noise, seed=seed * 10_000 + row)
        if progress is not None:
            progress(row + 1, num_views)
    random = np.random.Generator(np.random.Philox(seed))
    points, rgb = _surface_points(scene, camera, poses, num_points, random)
    visible = np.stack([sees(scene, camera, pose, points) for pose in poses])
    names = [f"{name}_{row:03d}.jpg" for row in range(num_views)]
    reconstruction = observe(camera, poses, names, points, rgb, visible, random, noise_px).reconstruction
    return Dataset(name, scene, reconstruction, images, depths, depths > 0)


def _surface_points(
    scene: Scene, camera: Camera, poses: Array, num_points: int, random: np.random.Generator
) -> tuple[Array, NDArray[np.uint8]]:
    """Where the rays of random pixels meet the scene, (P, 3), and the colours there, (P, 3)."""
    points, colors = [np.empty((0, 3))], [np.empty((0, 3), np.uint8)]
    for share in np.array_split(np.arange(num_points), len(poses)):
        pixels = random.uniform((0, 0), (camera.width, camera.height), (len(share), 2))
        origin, directions, hits = cast(scene, camera, poses[len(points) - 1], pixels)
        rows = np.flatnonzero(hits.ids >= 0)
        points.append(origin + hits.t[rows, None] * directions[rows])
        footprint = hits.t[rows] / camera.focal_length
        linear = scene.color(points[-1], hits.normals[rows], hits.ids[rows], footprint)
        colors.append(np.rint(srgb_from_linear(linear)).astype(np.uint8))
    return np.concatenate(points), np.concatenate(colors)


def sees(scene: Scene, camera: Camera, cam_from_world: Array, points: Array) -> NDArray[np.bool_]:
    """Which points (N, 3) of the scene's surface a camera sees: in the image and not behind anything."""
    visible = in_view(points, camera, cam_from_world)
    origin = -(cam_from_world[:, :3].T @ cam_from_world[:, 3])[None]
    first = scene.intersect(origin, points[visible] - origin).t  # 1 where the ray arrives
    visible[visible] = np.abs(first - 1) < 1e-6
    return visible
