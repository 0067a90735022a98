# SPDX-License-Identifier: Apache-2.0
"""Convex unit shapes (box, ball, cylinder) that an affine map places in a scene: ray spans, normals, meshes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Span = tuple[Array, Array]


@dataclass(frozen=True)
class Shape:
    """A convex solid inside the cube [-1, 1]^3 that touches all six faces of it.

    Parameters
    ----------
    span : callable
        Origins and directions, (N, 3) or (1, 3), to the ray parameters (near, far) between which the line is
        inside; near > far where it misses.
    gauge : callable
        (N, 3) points to (N,): below 1 inside, 1 on the surface, homogeneous of degree one.
    normal : callable
        (N, 3) points of the surface to a vector along the outward normal.
    from_cube : callable
        (N, 3) points of the cube's surface to the shape's surface, one to one and never stretching by much.
    """

    span: Callable[[Array, Array], Span]
    gauge: Callable[[Array], Array]
    normal: Callable[[Array], Array]
    from_cube: Callable[[Array], Array]


def _slab_span(origins: Array, directions: Array) -> Span:
    """Span inside |coordinate| <= 1 for one axis; a ray parallel to the slab is inside for ever or never."""
    with np.errstate(divide="ignore", invalid="ignore"):
        middle, half = -origins / directions, 1.0 / np.abs(directions)
        near, far = middle - half, middle + half
    return _or_parallel(directions == 0, np.abs(origins) <= 1, near, far)


def _round_span(origins: Array, directions: Array) -> Span:
    """Span inside the unit ball (three columns) or the unit disc (two).

    Measured from the point of the line that is nearest to the centre, which loses no digits for small, far shapes.
    """
    squared_speed = sum(d * d for d in directions.T)
    with np.errstate(divide="ignore", invalid="ignore"):
        middle = -sum(o * d for o, d in zip(origins.T, directions.T, strict=True)) / squared_speed
        squared_miss = sum((o + middle * d) ** 2 for o, d in zip(origins.T, directions.T, strict=True))
        half = np.sqrt((1.0 - squared_miss) / squared_speed)
    hit = squared_miss <= 1  # False for NaN too
    near, far = np.where(hit, middle - half, np.inf), np.where(hit, middle + half, -np.inf)
    return _or_parallel(squared_speed == 0, sum(o * o for o in origins.T) <= 1, near, far)


def _or_parallel(parallel: NDArray[np.bool_], inside: NDArray[np.bool_], near: Array, far: Array) -> Span:
    """Replace the span of rays that do not move across this constraint: everything if inside, else nothing."""
    if parallel.any():
        near = np.where(parallel, np.where(inside, -np.inf, np.inf), near)
        far = np.where(parallel, np.where(inside, np.inf, -np.inf), far)
    return near, far


def _common(spans: list[Span]) -> Span:
    near, far = spans[0]
    for other_near, other_far in spans[1:]:
        near, far = np.maximum(near, other_near), np.minimum(far, other_far)
    return near, far


def _box_span(origins: Array, directions: Array) -> Span:
    return _common([_slab_span(o, d) for o, d in zip(origins.T, directions.T, strict=True)])


def _cylinder_span(origins: Array, directions: Array) -> Span:
    side = _round_span(origins[:, :2], directions[:, :2])
    return _common([side, _slab_span(origins[:, 2], directions[:, 2])])


def _box_normal(points: Array) -> Array:
    normals = np.zeros_like(points)
    rows, axes = np.arange(len(points)), np.abs(points).argmax(1)
    normals[rows, axes] = np.sign(points[rows, axes])
    return normals


def _cylinder_normal(points: Array) -> Array:
    on_cap = np.abs(points[:, 2]) >= np.hypot(points[:, 0], points[:, 1])
    side, cap = points * (1.0, 1.0, 0.0), np.sign(points) * (0.0, 0.0, 1.0)
    return np.where(on_cap[:, None], cap, side)


def _cylinder_from_cube(points: Array) -> Array:
    """Pull squares |x|, |y| <= r in to discs of radius r, so that the cube's edges become the two rims."""
    square, disc = np.abs(points[:, :2]).max(1), np.hypot(points[:, 0], points[:, 1])
    scale = np.divide(square, disc, out=np.ones_like(disc), where=disc > 0)
    return points * np.column_stack([scale, scale, np.ones_like(scale)])


SHAPES: dict[str, Shape] = {
    "box": Shape(_box_span, lambda p: np.abs(p).max(1), _box_normal, lambda p: p),
    "ball": Shape(
        _round_span,
        lambda p: np.linalg.norm(p, axis=1),
        lambda p: p,
        lambda p: p / np.linalg.norm(p, axis=1, keepdims=True),
    ),
    "cylinder": Shape(
        _cylinder_span,
        lambda p: np.maximum(np.hypot(p[:, 0], p[:, 1]), np.abs(p[:, 2])),
        _cylinder_normal,
        _cylinder_from_cube,
    ),
}


def cube_grid(counts: NDArray[np.int64]) -> tuple[Array, Array, NDArray[np.int32]]:
    """Triangles of the surface of [-1, 1]^3, split ``counts`` times along x, y and z; edges are duplicated.

    Returns
    -------
    vertices, normals : (V, 3) float64 arrays
    faces : (F, 3) int32 array, counter-clockwise seen from outside
    """
    vertices, normals, faces, first = [], [], [], 0
    for axis in range(3):
        u, v = (axis + 1) % 3, (axis + 2) % 3
        nu, nv = int(counts[u]), int(counts[v])
        grid_u, grid_v = np.meshgrid(np.linspace(-1, 1, nu + 1), np.linspace(-1, 1, nv + 1), indexing="ij")
        corner = np.arange((nu + 1) * (nv + 1)).reshape(nu + 1, nv + 1)
        a, b, c, d = (x.ravel() for x in (corner[:-1, :-1], corner[1:, :-1], corner[1:, 1:], corner[:-1, 1:]))
        triangles = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])
        for side in (-1.0, 1.0):
            points = np.empty((corner.size, 3))
            points[:, axis], points[:, u], points[:, v] = side, grid_u.ravel(), grid_v.ravel()
            vertices.append(points)
            normals.append(np.tile(side * np.eye(3)[axis], (corner.size, 1)))
            faces.append(first + (triangles if side > 0 else triangles[:, ::-1]))
            first += corner.size
    return np.concatenate(vertices), np.concatenate(normals), np.concatenate(faces).astype(np.int32)
