# SPDX-License-Identifier: Apache-2.0
"""A scene of textured solids under a sun: ray casting, light, meshes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .materials import DISPLAY_GAMMA, albedo, linear_from_hex
from .noise import Floats
from .shapes import SHAPES, Array
from .solids import Solid, transform

_SURFACE_OFFSET = 1e-6  # scene units: a ray that leaves a surface does not meet it again


class Hits(NamedTuple):
    """First hit of each ray: ``t`` (N,) float64, inf for none; ``normals`` (N, 3) float64, unit, outward, 0 for
    none; ``ids`` (N,) int32 rows of ``Scene.solids``, -1 for none."""

    t: Array
    normals: Array
    ids: NDArray[np.int32]


class Mesh(NamedTuple):
    """Triangles: ``vertices`` (V, 3) float64 in the world frame, ``faces`` (F, 3) int32 counter-clockwise seen from
    outside, ``colors`` (V, 3) uint8 sRGB with the light of the scene."""

    vertices: Array
    faces: NDArray[np.int32]
    colors: NDArray[np.uint8]


def srgb_from_linear(color: Floats) -> Floats:
    """Linear light to display values in [0, 255], float32, not rounded."""
    return np.clip(color, 0, 1) ** np.float32(1 / DISPLAY_GAMMA) * np.float32(255)


@dataclass(frozen=True)
class Scene:
    """Textured solids, one sun, a sky. The world's z axis points up.

    Parameters
    ----------
    solids : sequence of Solid
        They may overlap; what lies inside another solid is never seen.
    seed : int
        Of every texture.
    sun : (float, float, float)
        Direction towards the sun.
    """

    solids: Sequence[Solid]
    seed: int = 0
    sun: tuple[float, float, float] = (-0.5, -0.65, 0.8)

    def _candidates(self, origins: Array, directions: Array) -> NDArray[np.intp]:
        """Solids that rays within a common cone can meet: a ball of radius r at distance d is missed when it lies
        more than asin(r / d) outside the cone."""
        centers = np.array([solid.center for solid in self.solids])
        radii = np.array([solid.radius for solid in self.solids])
        middle = (origins.min(0) + origins.max(0)) / 2
        spread = np.linalg.norm(origins - middle, axis=1).max()
        units = directions / np.linalg.norm(directions, axis=1, keepdims=True)
        axis = units.mean(0)
        axis /= max(np.linalg.norm(axis), 1e-12)
        cone = np.arccos(np.clip((units @ axis).min(), -1, 1))
        offsets = centers - middle
        distances = np.maximum(np.linalg.norm(offsets, axis=1), 1e-12)
        angles = np.arccos(np.clip(offsets @ axis / distances, -1, 1))
        reach = (radii + spread) * (1 + 1e-6) / distances
        margin = np.where(reach >= 1, np.pi, np.arcsin(np.minimum(reach, 1)))
        return np.flatnonzero(angles <= cone + margin + 1e-6)

    def intersect(self, origins: Array, directions: Array) -> Hits:
        """First solid that each ray meets.

        Parameters
        ----------
        origins, directions : (N, 3) or (1, 3) float64 arrays
            World frame; directions of any length but zero. One row is shared by all rays. Fastest in Fortran order,
            with rays that run much the same way.

        Returns
        -------
        Hits
            ``origins + t * directions`` is the hit: t is a distance for unit directions.

        Examples
        --------
        >>> import numpy as np
        >>> from fastcv.synthetic import Material, Scene, Solid
        >>> stone = Material(("#808080", "#909090", "#404040"))
        >>> scene = Scene([Solid("ball", (0, 0, 5), (1, 1, 1), stone)])
        >>> scene.intersect(np.zeros((1, 3)), np.array([[0.0, 0.0, 1.0]])).t
        array([4.])
        """
        for name, array in (("origins", origins), ("directions", directions)):
            if array.ndim != 2 or array.shape[1] != 3:
                raise ValueError(f"{name}: expected shape (N, 3), got {array.shape}")
        n = np.broadcast_shapes(origins.shape, directions.shape)[0]
        t, ids = np.full(n, np.inf), np.full(n, -1, np.int32)
        normals = np.zeros((3, n)).T
        if n == 0:
            return Hits(t, normals, ids)
        for i in self._candidates(origins, directions):
            solid = self.solids[i]
            span = SHAPES[solid.shape].span
            near, far = span(solid.unit(origins), transform(solid.unit_from_world, directions))
            entry = np.where(near > 0, near, far)  # a ray that starts inside meets the surface on its way out
            closer = (near <= far) & (entry > 0) & (entry < t)
            np.copyto(t, entry, where=closer)
            np.copyto(ids, np.int32(i), where=closer)
        hits = np.broadcast_to(origins, (n, 3)), np.broadcast_to(directions, (n, 3))
        for i in np.unique(ids[ids >= 0]):
            rows = np.flatnonzero(ids == i)
            solid = self.solids[i]
            unit = solid.unit(hits[0][rows] + t[rows, None] * hits[1][rows])
            normals[rows] = solid.normals(SHAPES[solid.shape].normal(unit))
        return Hits(t, normals, ids)

    def distance(self, points: Array) -> Array:
        """How far points (N, 3) lie from the nearest solid, (N,), 0 inside one, in scene units.

        Raises ValueError for ellipsoids and cylinders that are not round: no closed form is known.
        """
        return np.min([solid.distance(points) for solid in self.solids], axis=0)

    def light(self, points: Array, normals: Array) -> Floats:
        """Irradiance of surface points, (N, 3) float32: a warm sun with hard shadows, a blue sky, light from below."""
        sun = np.asarray(self.sun) / np.linalg.norm(self.sun)
        facing = np.maximum(transform(sun[None], normals)[:, 0], 0)
        lit = np.flatnonzero(facing > 0)
        shadow_rays = points[lit] + _SURFACE_OFFSET * normals[lit]
        facing[lit[np.isfinite(self.intersect(shadow_rays, sun[None]).t)]] = 0
        up = normals[:, 2] * 0.5 + 0.5
        colors = zip(linear_from_hex("#fff3df"), linear_from_hex("#b4c8e4"), linear_from_hex("#8d8070"), strict=True)
        channels = [1.15 * warm * facing + 0.55 * (ground + (sky - ground) * up) for warm, sky, ground in colors]
        return np.stack(channels).T.astype(np.float32)

    def color(self, points: Array, normals: Array, ids: NDArray[np.int32], footprint: ArrayLike = 0.0) -> Floats:
        """Light that surface points send out (they are matte, so in every direction).

        Parameters
        ----------
        points, normals, ids
            Of the surface, as ``intersect`` gives them: (N, 3), (N, 3), (N,); every id a row of ``solids``.
        footprint : float or (N,) array_like
            Distance between neighbouring samples on the surface in scene units; finer texture is left out.

        Returns
        -------
        (N, 3) float32 array
            Linear light, 1 is display white (``srgb_from_linear``).
        """
        result = np.empty((3, len(points)), np.float32).T
        footprint = np.broadcast_to(np.asarray(footprint, np.float32), len(points))
        for i in np.unique(ids):
            rows = np.flatnonzero(ids == i)
            solid = self.solids[i]
            local = transform(solid.rotation.T, points[rows] - solid.center).astype(np.float32)
            result[rows] = albedo(solid.material, local, footprint[rows], self.seed * 1000 + int(i) * 20)
        return result * self.light(points, normals)

    def mesh(self, edge_length: float) -> Mesh:
        """The surfaces of all solids as triangles.

        Vertices lie on the solids. No edge is longer than ``1.6 * edge_length`` (the diagonals of the grid), and a face
        leaves a ball or cylinder of radius r by at most ``edge_length**2 / (4 r)``. Faces wholly inside another solid
        are left out.

        Parameters
        ----------
        edge_length : float
            Scene units, positive.
        """
        if not edge_length > 0:
            raise ValueError(f"edge_length: expected positive, got {edge_length}")
        vertices, faces, colors, first = [], [], [], 0
        for i, solid in enumerate(self.solids):
            points, normals, triangles = solid.surface(edge_length)
            hidden = np.zeros(len(points), bool)
            for j, other in enumerate(self.solids):
                if j != i:
                    hidden |= other.gauge(points) < 1 - 1e-9
            used, corners = np.unique(triangles[~hidden[triangles].all(1)], return_inverse=True)
            linear = self.color(points[used], normals[used], np.full(len(used), i, np.int32), edge_length)
            vertices.append(points[used])
            faces.append(first + corners.reshape(-1, 3).astype(np.int32))
            colors.append(np.rint(srgb_from_linear(linear)).astype(np.uint8))
            first += len(used)
        return Mesh(np.concatenate(vertices), np.concatenate(faces), np.concatenate(colors))
