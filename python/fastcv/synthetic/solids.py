# SPDX-License-Identifier: Apache-2.0
"""A solid: a unit shape, stretched, turned, placed and given a material."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from .materials import Material
from .shapes import SHAPES, Array, cube_grid


def transform(matrix: Array, vectors: Array) -> Array:
    """``matrix`` times each row of ``vectors``, written out: independent of BLAS, contiguous columns in the result."""
    columns = vectors.T
    rows = [sum(m * column for m, column in zip(row, columns, strict=True) if m != 0) for row in matrix]
    return np.stack(np.broadcast_arrays(*rows, columns[0])[:-1]).T


@dataclass(frozen=True)
class Solid:
    """A unit shape, stretched, turned and placed.

    Parameters
    ----------
    shape : str
        ``"box"``, ``"ball"`` or ``"cylinder"`` (its axis along its own z).
    center : (3,) float64 array
        World frame.
    half_size : (3,) float64 array
        Half the extent along the solid's own axes, in scene units. Unequal values make ellipsoids.
    material : Material
    rotation : (3, 3) float64 array, optional
        ``world_from_local``. Default: the identity.
    """

    shape: str
    center: Array
    half_size: Array
    material: Material
    rotation: Array = field(default_factory=lambda: np.eye(3))

    def __post_init__(self) -> None:
        if self.shape not in SHAPES:
            raise ValueError(f"shape: expected one of {', '.join(SHAPES)}, got {self.shape!r}")
        for name, shape in (("center", (3,)), ("half_size", (3,)), ("rotation", (3, 3))):
            value = np.array(getattr(self, name), np.float64)
            if value.shape != shape:
                raise ValueError(f"{name}: expected shape {shape}, got {value.shape}")
            value.flags.writeable = False
            object.__setattr__(self, name, value)
        if not (self.half_size > 0).all():
            raise ValueError(f"half_size: expected positive, got {self.half_size}")

    @cached_property
    def unit_from_world(self) -> Array:
        """(3, 3): world offsets from the centre to coordinates in which the solid is its unit shape."""
        return self.rotation.T / self.half_size[:, None]

    @cached_property
    def radius(self) -> float:
        """Radius of a ball about the centre that holds the solid."""
        half = self.half_size
        inscribed = {"box": np.linalg.norm(half), "ball": half.max(), "cylinder": np.hypot(half[:2].max(), half[2])}
        return float(inscribed[self.shape])

    def unit(self, points: Array) -> Array:
        """World points to coordinates in which the solid is its unit shape."""
        return transform(self.unit_from_world, points - self.center)

    def gauge(self, points: Array) -> Array:
        """Below 1 for world points inside the solid, 1 on its surface."""
        return SHAPES[self.shape].gauge(self.unit(points))

    def surface(self, edge_length: float) -> tuple[Array, Array, NDArray[np.int32]]:
        """Vertices (V, 3) and their unit normals in the world frame, and triangles (F, 3), of the whole surface.

        Vertices on an edge of the solid appear once for each face that meets there, each with its face's normal.
        """
        cube, cube_normals, faces = cube_grid(np.maximum(np.ceil(2 * self.half_size / edge_length), 1).astype(np.int64))
        shape = SHAPES[self.shape]
        points = transform(self.rotation, shape.from_cube(cube) * self.half_size) + self.center
        within_face = cube + 1e-9 * (cube_normals - cube)  # off the edges, where the normal has two values
        return points, self.normals(shape.normal(shape.from_cube(within_face))), faces

    def normals(self, unit_normals: Array) -> Array:
        """Normals of the unit shape to unit normals in the world frame (they transform by the inverse transpose)."""
        world = transform(self.unit_from_world.T, unit_normals)
        return world / np.linalg.norm(world, axis=1, keepdims=True)
