# SPDX-License-Identifier: Apache-2.0
"""A texture from photographs: a good view for every triangle, charts in one picture, seams that do not show."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..mesh import Mesh, Texture
from ..scene import Camera
from ._adjacency import face_neighbors
from ._atlas import pack_charts
from ._bake import bake
from ._exposure import estimate_gains
from ._labels import charts_of, choose_views
from ._leveling import level_colors
from ._sources import Source, agreeing, showing, source_of

_UNKNOWN = 128.0  # grey of what nothing around says a colour of


def texture_mesh(
    mesh: Mesh,
    images: Sequence[NDArray[np.uint8]],
    cameras: Sequence[tuple[Camera, ArrayLike]],
    *,
    size: int = 2048,
    progress: Callable[[int, int], None] | None = None,
    num_threads: int = 0,
) -> Mesh:
    """Colour a mesh by the photographs that show it.

    Every triangle gets the photograph that shows it largest and most from the front, among those in which nothing hides
    it and whose colour there the others do not contradict; mostly that of its neighbours, so that seams are few. The
    charts that result lie side by side in one picture. A gain for each photograph and channel takes out exposure and
    white balance; what is left is made to agree along the seams, and photographs are mixed next to them. Triangles that
    no photograph shows take the colours around.

    Parameters
    ----------
    mesh : Mesh
        Of some 100 000 triangles at most for pleasant times: simplify first. Faces are seen from outside.
    images : sequence of (H, W, 3) uint8 arrays
        RGB.
    cameras : sequence of pairs (Camera, cam_from_world)
        One per image; of any model with a pinhole view.
    size : int
        Sides of the texture in pixels, at most. Where charts would fit at the photographs' own resolution, it is not
        used up.
    progress : callable, optional
        Called with the number of photographs that were looked at, and of all.
    num_threads : int
        0 for the default.

    Returns
    -------
    Mesh
        The same vertices, faces, colours and normals, with a texture.

    Raises
    ------
    TypeError, ValueError
        No image, another number of cameras, an image of another size than its camera's, another dtype; a mesh without
        triangles; a size below 16, or too small for the charts.

    References
    ----------
    Waechter, Moehrle & Goesele 2014, "Let there be color! Large-scale texturing of 3D reconstructions". Lempitsky &
    Ivanov 2007, "Seamless mosaicing of image-based texture maps".

    Examples
    --------
    A square, seen by one camera:

    >>> from fastcv import Camera, meshes
    >>> from fastcv.mesh import Mesh
    >>> corners = np.array([[-1.0, -1, 4], [1, -1, 4], [1, 1, 4], [-1, 1, 4]])
    >>> square = Mesh(corners, np.array([[0, 2, 1], [0, 3, 2]], np.int32))
    >>> photograph = np.full((48, 64, 3), [200, 100, 50], np.uint8)
    >>> camera = Camera("SIMPLE_PINHOLE", 64, 48, [64.0, 32, 24])
    >>> textured = meshes.texture_mesh(square, [photograph], [(camera, np.eye(3, 4))], size=64)
    >>> meshes.render_mesh(textured, camera, np.eye(3, 4)).colors[24, 32]
    array([200, 100,  50], dtype=uint8)
    """
    if operator.index(size) < 16:
        raise ValueError(f"size: expected 16 or more, got {size}")
    if len(mesh.faces) == 0:
        raise ValueError("mesh: expected at least one triangle, got none")
    sources, quality = [], np.zeros((len(images), len(mesh.faces)), np.float32)
    colors = np.zeros((len(images), len(mesh.faces), 3), np.float32)
    for number, (image, camera, pose) in enumerate(_checked(images, cameras)):
        sources.append(source_of(image, camera, pose))
        quality[number], colors[number] = showing(mesh, sources[-1], num_threads)
        if progress:
            progress(number + 1, len(images))
    gains = estimate_gains(quality, colors)
    colors /= gains[:, None].astype(np.float32)
    sources = [source._replace(gain=gain) for source, gain in zip(sources, gains, strict=True)]
    quality = agreeing(quality, colors)
    neighbors = face_neighbors(mesh.faces)
    labels = choose_views(quality, neighbors)
    charts = charts_of(labels, neighbors)
    atlas = pack_charts(_places(mesh, labels, sources), charts, int(size))
    corrections = level_colors(mesh.vertices, mesh.faces, neighbors, labels, sources)
    picture = bake(mesh.vertices, mesh.faces, labels, quality, sources, corrections, atlas, num_threads)
    shown = labels >= 0
    mean = colors[labels[shown], np.flatnonzero(shown)] + corrections.values[corrections.unknown[shown]].mean(1)
    _fill_cells(picture, atlas.uv, mesh.faces, ~shown, mean)
    image = np.clip(np.round(picture), 0, 255).astype(np.uint8)
    return replace(mesh, texture=Texture(image, atlas.uv.astype(np.float32)))


def _checked(images, cameras):
    """Images with their cameras and poses."""
    if len(images) == 0:
        raise ValueError("images: expected at least one, got none")
    if len(cameras) != len(images):
        raise ValueError(f"cameras: expected one per image ({len(images)}), got {len(cameras)}")
    for number, (image, (camera, pose)) in enumerate(zip(images, cameras, strict=True)):
        image, pose = np.asarray(image), np.asarray(pose, np.float64)
        if image.dtype != np.uint8:
            raise TypeError(f"images[{number}]: expected dtype uint8, got {image.dtype}")
        if image.shape != (camera.height, camera.width, 3):
            raise ValueError(
                f"images[{number}]: expected its camera's shape {(camera.height, camera.width, 3)}, got {image.shape}"
            )
        if pose.shape != (3, 4) or not np.isfinite(pose).all():
            raise ValueError(f"cameras[{number}]: expected a pose of (3, 4) finite numbers, got {pose.tolist()}")
        yield image, camera, pose


def _places(mesh: Mesh, labels: NDArray[np.int64], sources: list[Source]) -> NDArray[np.float64]:
    """(F, 3, 2) where corners lie in the photographs of their triangles."""
    places = np.zeros((len(labels), 3, 2))
    for view, source in enumerate(sources):
        mine = labels == view
        places[mine] = source.project(mesh.vertices[mesh.faces[mine]].astype(np.float64))[0]
    return places


def _fill_cells(
    picture: NDArray[np.float32],
    uv: NDArray[np.float64],
    faces: NDArray[np.int32],
    unseen: NDArray[np.bool_],
    mean: NDArray[np.floating],
) -> None:
    """Colours of triangles that no view shows: at corners those of the triangles around, further in as they spread.

    A cell has 2 × 2 pixels with the corners at the centres of three, which makes colours linear in the triangle.
    """
    if not unseen.any():
        return
    count = int(faces.max()) + 1
    sums, total = np.zeros((count, 3)), np.zeros(count)
    for corner in range(3):
        at = faces[~unseen, corner]
        total += np.bincount(at, minlength=count)
        for c in range(3):
            sums[:, c] += np.bincount(at, mean[:, c], minlength=count)
    values = sums / np.maximum(total, 1)[:, None]
    _spread(values, total > 0, faces[unseen])
    corners = values[faces[unseen]]
    x, y = uv[unseen, 0].astype(np.int64).T
    picture[y, x], picture[y, x + 1], picture[y + 1, x] = corners[:, 0], corners[:, 1], corners[:, 2]
    picture[y + 1, x + 1] = corners[:, 1:].mean(1)


def _spread(values: NDArray[np.float64], known: NDArray[np.bool_], faces: NDArray[np.int32]) -> None:
    """Carry values on from vertex to vertex, ring by ring; grey where none arrives."""
    pairs = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    pairs = np.concatenate([pairs, pairs[:, ::-1]])
    while True:
        start, end = pairs[known[pairs[:, 0]] & ~known[pairs[:, 1]]].T
        if len(start) == 0:
            break
        number = np.bincount(end, minlength=len(values))
        new = number > 0
        for c in range(3):
            sums = np.bincount(end, values[start, c], minlength=len(values))
            values[new, c] = sums[new] / number[new]
        known = known | new
    values[~known] = _UNKNOWN
