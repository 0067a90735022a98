# SPDX-License-Identifier: Apache-2.0
"""Relative pose, fundamental matrix and absolute pose on real correspondences, against OpenCV and pycolmap.

Protocol: the 78 pairs of fountain-P11 and herz-jesus-P8 with at least 30 true inliers and 10 %, matches sorted by
ratio, threshold 1 px, confidence 0.9999, 100 to 10 000 samples, one thread. The error of a pair is the larger of
rotation and translation direction (sign folded), in degrees. Absolute pose: 90 sets, error = distance of the centres.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import cv2
import numpy as np
import pycolmap
from benchmarks._harness import Check, Contest, case, data_dir

import fastcv
from fastcv import geometry

SETS = ("fountain-P11", "herz-jesus-P8")
SIZE = (3072, 2048)


@dataclass(frozen=True)
class Pair:
    points1: np.ndarray  # px, corner convention, best match first
    points2: np.ndarray
    camera: fastcv.Camera
    rotation: np.ndarray  # true cam2_from_cam1
    translation: np.ndarray


@dataclass(frozen=True)
class View:
    points2D: np.ndarray  # px, corner convention
    points3D: np.ndarray  # m
    camera: fastcv.Camera
    center: np.ndarray  # true, m


def camera_from(matrix: np.ndarray) -> fastcv.Camera:
    fx, fy, cx, cy = matrix[0, 0], matrix[1, 1], matrix[0, 2], matrix[1, 2]
    return fastcv.Camera("PINHOLE", *SIZE, np.array([fx, fy, cx + 0.5, cy + 0.5]))


@cache
def pairs() -> list[Pair]:
    result = []
    for name in SETS:
        data = np.load(data_dir() / "matches" / f"{name}_sift.npz")
        for (i, j), (total, inliers) in zip(data["pairs"], data["counts_total_gtinlier"], strict=True):
            if inliers < 30 or inliers < 0.1 * total:
                continue
            matches = data[f"p{i}_{j}"].astype(np.float64)
            rotation = data["R"][j] @ data["R"][i].T
            translation = data["t"][j].ravel() - rotation @ data["t"][i].ravel()
            pixels = matches[:, :4] + 0.5
            result.append(Pair(pixels[:, :2], pixels[:, 2:], camera_from(data["K"]), rotation, translation))
    return result


@cache
def views() -> list[View]:
    result = []
    for name in SETS:
        data = np.load(data_dir() / "matches" / f"{name}_pnp.npz")
        for k, row in enumerate(data["queries_q_a_b_n_inl3px"]):
            q = int(row[0])
            center = -data["R"][q].T @ data["t"][q].ravel()
            points2D, points3D = data[f"x{k}"].astype(np.float64) + 0.5, data[f"X{k}"].astype(np.float64)
            result.append(View(points2D, points3D, camera_from(data["K"]), center))
    return result


def pose_error(pair: Pair, pose: np.ndarray | None) -> float:
    """Degrees; 180 for a pose that is missing."""
    if pose is None or not np.isfinite(pose).all():
        return 180.0
    cosine = (np.trace(pose[:, :3].T @ pair.rotation) - 1) / 2
    along = abs(pose[:, 3] @ pair.translation) / (np.linalg.norm(pose[:, 3]) * np.linalg.norm(pair.translation))
    return float(np.degrees(np.arccos(np.clip([cosine, along], -1, 1))).max())


def auc(errors: np.ndarray, limit: float) -> float:
    """Area under the recall curve up to a limit, in percent."""
    errors = np.sort(errors)
    recall = np.append(0, np.arange(1, len(errors) + 1) / len(errors))
    inside = np.searchsorted(errors, limit)
    x = np.concatenate([[0], errors[:inside], [limit]])
    y = np.append(recall[: inside + 1], recall[inside])
    return float(100 * np.sum(np.diff(x) * (y[1:] + y[:-1]) / 2) / limit)


def pose_from_fundamental(pair: Pair, fundamental: np.ndarray | None, inliers: np.ndarray) -> np.ndarray | None:
    if fundamental is None or not np.isfinite(fundamental).all() or fundamental.shape != (3, 3):
        return None
    matrix = pair.camera.matrix
    essential = matrix.T @ fundamental @ matrix
    rotation, translation = cv2.recoverPose(essential, pair.points1[inliers], pair.points2[inliers], matrix)[1:3]
    return np.hstack([rotation, translation])


Errors = Callable[[], np.ndarray]


def pose_check(limit: float, allowance: float) -> Check:
    """Ours must reach the AUC at ``limit`` degrees of the peer, less an allowance for chance."""

    def check(ours: np.ndarray, theirs: np.ndarray) -> tuple[str, bool]:
        text = ", ".join(
            f"{who} AUC@5/10/20 {auc(e, 5):.1f}/{auc(e, 10):.1f}/{auc(e, 20):.1f} median {np.median(e):.3f} deg"
            for who, e in (("ours", ours), ("peer", theirs))
        )
        return text, auc(ours, limit) >= auc(theirs, limit) - allowance

    return check


def over_pairs(run: Callable[[Pair], np.ndarray | None]) -> Errors:
    return lambda: np.array([pose_error(pair, run(pair)) for pair in pairs()])


def opencv_essential(pair: Pair) -> np.ndarray | None:
    matrix = pair.camera.matrix
    essential, mask = cv2.findEssentialMat(
        pair.points1, pair.points2, matrix, method=cv2.USAC_PROSAC, prob=0.9999, threshold=1.0, maxIters=10000
    )
    if essential is None or essential.shape != (3, 3):
        return None
    inliers = mask.ravel() > 0
    rotation, translation = cv2.recoverPose(essential, pair.points1[inliers], pair.points2[inliers], matrix)[1:3]
    return np.hstack([rotation, translation])


def pycolmap_options() -> pycolmap.RANSACOptions:
    options = pycolmap.RANSACOptions()
    options.max_error, options.confidence = 1.0, 0.9999
    options.min_num_trials, options.max_num_trials = 100, 10000
    return options


def pycolmap_camera(camera: fastcv.Camera) -> pycolmap.Camera:
    return pycolmap.Camera(model="PINHOLE", width=camera.width, height=camera.height, params=camera.params)


def pycolmap_essential(pair: Pair) -> np.ndarray | None:
    camera = pycolmap_camera(pair.camera)
    found = pycolmap.estimate_essential_matrix(pair.points1, pair.points2, camera, camera, pycolmap_options())
    return None if found is None else found["cam2_from_cam1"].matrix()


@case
def relative_pose(contest: Contest) -> None:
    def ours(pair: Pair) -> np.ndarray:
        return geometry.estimate_relative_pose(
            pair.points1, pair.points2, pair.camera, pair.camera, ordered=True
        ).cam2_from_cam1

    contest.note(pairs=len(pairs()), mean_matches=float(np.mean([len(pair.points1) for pair in pairs()])))
    contest.ours(over_pairs(ours))
    contest.peer("opencv USAC_PROSAC", cv2.__version__, over_pairs(opencv_essential), check=pose_check(5, 2.0))
    contest.peer("pycolmap", pycolmap.__version__, over_pairs(pycolmap_essential), check=pose_check(5, 2.0))


@case
def fundamental(contest: Contest) -> None:
    def ours(pair: Pair) -> np.ndarray | None:
        found = geometry.estimate_fundamental(pair.points1, pair.points2, ordered=True)
        return pose_from_fundamental(pair, found.model, found.inliers)

    def opencv(pair: Pair) -> np.ndarray | None:
        model, mask = cv2.findFundamentalMat(pair.points1, pair.points2, cv2.USAC_ACCURATE, 1.0, 0.9999, 10000)
        return None if model is None else pose_from_fundamental(pair, model, mask.ravel() > 0)

    def colmap(pair: Pair) -> np.ndarray | None:
        found = pycolmap.estimate_fundamental_matrix(pair.points1, pair.points2, pycolmap_options())
        return None if found is None else pose_from_fundamental(pair, found["F"], found["inlier_mask"])

    contest.note(pairs=len(pairs()))
    contest.ours(over_pairs(ours))
    contest.peer("opencv USAC_ACCURATE", cv2.__version__, over_pairs(opencv), check=pose_check(5, 3.0))
    contest.peer("pycolmap", pycolmap.__version__, over_pairs(colmap), check=pose_check(5, 3.0))


def position_check(ours: np.ndarray, theirs: np.ndarray) -> tuple[str, bool]:
    text = f"median position ours {np.median(ours):.2f} mm, peer {np.median(theirs):.2f} mm"
    return text, bool(np.median(ours) <= 1.1 * np.median(theirs))


@case
def absolute_pose(contest: Contest) -> None:
    def over_views(run: Callable[[View], np.ndarray | None]) -> Errors:
        def errors() -> np.ndarray:
            result = []
            for view in views():
                pose = run(view)
                center = np.full(3, np.nan) if pose is None else -pose[:, :3].T @ pose[:, 3]
                result.append(1e3 * np.nan_to_num(np.linalg.norm(center - view.center), nan=np.inf))
            return np.array(result)

        return errors

    def ours(view: View) -> np.ndarray:
        return geometry.estimate_absolute_pose(view.points2D, view.points3D, view.camera, ordered=True).cam_from_world

    def opencv(view: View) -> np.ndarray | None:
        matrix = view.camera.matrix
        found, w, t, rows = cv2.solvePnPRansac(
            view.points3D,
            view.points2D,
            matrix,
            None,
            iterationsCount=10000,
            reprojectionError=1.0,
            confidence=0.9999,
            flags=cv2.SOLVEPNP_AP3P,
        )
        if not found:
            return None
        rows = rows.ravel()
        w, t = cv2.solvePnPRefineLM(view.points3D[rows], view.points2D[rows], matrix, None, w, t)
        return np.hstack([cv2.Rodrigues(w)[0], t])

    def colmap(view: View) -> np.ndarray | None:
        options = pycolmap.AbsolutePoseEstimationOptions()
        options.ransac = pycolmap_options()
        found = pycolmap.estimate_and_refine_absolute_pose(
            view.points2D, view.points3D, pycolmap_camera(view.camera), options
        )
        return None if found is None else found["cam_from_world"].matrix()

    contest.note(sets=len(views()))
    contest.ours(over_views(ours))
    contest.peer("opencv AP3P + LM", cv2.__version__, over_views(opencv), check=position_check)
    contest.peer("pycolmap", pycolmap.__version__, over_views(colmap), check=position_check)
