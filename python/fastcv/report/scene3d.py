# SPDX-License-Identifier: Apache-2.0
"""The cameras and the cloud or the mesh as a page of its own that turns and zooms, made by viser."""

from __future__ import annotations

import contextlib
import html
import io
import logging
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import io as fastcv_io
from ..mesh import Mesh
from ..scene import Camera, Image, Reconstruction
from . import page
from .contents import Cloud, Picture, State
from .views import above_and_side, some_rows, up_direction

_LOG = logging.getLogger(__name__)

MAX_POINTS = 150_000  # about 1 MB of the page
MAX_FRUSTUMS = 1000
_FAR = 6.0  # distance, in units of the viewer, to which the scene is scaled
_NEAR = 1e4  # of the viewer's units: it stores points in half precision, which ends at 65504
_CLAY = 190  # grey of a mesh without colours
_MESH_DISTANCE = 2.5  # of the eye at most, in the mesh's radii
_EXPORT = threading.Lock()  # sys.stdout, which is redirected below, belongs to the whole process


def embed_scene(model: Reconstruction, shape: Cloud | Mesh, thumbnails: Mapping[str, Picture], caption: str) -> str:
    """HTML of the scene in a frame, or of still pictures where viser is not installed."""
    try:
        scene = export_scene(model, shape, thumbnails)
    except ImportError:
        cloud = shape if isinstance(shape, Cloud) else _vertices(shape)
        _LOG.info("viser is not installed; the report shows the scene as still pictures")
        poses = np.array([image.cam_from_world for image in model.images.values()])
        still = above_and_side([State("", cloud.xyz, poses, np.empty(0))], cloud.rgb)
        return page.chart(still, "The points and the cameras from above and from the side", "wide") + page.note(
            "Install viser (pip install 'fastcv[pipeline]') for a scene that turns."
        )
    return (
        f'<iframe class="scene" loading="lazy" title="The cameras and points in three dimensions: drag to turn, scroll '
        f'to zoom" srcdoc="{html.escape(scene)}"></iframe>\n'
        + page.note(f"Drag to turn, scroll or pinch to zoom, right drag to move. {caption}")
    )


def export_scene(model: Reconstruction, shape: Cloud | Mesh, thumbnails: Mapping[str, Picture]) -> str:
    """A self-contained HTML page with the cloud or the mesh, and a frustum for each image with its thumbnail if it has
    one.

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
            _fill(server, viser.transforms.SO3, model, shape, thumbnails)
            scene = server.get_scene_serializer().as_html()
        finally:
            server.stop()
    # The reader's choice of light or dark, which viser takes as a constant.
    return scene.replace("{darkMode:false}", "{darkMode:matchMedia('(prefers-color-scheme: dark)').matches}")


def _fill(server: Any, so3: Any, model: Reconstruction, shape: Cloud | Mesh, thumbnails: Mapping[str, Picture]) -> None:
    images = list(model.images.values())
    frame = _Frame.of(images, shape.xyz if isinstance(shape, Cloud) else shape.vertices)
    server.scene.set_up_direction(tuple(frame.up))
    points = _add_cloud(server, frame, shape) if isinstance(shape, Cloud) else _add_mesh(server, frame, shape)
    size = _frustum_size(frame.apply(np.array([image.center for image in images[: 4 * MAX_FRUSTUMS]])))
    shown = np.unique(np.linspace(0, len(images) - 1, min(len(images), MAX_FRUSTUMS)).round().astype(int))
    for image_id, image in [list(model.images.items())[row] for row in shown]:
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
    if isinstance(shape, Mesh):
        eye = _closer(eye, target, points)
    server.initial_camera.position = tuple(eye)
    server.initial_camera.look_at = tuple(target)
    server.initial_camera.up = tuple(frame.up)


def _add_cloud(server: Any, frame: _Frame, cloud: Cloud) -> NDArray[np.float32]:
    """Some points of a cloud, in the viewer's units."""
    rows = some_rows(cloud.xyz, MAX_POINTS)
    points, rgb = frame.apply(cloud.xyz[rows]).astype(np.float32), cloud.rgb[rows]
    near = np.abs(points).max(axis=1, initial=0) < _NEAR
    points, rgb = points[near], rgb[near]
    server.scene.add_point_cloud(
        "/cloud", points, rgb, point_size=_point_size(points), point_shape="circle", point_shading="flat"
    )
    return points


def _add_mesh(server: Any, frame: _Frame, mesh: Mesh) -> NDArray[np.float32]:
    """The whole mesh; its vertices in the viewer's units."""
    points = frame.apply(mesh.vertices).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "mesh.glb"  # its colours are right and not lit again, unlike those of viser's own meshes
        fastcv_io.write_mesh(path, Mesh(points, mesh.faces, mesh.colors, texture=mesh.texture))
        server.scene.add_glb("/mesh", path.read_bytes())
    return points


def _vertices(mesh: Mesh) -> Cloud:
    """The vertices of a mesh as points."""
    colors = np.full((len(mesh.vertices), 3), _CLAY, np.uint8) if mesh.colors is None else mesh.colors
    return Cloud(mesh.vertices, colors)


def _closer(eye: NDArray[np.float64], target: NDArray[np.float64], points: NDArray) -> NDArray[np.float64]:
    """Not so far that a mesh is small: objects are photographed from many times their size."""
    away = eye - target
    reach = _MESH_DISTANCE * np.percentile(np.linalg.norm(points - target, axis=1), 95)
    return target + away * min(1.0, float(reach) / max(float(np.linalg.norm(away)), 1e-9))


class _Frame:
    """The world shifted and scaled so that the viewer's near and far planes and its half-precision points suit it."""

    def __init__(self, origin: NDArray[np.float64], scale: float, up: NDArray[np.float64]):
        self.origin, self.scale, self.up = origin, scale, up

    @classmethod
    def of(cls, images: list[Image], xyz: NDArray) -> _Frame:
        """Around the middle of the cloud."""
        centers = np.array([image.center for image in images])
        middle = np.median(xyz, axis=0) if len(xyz) else centers.mean(axis=0)
        reach = np.median(np.linalg.norm(centers - middle, axis=1)) or 1.0
        up = up_direction(np.array([image.cam_from_world for image in images]))
        return cls(middle, _FAR / float(reach), up)

    def apply(self, points: NDArray) -> NDArray[np.float64]:
        return (points - self.origin) * self.scale


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
    """Vertical, in radians. A panorama, which sees all around, is drawn as a right angle."""
    if camera.is_spherical:
        return np.pi / 2
    return float(2 * np.arctan(camera.height / (2 * camera.matrix[1, 1])))


def _viewpoint(frame: _Frame, images: list[Image], points: NDArray) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Behind and above the middle photographer, looking at what the cameras look at."""
    middle = images[len(images) // 2]
    eye = frame.apply(middle.center)
    target = np.median(points, axis=0) if len(points) else eye + middle.rotation[2]
    away = eye - target
    return eye + 0.15 * away + 0.3 * np.linalg.norm(away) * frame.up, target
