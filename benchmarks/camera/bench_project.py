# SPDX-License-Identifier: Apache-2.0
"""camera.project against OpenCV and numpy."""

from __future__ import annotations

import cv2
import numpy as np
from benchmarks._harness import Contest, agree_to, case

import fastcv


@case
def project_pinhole(contest: Contest) -> None:
    count = 100_000 if contest.quick else 1_000_000
    camera = fastcv.Camera("PINHOLE", 640, 480, np.array([500.0, 510.0, 320.0, 240.0]))
    points = np.random.default_rng(0).uniform([-1, -1, 2], [1, 1, 4], (count, 3))
    out = np.empty((count, 2))
    zero = np.zeros(3)
    contest.bound(read_write_bytes=points.nbytes + out.nbytes)
    contest.note(points=count)
    contest.ours(lambda: fastcv.camera.project(points, camera, out=out))
    # 1e-10 px: both sides round in float64, pixels are below 1e3.
    contest.peer(
        "opencv",
        cv2.__version__,
        lambda: cv2.projectPoints(points, zero, zero, camera.matrix, None)[0][:, 0],
        check=agree_to(1e-10),
    )
    contest.peer(
        "numpy",
        np.__version__,
        lambda: points[:, :2] / points[:, 2:] * camera.params[:2] + camera.params[2:],
        check=agree_to(1e-10),
    )
