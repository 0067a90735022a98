# SPDX-License-Identifier: Apache-2.0
"""Photographs as sources of texture: where a mesh lies in each, how well each shows each triangle, in which colour."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .. import camera as camera_room
from ..mesh import Mesh
from ..scene import Camera
from ._raster import rasterize, sample_image

_MIN_COSINE = 0.17  # 80 degrees between a triangle's normal and the direction to the camera
_PINHOLES = ("PINHOLE", "SIMPLE_PINHOLE")
# Pixels that close to an outline may show what is behind it; a triangle with such ones is taken where nothing else is.
_MARGIN, _AT_EDGE = 2, 1e-3
_PART = 1 << 12  # triangles whose colours are compared together
# Where in a triangle it is looked whether something hides it, and which colour it has.
_PROBES = np.array([[1, 1, 1], [8, 1, 1], [1, 8, 1], [1, 1, 8], [4, 4, 2], [2, 4, 4], [4, 2, 4]], np.float64)
_PROBES /= _PROBES.sum(1, keepdims=True)


class Source(NamedTuple):
    """A photograph by a pinhole camera; ``valid`` (H, W) says which pixels are of the photograph, None for all.

    Its levels are those of the surface times ``gain`` (3,)."""

    image: NDArray[np.uint8]
    valid: NDArray[np.bool_] | None
    image_from_world: NDArray[np.float64]
    center: NDArray[np.floating]
    focal_length: float
    gain: NDArray[np.float64]

    def project(self, points: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(..., 2) pixels and (...) depths; what is not in front has pixels of no meaning."""
        homogeneous = points @ self.image_from_world[:, :3].T + self.image_from_world[:, 3]
        depth = homogeneous[..., 2]
        return homogeneous[..., :2] / np.where(depth > 0, depth, 1.0)[..., None], depth

    def sample(self, places: NDArray[Any]) -> NDArray[np.float32]:
        """(P, 3) colours of the surface at (P, 2) pixels."""
        return np.divide(sample_image(self.image, places), self.gain, dtype=np.float32)


class Showing(NamedTuple):
    """``quality`` (F,): pixels that a triangle covers, less where it is seen at an angle; 0 where it is not seen whole.
    ``colors`` (F, 3): its mean colour."""

    quality: NDArray[np.float32]
    colors: NDArray[np.float32]


def source_of(image: NDArray[np.uint8], camera: Camera, pose: NDArray[np.float64]) -> Source:
    """A photograph, undistorted where its lens distorts."""
    valid = None
    if camera.model not in _PINHOLES:
        pinhole = camera_room.undistorted_pinhole(camera)
        whole = np.full(image.shape[:2], 255, np.uint8)
        valid = camera_room.undistort_image(whole, camera, pinhole=pinhole)[0] == 255
        image, camera = camera_room.undistort_image(image, camera, pinhole=pinhole)
    K = camera.matrix
    center = -np.linalg.solve(pose[:, :3], pose[:, 3])  # a projection with skew has a pose that is not rigid
    return Source(image, valid, K @ pose, center, float(np.sqrt(K[0, 0] * K[1, 1])), np.ones(3))


def showing(mesh: Mesh, source: Source, num_threads: int) -> Showing:
    """How a photograph shows the triangles of a mesh."""
    corners = mesh.vertices[mesh.faces].astype(np.float64)
    pixels, depth = source.project(mesh.vertices.astype(np.float64))
    at, ahead = pixels[mesh.faces], (depth > 0)[mesh.faces].all(1)
    height, width = source.image.shape[:2]
    inside = ((at >= 1) & (at <= [width - 1, height - 1])).all((1, 2))
    side, other = at[:, 1] - at[:, 0], at[:, 2] - at[:, 0]
    area = 0.5 * np.abs(side[:, 0] * other[:, 1] - side[:, 1] * other[:, 0])
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    towards = source.center - corners.mean(1)
    lengths = np.linalg.norm(normals, axis=1) * np.linalg.norm(towards, axis=1)
    cosine = np.einsum("fc,fc->f", normals, towards) / np.maximum(lengths, 1e-300)
    candidates = np.flatnonzero(ahead & inside & (cosine > _MIN_COSINE) & (area > 0))

    buffer = _depth_buffer(mesh, source, num_threads)
    points = np.einsum("pk,fkc->fpc", _PROBES, corners[candidates])
    seen = _unhidden(source, buffer, points, cosine[candidates], 0)
    candidates, points = candidates[seen], points[seen]
    clear = _unhidden(source, buffer, points, cosine[candidates], _MARGIN)
    quality, colors = np.zeros(len(corners), np.float32), np.zeros((len(corners), 3), np.float32)
    quality[candidates] = area[candidates] * cosine[candidates] * np.where(clear, 1.0, _AT_EDGE)
    places = source.project(points)[0]
    colors[candidates] = source.sample(places.reshape(-1, 2)).reshape(*places.shape[:2], 3).mean(1)
    return Showing(quality, colors)


def _depth_buffer(mesh: Mesh, source: Source, num_threads: int) -> NDArray[np.float32]:
    homogeneous = mesh.vertices @ source.image_from_world[:, :3].T + source.image_from_world[:, 3]
    return rasterize(homogeneous, mesh.faces, source.image.shape[:2], num_threads).depth


def _unhidden(
    source: Source, buffer: NDArray[np.float32], points: NDArray[np.float64], cosine: NDArray[np.float64], margin: int
) -> NDArray[np.bool_]:
    """(F,) whether all of (F, P, 3) points of triangles are seen, and lie on pixels of the photograph.

    With a margin, in pixels, nothing that is nearer and nothing beside the mesh may be as close as that to them.
    """
    places, depth = source.project(points)
    height, width = buffer.shape
    x = np.clip(places[..., 0].astype(np.int64), 0, width - 1)
    y = np.clip(places[..., 1].astype(np.int64), 0, height - 1)
    # The buffer has depths of pixels' centres: as far away as that the same surface may be so much nearer.
    slope = np.sqrt(1 / np.maximum(cosine, _MIN_COSINE) ** 2 - 1)[:, None]
    tolerance = (1.5 + margin) * depth / source.focal_length * (1 + slope)
    at = _lowest_around(buffer, margin)[y, x]
    seen = depth <= at + tolerance
    if margin == 0:
        seen |= at == 0
    if source.valid is not None:
        seen &= source.valid[y, x]
    return seen.all(1)


def _lowest_around(buffer: NDArray[np.float32], margin: int) -> NDArray[np.float32]:
    """The lowest of the values up to so many rows and columns away."""
    for axis in range(2):
        padding = [(0, 0), (0, 0)]
        padding[axis] = (margin, margin)
        padded = np.pad(buffer, padding, mode="edge")
        buffer = np.lib.stride_tricks.sliding_window_view(padded, 2 * margin + 1, axis=axis).min(-1)
    return buffer


def agreeing(quality: NDArray[np.float32], colors: NDArray[np.float32]) -> NDArray[np.float32]:
    """(V, F) qualities, 0 for views of a triangle whose colour most others contradict.

    A passer-by or a highlight: colours further from the median than three times the median distance, and than 30 of 255
    (after Waechter, Moehrle & Goesele 2014, section 4.3, who fit a Gaussian).
    """
    result = quality.copy()
    several = np.flatnonzero((quality > 0).sum(0) >= 3)
    for start in range(0, len(several), _PART):
        many = several[start : start + _PART]
        seen = quality[:, many] > 0
        known = np.where(seen[..., None], colors[:, many], np.nan)
        distance = np.linalg.norm(known - np.nanmedian(known, axis=0), axis=-1)
        limit = np.maximum(3 * np.nanmedian(distance, axis=0), 30.0)
        result[:, many] = np.where(seen & (distance <= limit), quality[:, many], 0)
    return result
