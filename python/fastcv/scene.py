# SPDX-License-Identifier: Apache-2.0
"""Cameras, posed images and points: the plain data that rooms and file formats exchange."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

# Parameter names in COLMAP's order (src/colmap/sensor/models.h), and COLMAP's numeric id. BAL is the model of
# Agarwal et al. 2010 in our frame (z forward, y down): RADIAL with the principal point at (0, 0).
CAMERA_MODELS: dict[str, tuple[int, tuple[str, ...]]] = {
    "SIMPLE_PINHOLE": (0, ("f", "cx", "cy")),
    "PINHOLE": (1, ("fx", "fy", "cx", "cy")),
    "SIMPLE_RADIAL": (2, ("f", "cx", "cy", "k")),
    "RADIAL": (3, ("f", "cx", "cy", "k1", "k2")),
    "OPENCV": (4, ("fx", "fy", "cx", "cy", "k1", "k2", "p1", "p2")),
    "OPENCV_FISHEYE": (5, ("fx", "fy", "cx", "cy", "k1", "k2", "k3", "k4")),
    "FULL_OPENCV": (6, ("fx", "fy", "cx", "cy", "k1", "k2", "p1", "p2", "k3", "k4", "k5", "k6")),
    "FOV": (7, ("fx", "fy", "cx", "cy", "omega")),
    "SIMPLE_RADIAL_FISHEYE": (8, ("f", "cx", "cy", "k")),
    "RADIAL_FISHEYE": (9, ("f", "cx", "cy", "k1", "k2")),
    "THIN_PRISM_FISHEYE": (10, ("fx", "fy", "cx", "cy", "k1", "k2", "p1", "p2", "k3", "k4", "sx1", "sy1")),
    "RAD_TAN_THIN_PRISM_FISHEYE": (
        11,
        ("fx", "fy", "cx", "cy", "k0", "k1", "k2", "k3", "k4", "k5", "p0", "p1", "s0", "s1", "s2", "s3"),
    ),
    "SIMPLE_DIVISION": (12, ("f", "cx", "cy", "k")),
    "DIVISION": (13, ("fx", "fy", "cx", "cy", "k")),
    "SIMPLE_FISHEYE": (14, ("f", "cx", "cy")),
    "FISHEYE": (15, ("fx", "fy", "cx", "cy")),
    "EUCM": (16, ("fx", "fy", "cx", "cy", "alpha", "beta")),
    "EQUIRECTANGULAR": (17, ("w", "h")),
    "BAL": (1000, ("f", "k1", "k2")),
}


@dataclass(frozen=True)
class Camera:
    """Intrinsics of one camera.

    Parameters
    ----------
    model : str
        A name of ``CAMERA_MODELS`` (COLMAP's names, and ``BAL``).
    width, height : int
        Image size in pixels.
    params : (P,) float64 array
        Parameters in COLMAP's order; focal lengths and principal point in pixels, with (0, 0) at the top-left
        corner of the image, so that the first pixel's centre is (0.5, 0.5). Those of ``EQUIRECTANGULAR`` are the size
        of the whole panorama in pixels.
    has_prior_focal_length : bool
        The focal length came from EXIF or a calibration rather than from a guess.
    """

    model: str
    width: int
    height: int
    params: NDArray[np.float64]
    has_prior_focal_length: bool = False

    def __post_init__(self) -> None:
        if self.model not in CAMERA_MODELS:
            raise ValueError(f"model: expected one of {', '.join(CAMERA_MODELS)}, got {self.model!r}")
        params = np.array(self.params, np.float64)
        names = self.param_names
        if params.shape != (len(names),):
            raise ValueError(f"params: expected shape ({len(names)},) ({', '.join(names)}), got {params.shape}")
        if not np.isfinite(params).all():
            raise ValueError(f"params: expected finite values, got {params}")
        if self.width <= 0 or self.height <= 0:
            raise ValueError(f"width, height: expected positive, got {self.width}, {self.height}")
        params.flags.writeable = False
        object.__setattr__(self, "params", params)

    @property
    def model_id(self) -> int:
        """COLMAP's numeric id of the model (1000 for BAL, which COLMAP does not have)."""
        return CAMERA_MODELS[self.model][0]

    @property
    def param_names(self) -> tuple[str, ...]:
        """Names of ``params``, in order."""
        return CAMERA_MODELS[self.model][1]

    @property
    def is_spherical(self) -> bool:
        """Whether the model sees every direction and has no focal length: true of ``EQUIRECTANGULAR``."""
        return self.model == "EQUIRECTANGULAR"

    @property
    def focal_indices(self) -> tuple[int, ...]:
        """Positions of the focal lengths in ``params``; empty for EQUIRECTANGULAR."""
        return tuple(i for i, name in enumerate(self.param_names) if name in ("f", "fx", "fy"))

    @property
    def principal_point_indices(self) -> tuple[int, ...]:
        """Positions of cx and cy in ``params``; empty for BAL and EQUIRECTANGULAR."""
        return tuple(i for i, name in enumerate(self.param_names) if name in ("cx", "cy"))

    @property
    def focal_length(self) -> float:
        """Mean focal length in pixels. Raises ValueError for EQUIRECTANGULAR."""
        self._check_focal_length()
        return float(np.mean(self.params[list(self.focal_indices)]))

    @property
    def matrix(self) -> NDArray[np.float64]:
        """The 3×3 calibration matrix K, without distortion. Raises ValueError for EQUIRECTANGULAR."""
        self._check_focal_length()
        fx, fy = self.params[list((self.focal_indices * 2)[:2])]
        cx, cy = self.params[list(self.principal_point_indices)] if self.principal_point_indices else (0.0, 0.0)
        return np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])

    def _check_focal_length(self) -> None:
        if self.is_spherical:
            raise ValueError(f"camera: expected a model with a focal length, got {self.model}")

    def with_params(self, params: NDArray[np.float64]) -> Camera:
        """The same camera with other parameters."""
        return replace(self, params=params)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Camera):
            return NotImplemented
        same = (self.model, self.width, self.height) == (other.model, other.width, other.height)
        return same and np.array_equal(self.params, other.params)

    __hash__ = None  # type: ignore[assignment]


@dataclass
class Image:
    """One photograph with its pose and what was detected in it.

    Parameters
    ----------
    name : str
        Path of the photograph, relative to the folder of photographs.
    camera_id : int
        Key into ``Reconstruction.cameras``.
    cam_from_world : (3, 4) float64 array
        ``[R | t]``: ``x_cam = R @ x_world + t``; x right, y down, z forward.
    points2D : (M, 2) float64 array
        Detected keypoints in pixels.
    point3D_ids : (M,) int64 array
        The id of each keypoint's 3D point, -1 for none.
    """

    name: str
    camera_id: int
    cam_from_world: NDArray[np.float64]
    points2D: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 2)))
    point3D_ids: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))

    def __post_init__(self) -> None:
        self.cam_from_world = np.asarray(self.cam_from_world, np.float64)
        self.points2D = np.asarray(self.points2D, np.float64).reshape(-1, 2)
        self.point3D_ids = np.asarray(self.point3D_ids, np.int64)
        if self.cam_from_world.shape != (3, 4):
            raise ValueError(f"cam_from_world: expected shape (3, 4), got {self.cam_from_world.shape}")
        if self.point3D_ids.shape != (len(self.points2D),):
            raise ValueError(f"point3D_ids: expected shape ({len(self.points2D)},), got {self.point3D_ids.shape}")

    @property
    def rotation(self) -> NDArray[np.float64]:
        """R of ``cam_from_world``, (3, 3)."""
        return self.cam_from_world[:, :3]

    @property
    def translation(self) -> NDArray[np.float64]:
        """t of ``cam_from_world``, (3,), in scene units."""
        return self.cam_from_world[:, 3]

    @property
    def center(self) -> NDArray[np.float64]:
        """Projection centre in the world frame, (3,)."""
        return projection_centers(self.cam_from_world)


def projection_centers(cam_from_world: NDArray[np.floating]) -> NDArray[np.float64]:
    """-Rᵀ t of poses [R | t], (..., 3, 4): where cameras stand in the world frame, (..., 3)."""
    return -np.einsum("...ba,...b->...a", cam_from_world[..., :3], cam_from_world[..., 3])


@dataclass
class Points3D:
    """Sparse points as parallel arrays, with ``ids`` strictly increasing.

    Parameters
    ----------
    ids : (N,) int64 array
    xyz : (N, 3) float64 array, world frame, scene units
    rgb : (N, 3) uint8 array
    error : (N,) float64 array
        Mean reprojection error in pixels, -1 where it was not computed.
    """

    ids: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))
    xyz: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 3)))
    rgb: NDArray[np.uint8] = field(default_factory=lambda: np.empty((0, 3), np.uint8))
    error: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))

    def __post_init__(self) -> None:
        n = len(self.ids)
        for name, array, shape in (
            ("xyz", self.xyz, (n, 3)),
            ("rgb", self.rgb, (n, 3)),
            ("error", self.error, (n,)),
        ):
            if array.shape != shape:
                raise ValueError(f"{name}: expected shape {shape}, got {array.shape}")
        if n and (np.diff(self.ids) <= 0).any():
            raise ValueError("ids: expected strictly increasing values")

    def __len__(self) -> int:
        return len(self.ids)

    def rows(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Row of each id. Raises KeyError for an id that is not here."""
        if len(self) and self.ids[-1] - self.ids[0] < 4 * len(ids):
            # A table costs 20 ns an id, a search 0.5 µs: in a million ids its steps miss the caches.
            table = np.full(self.ids[-1] - self.ids[0] + 2, -1)  # the last entry stands for ids out of range
            table[self.ids - self.ids[0]] = np.arange(len(self))
            rows = table[np.clip(ids - self.ids[0], -1, len(table) - 1)]
            unknown = rows < 0
        else:
            rows = np.searchsorted(self.ids, ids)
            unknown = (rows == len(self)) | (np.append(self.ids, -1)[rows] != ids)
        if unknown.any():
            raise KeyError(f"ids: no 3D point has id {ids[unknown][0]}")
        return rows


@dataclass
class Rig:
    """Cameras on a rigid mount. Poses on it are in the frame of one of them, the reference.

    Parameters
    ----------
    ref_camera_id : int
        Key into ``Reconstruction.cameras``.
    sensor_from_rig : dict of int to (3, 4) float64 array
        ``[R | t]`` of each other camera, by its key: ``x_cam = R @ x_ref + t``.
    """

    ref_camera_id: int
    sensor_from_rig: dict[int, NDArray[np.float64]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.sensor_from_rig = {key: np.asarray(pose, np.float64) for key, pose in self.sensor_from_rig.items()}
        for key, pose in self.sensor_from_rig.items():
            if pose.shape != (3, 4):
                raise ValueError(f"sensor_from_rig[{key}]: expected shape (3, 4), got {pose.shape}")
        if self.ref_camera_id in self.sensor_from_rig:
            raise ValueError(
                f"sensor_from_rig: expected no pose of the reference, camera {self.ref_camera_id}, got one"
            )

    @classmethod
    def from_poses(cls, poses: Mapping[int, NDArray[np.float64]]) -> Rig:
        """A rig of cameras whose poses are known in some other frame on it; the first becomes the reference."""
        (reference, first), *others = poses.items()
        inverse = np.column_stack([first[:, :3].T, -first[:, :3].T @ first[:, 3]])
        sensors = {}
        for camera_id, pose in others:
            sensors[camera_id] = pose[:, :3] @ inverse
            sensors[camera_id][:, 3] += pose[:, 3]
        return cls(reference, sensors)

    @property
    def camera_ids(self) -> list[int]:
        """The rig's cameras, the reference first."""
        return [self.ref_camera_id, *self.sensor_from_rig]

    def cam_from_world(self, camera_id: int, rig_from_world: NDArray[np.float64]) -> NDArray[np.float64]:
        """The pose of the image by one of its cameras, (3, 4), where the rig's is this one."""
        if camera_id == self.ref_camera_id:
            return rig_from_world.copy()
        sensor = self.sensor_from_rig[camera_id]
        pose = sensor[:, :3] @ rig_from_world
        pose[:, 3] += sensor[:, 3]
        return pose

    def rig_from_world(self, camera_id: int, cam_from_world: NDArray[np.float64]) -> NDArray[np.float64]:
        """The rig's pose, (3, 4), where that of the image by one of its cameras is this one."""
        pose = cam_from_world.copy()
        if camera_id == self.ref_camera_id:
            return pose
        sensor = self.sensor_from_rig[camera_id]
        pose[:, 3] -= sensor[:, 3]
        return sensor[:, :3].T @ pose


@dataclass
class Frame:
    """One moment of a rig: images that were taken together, each by another of its cameras.

    It has no pose of its own: those of its images say where the rig was.

    Parameters
    ----------
    rig_id : int
        Key into ``Reconstruction.rigs``.
    image_ids : list of int
        Keys into ``Reconstruction.images``.
    """

    rig_id: int
    image_ids: list[int]


@dataclass
class Reconstruction:
    """Cameras, registered images and sparse points of one scene, in one coordinate frame.

    ``rigs`` and ``frames`` are those of several cameras; images that no frame lists were taken on their own.

    A track is not stored: it is the set of keypoints that carry the same ``point3D_ids`` value (``observations``).
    """

    cameras: dict[int, Camera] = field(default_factory=dict)
    images: dict[int, Image] = field(default_factory=dict)
    points3D: Points3D = field(default_factory=Points3D)
    rigs: dict[int, Rig] = field(default_factory=dict)
    frames: dict[int, Frame] = field(default_factory=dict)

    def observations(
        self, image_ids: Iterable[int] | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Every observation of a 3D point, sorted by point, then by image.

        Returns
        -------
        image_ids, keypoint_rows, point_rows : (K,) int64 arrays
            Keys of ``images``, rows of that image's ``points2D``, rows of ``points3D``.
        """
        wanted = sorted(self.images if image_ids is None else image_ids)
        none = np.empty(0, np.int64)
        point_ids = np.concatenate([none, *(self.images[image_id].point3D_ids for image_id in wanted)])
        sizes = [len(self.images[image_id].points2D) for image_id in wanted]
        seen = np.flatnonzero(point_ids >= 0)
        points = self.points3D.rows(point_ids[seen])
        # Numbers that hold point and place sort ten times as fast as a stable argsort of the points.
        order = np.sort(points * len(points) + np.arange(len(points))) % max(len(points), 1)
        images = np.repeat(np.array(wanted, np.int64), sizes)[seen]
        keypoints = np.concatenate([none, *map(np.arange, sizes)])[seen]
        return images[order], keypoints[order], points[order]
