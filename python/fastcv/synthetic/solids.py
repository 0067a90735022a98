# SPDX-License-Identifier: Apache-2.0
"""A solid: a unit shape, stretched, turned, placed and given a material."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .materials import Material
from .shapes import SHAPES, Array, cube_grid


def transform(matrix: Array, vectors: Array) -> Array:
    """``matrix`` times each row of ``vectors``, written out: independent of BLAS, contiguous columns in the result."""
    columns = vectors.T
    rows = [sum(m * column for m, column in zip(row, columns, strict=True) if m != 0) for row in matrix]
    return np.stack(np.broadcast_arrays(*rows, columns[0])[:-1]).T


@dataclass(frozen=True, init=False, eq=False)
class Solid:
    """A unit shape, stretched, turned and placed.

    Parameters
    ----------
    shape : str
        ``"box"``, ``"ball"`` or ``"cylinder"`` (its axis along its own z).
    center : (3,) array_like
        World frame.
    half_size : (3,) array_like
        Half the extent along the solid's own axes, in scene units, positive. Unequal values make ellipsoids.
    material : Material
    rotation : (3, 3) array_like, optional
        ``world_from_local``. Default: the identity.
    """

    shape: str
    center: Array
    half_size: Array
    material: Material
    rotation: Array

    def __init__(
        self,
        shape: str,
        center: ArrayLike,
        half_size: ArrayLike,
        material: Material,
        rotation: ArrayLike = ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    ) -> None:
        if shape not in SHAPES:
            raise ValueError(f"shape: expected one of {', '.join(SHAPES)}, got {shape!r}")
        object.__setattr__(self, "shape", shape)
        object.__setattr__(self, "material", material)
        fields = (("center", center, (3,)), ("half_size", half_size, (3,)), ("rotation", rotation, (3, 3)))
        for name, value, expected in fields:
            array = np.array(value, np.float64)
            if array.shape != expected:
                raise ValueError(f"{name}: expected shape {expected}, got {array.shape}")
            array.flags.writeable = False
            object.__setattr__(self, name, array)
        if not (self.half_size > 0).all():
            raise ValueError(f"half_size: expected positive values, got {self.half_size}")
        if not np.allclose(self.rotation @ self.rotation.T, np.eye(3), atol=1e-9):
            raise ValueError(f"rotation: expected an orthogonal matrix, got {self.rotation.tolist()}")

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

    def distance(self, points: Array) -> Array:
        """How far world points lie from the solid, (N, 3) to (N,), 0 inside, in scene units.

        Raises ValueError for balls of unequal half sizes and cylinders that are not round: no closed form is known.
        """
        offsets = np.abs(transform(self.rotation.T, points - self.center))
        half, count = self.half_size, {"box": 1, "ball": 3, "cylinder": 2}[self.shape]  # sizes that must be equal
        if not (half[:count] == half[0]).all():
            raise ValueError(f"half_size: expected equal values for a round {self.shape}, got {half}")
        if count > 1:  # the distance from the axis or the centre is one coordinate
            offsets = np.column_stack([np.linalg.norm(offsets[:, :count], axis=1), offsets[:, count:]])
            half = half[count - 1 :]
        return np.linalg.norm(np.maximum(offsets - half, 0), axis=1)

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
