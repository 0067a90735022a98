# SPDX-License-Identifier: Apache-2.0
"""camera.undistort_image against OpenCV."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from benchmarks._harness import Contest, case

import fastcv


def close_bytes(ours: Any, theirs: Any) -> tuple[str, bool]:
    """OpenCV rounds positions to 1/32 pixel, so single bytes differ; along its border it mixes in black."""
    inside = cv2.erode((theirs.min(axis=2) > 0).astype(np.uint8), np.ones((5, 5))) > 0
    inside[:2], inside[-2:], inside[:, :2], inside[:, -2:] = False, False, False, False
    difference = np.abs(ours.astype(np.float64) - theirs)[inside]
    mean, largest = float(difference.mean()), float(difference.max())
    return f"mean difference {mean:.2g} <= 0.5, largest {largest:g} <= 6 of 255", mean <= 0.5 and largest <= 6


@case
def undistort_image_opencv(contest: Contest) -> None:
    height, width = (600, 800) if contest.quick else (3000, 4000)
    focal = 0.8 * width
    camera = fastcv.Camera(
        "OPENCV", width, height, np.array([focal, focal, width / 2, height / 2, -0.1, 0.02, 0.001, -0.001])
    )
    y, x = np.mgrid[:height, :width] * (40.0 / width)
    image = np.stack([128 + 120 * np.sin(x), 128 + 120 * np.cos(y), 128 + 60 * np.sin(x + y)], axis=-1)
    image = np.ascontiguousarray(image.astype(np.uint8))
    pinhole = fastcv.camera.undistorted_pinhole(camera)
    out = np.empty_like(image)
    centre = np.array([[0, 0, 0.5], [0, 0, 0.5], [0, 0, 0]])  # OpenCV's origin is the first pixel's centre
    contest.note(width=width, height=height)
    contest.bound(read_write_bytes=2 * image.nbytes)
    contest.ours(lambda: fastcv.camera.undistort_image(image, camera, pinhole=pinhole, out=out)[0])
    contest.peer(
        "opencv",
        cv2.__version__,
        lambda: cv2.undistort(image, camera.matrix - centre, camera.params[4:], None, pinhole.matrix - centre),
        check=close_bytes,
    )
