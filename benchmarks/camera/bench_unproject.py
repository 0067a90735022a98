# SPDX-License-Identifier: Apache-2.0
"""camera.unproject against OpenCV and pycolmap."""

from __future__ import annotations

import cv2
import numpy as np
import pycolmap
from benchmarks._harness import Contest, agree_to, case

import fastcv


def rays_of_pixels(contest: Contest, camera: fastcv.Camera) -> np.ndarray:
    count = 100_000 if contest.quick else 1_000_000
    pixels = np.random.default_rng(0).uniform([0, 0], [640, 480], (count, 2))
    out = np.empty((count, 3))
    contest.note(pixels=count)
    contest.bound(read_write_bytes=pixels.nbytes + out.nbytes)
    contest.ours(lambda: fastcv.camera.unproject(pixels, camera, out=out)[:, :2])
    theirs = pycolmap.Camera(model=camera.model, width=640, height=480, params=camera.params)
    # COLMAP ends its iteration at a step of 1e-5, which leaves an error of about 1e-10.
    contest.peer("pycolmap", pycolmap.__version__, lambda: theirs.cam_from_img(pixels), check=agree_to(1e-8))
    return pixels


@case
def unproject_opencv(contest: Contest) -> None:
    distortion = np.array([-0.2, 0.05, 0.002, -0.003])
    camera = fastcv.Camera("OPENCV", 640, 480, np.array([500.0, 510, 320, 240, *distortion]))
    pixels = rays_of_pixels(contest, camera)
    # OpenCV's default is 5 fixed-point iterations; 20 reach 1e-8 here.
    criteria = (cv2.TERM_CRITERIA_COUNT, 20, 0.0)
    contest.peer(
        "opencv",
        cv2.__version__,
        lambda: cv2.undistortPoints(pixels, camera.matrix, distortion, criteria=criteria)[:, 0],
        check=agree_to(1e-6),
    )


@case
def unproject_fisheye(contest: Contest) -> None:
    distortion = np.array([-0.05, 0.02, -0.003, 0.001])
    camera = fastcv.Camera("OPENCV_FISHEYE", 640, 480, np.array([500.0, 510, 320, 240, *distortion]))
    pixels = rays_of_pixels(contest, camera)
    contest.peer(
        "opencv",
        cv2.__version__,
        lambda: cv2.fisheye.undistortPoints(pixels[:, None], camera.matrix, distortion)[:, 0],
        check=agree_to(1e-6),
    )
