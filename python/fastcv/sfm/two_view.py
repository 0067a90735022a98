# SPDX-License-Identifier: Apache-2.0
"""Geometric verification of the matches of two images, and what kind of motion lies between them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from .. import camera as camera_room
from .. import geometry
from .._arrays import check
from ..features import Features
from ..scene import Camera
from .calibrate import FOCAL_FACTORS
from .plane import plane_poses

Kind = Literal["degenerate", "calibrated", "uncalibrated", "planar", "panoramic"]

# Share of the fundamental matrix' inliers above which an essential matrix (a homography) explains the pair as well:
# COLMAP's min_E_F_inlier_ratio and max_H_inlier_ratio.
MIN_ESSENTIAL_RATIO = 0.95
MIN_HOMOGRAPHY_RATIO = 0.8
# A rotation has equal singular values; a plane at distance d seen from a baseline b spreads them by about b / d.
MAX_ROTATION_SPREAD = 0.02
# How many pairs of unrelated photographs may pass verification, for each pair looked at.
MAX_FALSE_ALARMS = 1e-3


@dataclass(frozen=True)
class TwoViewGeometry:
    """Verified matches of a pair of images.

    Parameters
    ----------
    kind : str
        ``"calibrated"``: a motion between two cameras of known focal length. ``"uncalibrated"``: an epipolar geometry,
        the focal length being a guess. ``"planar"``: a homography, by a plane. ``"panoramic"``: a homography, by a
        turn of the camera without baseline. ``"degenerate"``: nothing that can be trusted, no matches.
    matches : (K, 2) int32 array
        Keypoint rows of the inliers, in the order in which the matches were given.
    cam2_from_cam1 : (3, 4) float64 array or None
        Pose of the second camera in the first one's frame, with a translation of length 1. Only as good as the focal
        lengths; of a plane's two possible poses the one with the wider angle.
    F : (3, 3) float64 array or None
        Fundamental matrix: ``x2ᵀ F x1 = 0`` for homogeneous pixels.
    triangulation_angle : float
        Median angle in radians between the two rays to a point; 0 without a baseline.
    """

    kind: Kind
    matches: NDArray[np.int32]
    cam2_from_cam1: NDArray[np.float64] | None = None
    F: NDArray[np.float64] | None = None
    triangulation_angle: float = 0.0


def verify_pair(
    features_a: Features,
    features_b: Features,
    matches: Any,
    camera_a: Camera,
    camera_b: Camera,
    *,
    threshold: float = 4.0,
    min_inliers: int = 15,
    seed: int = 0,
) -> TwoViewGeometry:
    """Keep the matches that one motion explains, and classify the motion.

    Where both focal lengths are known the essential matrix decides, as long as it explains nearly all that the
    fundamental matrix does; a guessed focal length would cost it inliers, so then the fundamental matrix decides.

    Parameters
    ----------
    features_a, features_b : Features
    matches : (K, 2) integer array
        Rows of the two, best first.
    camera_a, camera_b : Camera
    threshold : float, optional
        Largest Sampson (for a plane: transfer) error of an inlier, in pixels.
    min_inliers : int, optional
        Fewer make the pair degenerate, and so do more if as many could agree by chance. At least 8.
    seed : int, optional
        Of the random sampling.

    Returns
    -------
    TwoViewGeometry

    References
    ----------
    Schönberger and Frahm, "Structure-from-motion revisited", CVPR 2016, section 4.1.
    Moisan and Stival, "A probabilistic criterion to detect rigid point matches between two images and estimate the
    fundamental matrix", IJCV 2004 (what could agree by chance).

    Examples
    --------
    >>> import numpy as np
    >>> from fastcv import features, sfm
    >>> from fastcv.scene import Camera
    >>> nothing = features.extract(np.zeros((48, 64), np.uint8))
    >>> camera = Camera("SIMPLE_PINHOLE", 64, 48, [60, 32, 24])
    >>> sfm.verify_pair(nothing, nothing, np.empty((0, 2), np.int32), camera, camera).kind
    'degenerate'
    """
    matches = np.asarray(matches)
    check("matches", matches, ("K", 2), ("int32", "int64"))
    if min_inliers < 8:
        raise ValueError(f"min_inliers: expected 8 or more, got {min_inliers}")
    degenerate = TwoViewGeometry("degenerate", np.empty((0, 2), np.int32))
    if len(matches) < min_inliers:
        return degenerate
    points_a = features_a.keypoints[matches[:, 0]].astype(np.float64)
    points_b = features_b.keypoints[matches[:, 1]].astype(np.float64)
    fundamental = geometry.estimate_fundamental(points_a, points_b, threshold=threshold, ordered=True, seed=seed)
    essential = geometry.estimate_relative_pose(
        points_a, points_b, camera_a, camera_b, threshold=threshold, ordered=True, seed=seed
    )
    homography = geometry.estimate_homography(points_a, points_b, threshold=threshold, ordered=True, seed=seed)

    known = camera_a.has_prior_focal_length and camera_b.has_prior_focal_length
    kind: Kind = "uncalibrated"
    inliers = fundamental.inliers
    if known and essential.num_inliers >= MIN_ESSENTIAL_RATIO * fundamental.num_inliers:
        kind, inliers = "calibrated", essential.inliers
    if inliers.sum() < min_inliers or not _is_meaningful(len(matches), int(inliers.sum()), threshold, camera_b):
        return degenerate
    if homography.num_inliers >= MIN_HOMOGRAPHY_RATIO * inliers.sum():
        if _is_turn(homography.model, camera_a, camera_b, known):
            kind, inliers = "panoramic", homography.inliers
        else:
            kind = "planar"
    points = points_a[inliers], points_b[inliers]
    poses = [essential.cam2_from_cam1] if essential.success else []
    if kind == "planar":
        poses = plane_poses(*points, camera_a, camera_b, threshold, seed) or poses
    angles = [0.0 if kind == "panoramic" else median_parallax(*points, camera_a, camera_b, pose) for pose in poses]
    widest = int(np.argmax(angles)) if poses else 0
    pose, angle = (poses[widest], angles[widest]) if poses else (None, 0.0)
    return TwoViewGeometry(kind, matches[inliers].astype(np.int32), pose, fundamental.model, angle)


def median_parallax(
    points_a: NDArray[np.float64],
    points_b: NDArray[np.float64],
    camera_a: Camera,
    camera_b: Camera,
    cam2_from_cam1: NDArray[np.float64],
) -> float:
    """Median angle in radians between the two rays of each match."""
    rays_a = camera_room.unproject(points_a, camera_a) @ cam2_from_cam1[:, :3].T
    rays_b = camera_room.unproject(points_b, camera_b)
    # atan2 keeps its digits at small angles, where the cosine has lost them.
    sine = np.linalg.norm(np.cross(rays_a, rays_b), axis=1)
    return float(np.nanmedian(np.arctan2(sine, (rays_a * rays_b).sum(axis=1))))


def _is_meaningful(num_matches: int, num_inliers: int, threshold: float, camera: Camera) -> bool:
    """Whether fewer than MAX_FALSE_ALARMS epipolar geometries with so many inliers are expected among random matches.

    Moisan and Stival 2004, eq. 5: ``(n - 7) C(n, k) C(k, 7) p^(k - 7)`` with the chance p of a random point to lie
    within the threshold of a line, at most the area of a band along the image's diagonal.
    """
    n, k = num_matches, num_inliers
    band = 2 * threshold * np.hypot(camera.width, camera.height) / (camera.width * camera.height)
    log_choices = np.log(max(n - 7, 1)) + _log_binomial(n, k) + _log_binomial(k, 7)
    return bool(log_choices + (k - 7) * np.log(min(band, 1.0)) < np.log(MAX_FALSE_ALARMS))


def _log_binomial(n: int, k: int) -> float:
    return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)


def _is_turn(H: NDArray[np.float64], camera_a: Camera, camera_b: Camera, known: bool) -> bool:
    """Whether ``K_b⁻¹ H K_a`` is a rotation up to scale, for the cameras' focal lengths or, if guessed, for any."""
    K_a, K_b = camera_a.matrix, camera_b.matrix
    factors = np.ones(1) if known else FOCAL_FACTORS * max(camera_a.width, camera_a.height) / camera_a.focal_length
    zoom = np.ones((len(factors), 3))
    zoom[:, :2] = factors[:, None]
    candidates = (np.linalg.inv(K_b) @ H @ K_a) * zoom[:, None, :] / zoom[:, :, None]
    singular = np.linalg.svd(candidates, compute_uv=False)
    return bool((singular[:, 0] < (1 + MAX_ROTATION_SPREAD) * singular[:, 2]).any())
