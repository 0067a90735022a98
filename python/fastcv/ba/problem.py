# SPDX-License-Identifier: Apache-2.0
"""The description of a bundle adjustment problem: flat arrays, checked once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..scene import Camera, Reconstruction
from ._checks import check_problem
from .priors import ParamsPriors, Priors
from .rigs import Rigs

if TYPE_CHECKING:
    from .solve import Result

_DEFAULT: Any = None  # filled in by __post_init__, from the other fields


@dataclass(eq=False)
class Problem:
    """Images of points, taken by cameras: what ``solve`` adjusts, and what stays fixed.

    I images, N points, K observations. Arrays are converted to the dtypes below.

    Parameters
    ----------
    cameras : sequence of Camera
        Intrinsics, of any model.
    image_cameras : (I,) int32 array
        Row of ``cameras`` for each image; images with the same row share their intrinsics.
    cam_from_world : (I, 3, 4) float64 array
        ``[R | t]`` of each image.
    points : (N, 3) float64 array
        World frame, scene units.
    image_indices, point_indices : (K,) int32 array
        Which image observes which point, in any order.
    observations : (K, 2) float64 array
        Where, in pixels.
    fixed_images, fixed_rotations, fixed_centers : (I,) bool arrays, optional
        Images that keep their pose, or its rotation or its projection centre alone; by default none. What is fixed of
        an image in a rig is its frame: the rotation of the rig, or where its origin is.
    fixed_points : (N,) bool array, optional
        Points that stay where they are; by default none.
    fixed_params : sequence of (P,) bool arrays, optional
        For each camera, which of its parameters stay. By default the principal point, which few scenes determine. Both
        of an EQUIRECTANGULAR camera always do: they are the image's size.
    weights : (K,) float64 array, optional
        Factors on the residuals, 1 / (standard deviation of the observation); by default 1.
    covariances : (K, 2, 2) float64 array, optional
        Of the observations, px², where a standard deviation does not say it: of blurred or affine features. A residual
        r then counts with weight² rᵀ covariance⁻¹ r.
    pose_priors, position_priors : Priors, optional
        Known poses and projection centres of images.
    point_priors : Priors, optional
        Known points: control points. Such a point may have fewer than two observations.
    params_priors : ParamsPriors, optional
        Known intrinsics.
    rigs : Rigs, optional
        Images that were taken together by cameras on a rigid mount. Their ``cam_from_world`` must agree with it.
    image_ids, camera_ids, point_ids : sequence of int, optional
        Where the rows came from in a reconstruction, for ``update_reconstruction``.

    Raises
    ------
    TypeError, ValueError
        A wrong dtype or shape, an index out of range, values that are not finite, a matrix that is no rotation or no
        covariance, the same point twice in an image, a free image that observes nothing, a free point with fewer than
        two observations, a free size of a panorama, nothing free. The message names the observation, image or point.

    Examples
    --------
    >>> import numpy as np, fastcv
    >>> camera = fastcv.Camera("PINHOLE", 640, 480, [500, 500, 320, 240])
    >>> poses = np.stack([np.eye(3, 4), np.eye(3, 4)])
    >>> poses[1, 0, 3] = -1
    >>> points = np.array([[0.0, 0, 4], [1, 0, 5], [0, 1, 6]])
    >>> observations = [[320, 240], [420, 240], [320, 323.3], [195, 240], [320, 240], [236.7, 323.3]]
    >>> problem = Problem([camera], [0, 0], poses, points, [0, 0, 0, 1, 1, 1], [0, 1, 2, 0, 1, 2], observations)
    >>> problem.num_observations
    6
    """

    cameras: Sequence[Camera]
    image_cameras: NDArray[np.int32]
    cam_from_world: NDArray[np.float64]
    points: NDArray[np.float64]
    image_indices: NDArray[np.int32]
    point_indices: NDArray[np.int32]
    observations: NDArray[np.float64]
    fixed_images: NDArray[np.bool_] = _DEFAULT
    fixed_rotations: NDArray[np.bool_] = _DEFAULT
    fixed_centers: NDArray[np.bool_] = _DEFAULT
    fixed_points: NDArray[np.bool_] = _DEFAULT
    fixed_params: Sequence[NDArray[np.bool_]] = _DEFAULT
    weights: NDArray[np.float64] = _DEFAULT
    covariances: NDArray[np.float64] | None = None
    pose_priors: Priors | None = None
    position_priors: Priors | None = None
    point_priors: Priors | None = None
    params_priors: ParamsPriors | None = None
    rigs: Rigs | None = None
    image_ids: Sequence[int] | None = None
    camera_ids: Sequence[int] | None = None
    point_ids: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        self.cameras = list(self.cameras)
        for name in ("fixed_images", "fixed_rotations", "fixed_centers"):
            if getattr(self, name) is _DEFAULT:
                setattr(self, name, np.zeros(len(self.cam_from_world), bool))
        if self.fixed_points is _DEFAULT:
            self.fixed_points = np.zeros(len(self.points), bool)
        if self.weights is _DEFAULT:
            self.weights = np.ones(len(self.observations))
        if self.fixed_params is _DEFAULT:
            self.fixed_params = [default_fixed_params(camera) for camera in self.cameras]
        self.check()

    @property
    def num_images(self) -> int:
        """I, the number of images."""
        return len(self.cam_from_world)

    @property
    def num_points(self) -> int:
        """N, the number of points."""
        return len(self.points)

    @property
    def num_observations(self) -> int:
        """K, the number of observations."""
        return len(self.observations)

    @property
    def image_frames(self) -> NDArray[np.int32]:
        """What moves as one, (I,): the frame of each image, those in no rig numbered after those that are in one."""
        if self.rigs is None:
            return np.arange(self.num_images, dtype=np.int32)
        frames = self.rigs.image_frames.copy()
        alone = frames < 0
        frames[alone] = self.rigs.num_frames + np.arange(alone.sum(), dtype=np.int32)
        return frames

    def check(self) -> None:
        """Check everything again; ``solve`` does so too, for the arrays may have changed since."""
        check_problem(self)

    @classmethod
    def from_reconstruction(cls, reconstruction: Reconstruction, image_ids: Iterable[int] | None = None) -> Problem:
        """The problem of some images of a reconstruction, by default of all.

        Its points are those that two or more of the images observe. Where two keypoints of an image belong to the same
        point, the first one counts.

        Parameters
        ----------
        reconstruction : Reconstruction
        image_ids : iterable of int, optional
            Keys of ``reconstruction.images``; rows of the problem are in ascending order of these.

        Returns
        -------
        Problem
            With ``image_ids``, ``camera_ids`` and ``point_ids``, and the rigs of the reconstruction.
        """
        ids = sorted(reconstruction.images if image_ids is None else set(image_ids))
        images = [reconstruction.images[image_id] for image_id in ids]
        camera_ids = sorted({image.camera_id for image in images})
        image_indices, keypoints, rows = _observations(reconstruction, ids)
        used, point_indices = np.unique(rows, return_inverse=True)
        # Image by image, for keypoints are stored by image.
        order = np.argsort(image_indices, kind="stable")
        starts = np.searchsorted(image_indices[order], np.arange(len(ids) + 1))
        observations = np.empty((len(rows), 2))
        for image, begin, end in zip(images, starts[:-1], starts[1:], strict=True):
            observations[order[begin:end]] = image.points2D[keypoints[order[begin:end]]]
        return cls(
            cameras=[reconstruction.cameras[camera_id] for camera_id in camera_ids],
            image_cameras=np.searchsorted(camera_ids, [image.camera_id for image in images]).astype(np.int32),
            cam_from_world=np.array([image.cam_from_world for image in images]).reshape(-1, 3, 4),
            points=reconstruction.points3D.xyz[used],
            image_indices=image_indices.astype(np.int32),
            point_indices=point_indices.astype(np.int32),
            observations=observations,
            rigs=Rigs.from_reconstruction(reconstruction, ids),
            image_ids=ids,
            camera_ids=camera_ids,
            point_ids=reconstruction.points3D.ids[used],
        )

    @classmethod
    def from_bal(cls, bal: Any) -> Problem:
        """The problem of a BAL file: every image with its own camera of model ``BAL``, everything free.

        Points that fewer than two images observe stay where they are, their observations left out, and so do images
        that observe no other.

        Parameters
        ----------
        bal : BalProblem
            What ``fastcv.io.read_bal`` returns. The files have no image size: the cameras get the smallest image around
            the principal point that holds all observations.

        Returns
        -------
        Problem
        """
        known = np.bincount(bal.point_indices, minlength=len(bal.points)) >= 2
        used = slice(None) if known.all() else known[bal.point_indices]  # all of them without a copy
        image_indices = bal.camera_indices[used]
        half = np.abs(bal.observations).max(axis=0, initial=0.5)
        width, height = (int(2 * np.ceil(size)) for size in half)
        return cls(
            cameras=[Camera("BAL", width, height, params) for params in bal.params],
            image_cameras=np.arange(len(bal.params), dtype=np.int32),
            cam_from_world=bal.cam_from_world,
            points=bal.points,
            image_indices=image_indices,
            point_indices=bal.point_indices[used],
            observations=bal.observations[used],
            fixed_images=np.bincount(image_indices, minlength=len(bal.params)) == 0,
            fixed_points=~known,
        )

    def update_reconstruction(self, reconstruction: Reconstruction, result: Result) -> None:
        """Write a solution back to the reconstruction that the problem was made from.

        Parameters
        ----------
        reconstruction : Reconstruction
            Changed in place: poses, rigs (further images of theirs follow), cameras, and of the problem's points
            ``xyz`` and ``error``, the mean reprojection error in pixels over the problem's observations.
        result : Result

        Raises
        ------
        ValueError
            The problem was not made by ``from_reconstruction``.
        """
        if self.image_ids is None or self.camera_ids is None or self.point_ids is None:
            raise ValueError("image_ids, camera_ids, point_ids: expected those of a reconstruction, got None")
        for image_id, pose in zip(self.image_ids, result.cam_from_world, strict=True):
            reconstruction.images[image_id].cam_from_world = pose.copy()
        reconstruction.cameras.update(zip(self.camera_ids, result.cameras, strict=True))
        if self.rigs is not None and self.rigs.sensor_ids is not None:
            self.rigs.update_reconstruction(reconstruction, self.image_ids, result.sensor_from_rig)
        rows = reconstruction.points3D.rows(self.point_ids)
        reconstruction.points3D.xyz[rows] = result.points
        errors = np.bincount(self.point_indices, np.linalg.norm(result.residuals, axis=1), self.num_points)
        counts = np.bincount(self.point_indices, minlength=self.num_points)
        reconstruction.points3D.error[rows] = errors / np.maximum(counts, 1)


def default_fixed_params(camera: Camera) -> NDArray[np.bool_]:
    """The default mask of fixed parameters: cx and cy, or a panorama's width and height."""
    mask = np.full(len(camera.params), camera.is_spherical)
    mask[list(camera.principal_point_indices)] = True
    return mask


def _observations(reconstruction: Reconstruction, ids: list[int]) -> tuple[NDArray[np.int64], ...]:
    """Image row, keypoint row and point row of every observation that ``from_reconstruction`` wants."""
    image_ids, keypoints, rows = reconstruction.observations(ids)
    first = np.ones(len(rows), bool)  # sorted by point, then by image: repetitions are neighbours
    first[1:] = (np.diff(rows) != 0) | (np.diff(image_ids) != 0)
    image_ids, keypoints, rows = image_ids[first], keypoints[first], rows[first]
    seen_twice = np.bincount(rows, minlength=len(reconstruction.points3D))[rows] >= 2
    return np.searchsorted(ids, image_ids[seen_twice]), keypoints[seen_twice], rows[seen_twice]
