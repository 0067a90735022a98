# SPDX-License-Identifier: Apache-2.0
"""Pictures of a mesh: which triangle every pixel shows, how far it is, and its colour."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import camera as camera_room
from ..mesh import Mesh
from ..scene import Camera
from ._raster import rasterize, sample_image

_PINHOLES = ("PINHOLE", "SIMPLE_PINHOLE")
_AMBIENT, _GREY = 0.25, 200.0


class RenderedMesh(NamedTuple):
    """A picture of a mesh.

    ``colors`` (H, W, 3) uint8; ``depth`` (H, W) float32 along z of the camera at the pixels' centres, 0 for none;
    ``faces`` (H, W) int32, which triangle a pixel shows, -1 for none; ``weights`` (H, W, 3) float32, how much of each
    of its corners is there: they add up to 1.
    """

    colors: NDArray[np.uint8]
    depth: NDArray[np.float32]
    faces: NDArray[np.int32]
    weights: NDArray[np.float32]


def render_mesh(
    mesh: Mesh,
    camera: Camera,
    cam_from_world: ArrayLike,
    *,
    shaded: bool | None = None,
    background: tuple[int, int, int] = (255, 255, 255),
    num_threads: int = 0,
) -> RenderedMesh:
    """Draw a mesh as a camera sees it, from outside and from inside.

    A pixel shows what lies nearest at its centre; triangles next to one another leave no gaps. Colours are those of the
    texture (bilinear), else of the vertices, else grey.

    Parameters
    ----------
    mesh : Mesh
    camera : Camera
        With a lens that is no pinhole, edges stay straight between projected vertices: exact for small triangles.
        Triangles with a vertex that the lens does not see are left out.
    cam_from_world : (3, 4) array
    shaded : bool, optional
        Whether to light the surface from the camera. Where absent, only a mesh without colours and texture is.
    background : (int, int, int)
        RGB.
    num_threads : int
        0 for the default; the picture is the same for every number.

    Returns
    -------
    RenderedMesh

    Raises
    ------
    ValueError
        A pose that is not (3, 4) finite numbers; an EQUIRECTANGULAR camera.

    References
    ----------
    Olano & Greer 1997, "Triangle scan conversion using 2D homogeneous coordinates".

    Examples
    --------
    >>> from fastcv import Camera, meshes
    >>> from fastcv.mesh import Mesh
    >>> corners = np.array([[-1, -1, 5], [1, -1, 5], [-1, 1, 5]], np.float32)
    >>> mesh = Mesh(corners, np.array([[0, 1, 2]], np.int32), colors=np.array([[9, 0, 0]] * 3, np.uint8))
    >>> view = meshes.render_mesh(mesh, Camera("SIMPLE_PINHOLE", 10, 10, [20, 5, 5]), np.eye(3, 4))
    >>> view.depth[2], view.colors[2, 2]
    (array([0., 5., 5., 5., 5., 5., 5., 5., 0., 0.], dtype=float32), array([9, 0, 0], dtype=uint8))
    """
    pose = np.asarray(cam_from_world, np.float64)
    if pose.shape != (3, 4) or not np.isfinite(pose).all():
        raise ValueError(f"cam_from_world: expected (3, 4) finite numbers, got {pose.tolist()}")
    vertices = _homogeneous(mesh.vertices, camera, pose)
    depth, faces, weights = rasterize(vertices, mesh.faces, (camera.height, camera.width), num_threads)
    if shaded is None:
        shaded = mesh.colors is None and mesh.texture is None
    colors = np.empty((*depth.shape, 3), np.uint8)
    colors[:] = background
    shown = faces >= 0
    values = _colors_at(mesh, faces[shown], weights[shown])
    if shaded:
        values *= _light(mesh, pose, faces[shown], weights[shown])[:, None]
    colors[shown] = np.round(values)
    return RenderedMesh(colors, depth, faces, weights)


def _homogeneous(vertices: NDArray[Any], camera: Camera, pose: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, 3): x w, y w and w = depth."""
    if camera.is_spherical:
        raise ValueError(f"camera: expected a camera whose image is one of depths, got {camera.model}")
    points = vertices @ pose[:, :3].T + pose[:, 3]
    if camera.model in _PINHOLES:
        return points @ camera.matrix.T
    pixels = camera_room.project(np.ascontiguousarray(points), camera)
    beyond = np.arctan2(np.hypot(points[:, 0], points[:, 1]), points[:, 2]) > camera_room.max_valid_angle(camera)
    pixels[beyond] = np.nan
    return np.concatenate([pixels * points[:, 2:], points[:, 2:]], axis=1)


def _colors_at(mesh: Mesh, faces: NDArray[np.int32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """(P, 3) of points on faces."""
    if mesh.texture is not None:
        return sample_image(mesh.texture.image, np.einsum("pk,pkc->pc", weights, mesh.texture.uv[faces]))
    if mesh.colors is not None:
        return np.einsum("pk,pkc->pc", weights, mesh.colors[mesh.faces[faces]].astype(np.float32))
    return np.full((len(faces), 3), _GREY, np.float32)


def _light(
    mesh: Mesh, pose: NDArray[np.float64], faces: NDArray[np.int32], weights: NDArray[np.float32]
) -> NDArray[np.float32]:
    """(P,) cosine of the angle between the surface and the direction to the camera, and a part that is everywhere."""
    corners = mesh.faces[faces]
    if mesh.normals is not None:
        normals = np.einsum("pk,pkc->pc", weights, mesh.normals[corners])
    else:
        a, b, c = np.moveaxis(mesh.vertices[corners].astype(np.float64), 1, 0)
        normals = np.cross(b - a, c - a)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-30)
    points = np.einsum("pk,pkc->pc", weights, mesh.vertices[corners])
    to_camera = -pose[:, :3].T @ pose[:, 3] - points
    to_camera /= np.maximum(np.linalg.norm(to_camera, axis=1, keepdims=True), 1e-30)
    return (_AMBIENT + (1 - _AMBIENT) * np.abs(np.einsum("pc,pc->p", normals, to_camera))).astype(np.float32)
