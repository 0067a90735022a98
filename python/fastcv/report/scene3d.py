# SPDX-License-Identifier: Apache-2.0
"""The cameras and the cloud as a page of its own that turns and zooms, made by viser."""

from __future__ import annotations

import contextlib
import io
import threading
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..scene import Camera, Image, Reconstruction
from .contents import Cloud, Picture

MAX_POINTS = 150_000  # about 1 MB of the page
_FAR = 6.0  # distance, in units of the viewer, to which the scene is scaled
_EXPORT = threading.Lock()  # sys.stdout, which is redirected below, belongs to the whole process


def export_scene(model: Reconstruction, cloud: Cloud, thumbnails: Mapping[str, Picture]) -> str:
    """A self-contained HTML page with the cloud and a frustum for each image, with its thumbnail if there is one.

    viser keeps its scene in a web server. This one is given no address to listen at, so nothing can reach it, and it
    is stopped before the function returns.

    Raises
    ------
    ImportError
        viser is not installed.
    """
    import viser

    with _EXPORT, contextlib.redirect_stdout(io.StringIO()):
        server = viser.ViserServer(host=(), port=0, verbose=False)
        try:
            _fill(server, viser.transforms.SO3, model, cloud, thumbnails)
            page = server.get_scene_serializer().as_html()
        finally:
            server.stop()
    # The reader's choice of light or dark, which viser takes as a constant.
    return page.replace("{darkMode:false}", "{darkMode:matchMedia('(prefers-color-scheme: dark)').matches}")


def _fill(server: Any, so3: Any, model: Reconstruction, cloud: Cloud, thumbnails: Mapping[str, Picture]) -> None:
    images = list(model.images.values())
    xyz, rgb = subsample(cloud, MAX_POINTS)
    frame = _Frame.of(images, xyz)
    server.scene.set_up_direction(tuple(frame.up))
    points = frame.apply(xyz).astype(np.float32)
    server.scene.add_point_cloud(
        "/cloud", points, rgb, point_size=_point_size(points), point_shape="circle", point_shading="flat"
    )
    size = _frustum_size(frame.apply(np.array([image.center for image in images])))
    for image_id, image in model.images.items():
        camera = model.cameras[image.camera_id]
        server.scene.add_camera_frustum(
            f"/cameras/{image_id}",
            fov=_field_of_view(camera),
            aspect=camera.width / camera.height,
            scale=size,
            thickness=1.5,
            thickness_units="screen",
            color=(230, 90, 60),
            image=thumbnails.get(image.name),
            wxyz=so3.from_matrix(image.rotation.T).wxyz,
            position=frame.apply(image.center),
            cast_shadow=False,
            receive_shadow=False,
        )
    eye, target = _viewpoint(frame, images, points)
    server.initial_camera.position = tuple(eye)
    server.initial_camera.look_at = tuple(target)
    server.initial_camera.up = tuple(frame.up)


class _Frame:
    """The world shifted and scaled so that the viewer's near and far planes and its half-precision points suit it."""

    def __init__(self, origin: NDArray[np.float64], scale: float, up: NDArray[np.float64]):
        self.origin, self.scale, self.up = origin, scale, up

    @classmethod
    def of(cls, images: list[Image], xyz: NDArray) -> _Frame:
        """Around the middle of the cloud; up is against the mean of the cameras' y axes."""
        centers = np.array([image.center for image in images])
        middle = np.median(xyz, axis=0) if len(xyz) else centers.mean(axis=0)
        reach = np.median(np.linalg.norm(centers - middle, axis=1)) or 1.0
        up = -np.mean([image.rotation[1] for image in images], axis=0)
        length = np.linalg.norm(up)
        return cls(middle, _FAR / float(reach), up / length if length > 1e-6 else np.array([0.0, -1.0, 0.0]))

    def apply(self, points: NDArray) -> NDArray[np.float64]:
        return (points - self.origin) * self.scale


def subsample(cloud: Cloud, limit: int) -> tuple[NDArray, NDArray[np.uint8]]:
    """At most ``limit`` finite points of a cloud, the same ones every time, and their colours."""
    rows = np.flatnonzero(np.isfinite(cloud.xyz).all(axis=1))
    if len(rows) > limit:
        rows = np.sort(np.random.Generator(np.random.Philox(0)).choice(rows, limit, replace=False))
    return cloud.xyz[rows], cloud.rgb[rows]


def _point_size(points: NDArray) -> float:
    """About the spacing of points that cover a surface: the extent over the root of their number."""
    if len(points) < 2:
        return 0.02
    extent = np.median(np.abs(points - np.median(points, axis=0)), axis=0).max() * 4
    return float(np.clip(extent / np.sqrt(len(points)) * 1.2, 0.006, 0.06))


def _frustum_size(centers: NDArray[np.float64]) -> float:
    """A sixth of the usual distance to the nearest other camera, within what can be seen."""
    if len(centers) < 2:
        return 0.5
    distances = np.linalg.norm(centers[:, None] - centers[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    return float(np.clip(np.median(distances.min(axis=1)) / 6, 0.05, 0.4))


def _field_of_view(camera: Camera) -> float:
    """Vertical, in radians."""
    return float(2 * np.arctan(camera.height / (2 * camera.matrix[1, 1])))


def _viewpoint(frame: _Frame, images: list[Image], points: NDArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Behind and above the middle photographer, looking at what the cameras look at."""
    middle = images[len(images) // 2]
    eye = frame.apply(middle.center)
    target = np.median(points, axis=0) if len(points) else eye + middle.rotation[2]
    away = eye - target
    return eye + 0.15 * away + 0.3 * np.linalg.norm(away) * frame.up, target
