# SPDX-License-Identifier: Apache-2.0
"""A reconstruction in the making: poses, cameras, points, and which keypoint observes which point."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from .. import camera as camera_room
from ..scene import Camera, Image, Points3D, Reconstruction, projection_centers
from .graph import Graph, Ints
from .photo import Photo

Floats = NDArray[np.float64]
NONE = -1


class Model:
    """Mutable state of one reconstruction. Images are rows, keypoints are nodes of the graph, points are rows of xyz.

    A point without observations is dead; rows are only dropped on export. No image observes a point twice.

    Attributes
    ----------
    cam_from_world : (I, 3, 4) float64 array
    registered : (I,) bool array
    xyz : (P, 3) float64 array
    point_of : (N,) int64 array
        The point that each node observes, -1 for none. Only nodes of registered images observe.
    """

    def __init__(self, graph: Graph, cameras: Mapping[int, Camera], camera_ids: Sequence[int]):
        self.graph = graph
        self.cameras = dict(cameras)
        self.camera_ids = np.asarray(camera_ids, np.int64)
        self.cam_from_world = np.tile(np.eye(3, 4), (graph.num_images, 1, 1))
        self.registered = np.zeros(graph.num_images, bool)
        self.xyz = np.empty((0, 3))
        self.point_of = np.full(len(graph.xy), NONE)
        self._rays = np.empty((len(graph.xy), 2))
        self._rays_of: dict[int, Camera] = {}

    @property
    def num_registered(self) -> int:
        return int(self.registered.sum())

    def observations(self) -> tuple[Ints, Ints]:
        """Nodes that observe a point, sorted by point, then by image; and their points."""
        nodes = np.flatnonzero(self.point_of >= 0)
        points = self.point_of[nodes]
        order = np.argsort(points, kind="stable")
        return nodes[order], points[order]

    def num_points(self) -> int:
        """Points that are observed."""
        return int(np.count_nonzero(np.bincount(self.point_of[self.point_of >= 0])))

    def observed_points(self, image: int) -> Ints:
        """Points that an image observes."""
        points = self.point_of[self.graph.offsets[image] : self.graph.offsets[image + 1]]
        return points[points >= 0]

    def errors(self, nodes: Ints, xyz: Floats) -> Floats:
        """Distance in pixels of each node from the projection of its point; inf for a point behind the camera."""
        images = self.graph.image_of[nodes]
        pose = self.cam_from_world[images]
        points = np.einsum("nij,nj->ni", pose[:, :, :3], xyz) + pose[:, :, 3]
        pixels = np.full((len(nodes), 2), np.inf)
        front = points[:, 2] > 0
        for camera_id, rows in _by_value(self.camera_ids[images]):
            seen = rows[front[rows]]
            pixels[seen] = camera_room.project(points[seen], self.cameras[camera_id])
        distance = np.linalg.norm(pixels - self.graph.xy[nodes], axis=1)
        return np.nan_to_num(distance, nan=np.inf)

    def rays(self, nodes: Ints) -> Floats:
        """Undistorted normalised coordinates (x, y) at z = 1 of nodes, (n, 2); NaN where the lens has no such ray."""
        for camera_id in np.unique(self.camera_ids[self.graph.image_of[nodes]]).tolist():
            camera = self.cameras[camera_id]
            if self._rays_of.get(camera_id) != camera:
                of_camera = np.flatnonzero((self.camera_ids == camera_id)[self.graph.image_of])
                self._rays[of_camera] = camera_room.unproject(self.graph.xy[of_camera], camera)[:, :2]
                self._rays_of[camera_id] = camera
        return self._rays[nodes]

    def centers(self) -> Floats:
        """Projection centres in the world frame, (I, 3)."""
        return projection_centers(self.cam_from_world)

    def add_points(self, xyz: Floats, nodes: Ints, points: Ints) -> None:
        """Append points; ``nodes`` observe those at the rows ``points`` of ``xyz``."""
        self.point_of[nodes] = len(self.xyz) + points
        self.xyz = np.concatenate([self.xyz, xyz])

    def deregister(self, image: int) -> None:
        """Take an image out again, with its observations."""
        self.registered[image] = False
        self.point_of[self.graph.nodes(image)] = NONE

    def export(self, photos: Sequence[Photo]) -> Reconstruction:
        """The result, with point ids from 1, image ids as everywhere (row + 1) and only the cameras in use."""
        nodes, points = self.observations()
        alive, rows = np.unique(points, return_inverse=True)
        counts = np.bincount(rows, minlength=len(alive))
        colors = np.concatenate([photo.colors for photo in photos])[nodes]
        rgb = np.stack([np.bincount(rows, colors[:, c], len(alive)) / counts for c in range(3)], axis=1)
        error = np.bincount(rows, self.errors(nodes, self.xyz[points]), len(alive)) / counts
        ids = np.full(len(self.graph.xy), NONE)
        ids[nodes] = rows + 1
        images = {}
        for image in np.flatnonzero(self.registered).tolist():
            own = slice(self.graph.offsets[image], self.graph.offsets[image + 1])
            images[image + 1] = Image(
                photos[image].name,
                int(self.camera_ids[image]),
                self.cam_from_world[image].copy(),
                self.graph.xy[own].copy(),
                ids[own],
            )
        used = sorted({image.camera_id for image in images.values()})
        return Reconstruction(
            {camera_id: self.cameras[camera_id] for camera_id in used},
            images,
            Points3D(np.arange(1, len(alive) + 1), self.xyz[alive], np.rint(rgb).astype(np.uint8), error),
        )


def _by_value(values: Ints) -> list[tuple[int, Ints]]:
    """Rows of each distinct value."""
    order = np.argsort(values, kind="stable")
    distinct, starts = np.unique(values[order], return_index=True)
    return list(zip(distinct.tolist(), np.split(order, starts[1:]), strict=False))
