# SPDX-License-Identifier: Apache-2.0
"""camera.project and its derivatives against OpenCV, pycolmap and numpy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pycolmap
from benchmarks._harness import Contest, agree_to, case

import fastcv

DISTORTION = [-0.2, 0.05, 0.002, -0.003]
OPENCV = fastcv.Camera("OPENCV", 640, 480, np.array([500.0, 510, 320, 240, *DISTORTION]))
FISHEYE = fastcv.Camera("OPENCV_FISHEYE", 640, 480, np.array([500.0, 510, 320, 240, -0.05, 0.02, -0.003, 0.001]))
ZERO = np.zeros(3)
# Pixels are below 1e3 and both sides round in float64.
PIXELS_AGREE = agree_to(1e-10)


def scene(contest: Contest) -> np.ndarray:
    count = 100_000 if contest.quick else 1_000_000
    contest.note(points=count)
    return np.random.default_rng(0).uniform([-1, -1, 2], [1, 1, 4], (count, 3))


def pixels_of_points(contest: Contest, camera: fastcv.Camera) -> np.ndarray:
    points = scene(contest)
    out = np.empty((len(points), 2))
    contest.bound(read_write_bytes=points.nbytes + out.nbytes)
    contest.ours(lambda: fastcv.camera.project(points, camera, out=out))
    theirs = pycolmap.Camera(model=camera.model, width=640, height=480, params=camera.params)
    contest.peer("pycolmap", pycolmap.__version__, lambda: theirs.img_from_cam(points), check=PIXELS_AGREE)
    return points


def opencv(contest: Contest, run: Callable[[], np.ndarray]) -> None:
    contest.peer("opencv", cv2.__version__, run, check=PIXELS_AGREE)


@case
def project_pinhole(contest: Contest) -> None:
    camera = fastcv.Camera("PINHOLE", 640, 480, np.array([500.0, 510.0, 320.0, 240.0]))
    points = pixels_of_points(contest, camera)
    opencv(contest, lambda: cv2.projectPoints(points, ZERO, ZERO, camera.matrix, None)[0][:, 0])
    contest.peer(
        "numpy",
        np.__version__,
        lambda: points[:, :2] / points[:, 2:] * camera.params[:2] + camera.params[2:],
        check=PIXELS_AGREE,
    )


@case
def project_opencv(contest: Contest) -> None:
    points = pixels_of_points(contest, OPENCV)
    opencv(contest, lambda: cv2.projectPoints(points, ZERO, ZERO, OPENCV.matrix, np.array(DISTORTION))[0][:, 0])


@case
def project_fisheye(contest: Contest) -> None:
    points = pixels_of_points(contest, FISHEYE)
    matrix, distortion = FISHEYE.matrix, FISHEYE.params[4:]
    opencv(contest, lambda: cv2.fisheye.projectPoints(points[:, None], ZERO, ZERO, matrix, distortion)[0][:, 0])


@case
def project_jacobian_opencv(contest: Contest) -> None:
    points = scene(contest)
    contest.bound(read_write_bytes=points.nbytes * (1 + (2 + 6 + 16) / 3))

    def ours() -> Any:
        pixels, d_point, d_params = fastcv.camera.project_jacobian(points, OPENCV)
        return np.concatenate([pixels.ravel()[:1000], d_point.ravel()[:1000], d_params.ravel()[:1000]])

    def theirs() -> Any:
        pixels, jacobian = cv2.projectPoints(points, ZERO, ZERO, OPENCV.matrix, np.array(DISTORTION))
        jacobian = jacobian.reshape(len(points), 2, -1)
        parts = pixels, jacobian[:, :, 3:6], jacobian[:, :, 6:]
        return np.concatenate([np.ascontiguousarray(part[:500]).ravel()[:1000] for part in parts])

    contest.ours(ours)
    opencv(contest, theirs)
