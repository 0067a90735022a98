# SPDX-License-Identifier: Apache-2.0
"""Disparity of Middlebury pairs: time and accuracy beside OpenCV's semi-global matching."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from benchmarks._harness import Contest, case, data_dir

from fastcv import get_num_threads, mvs

FILES = {"cones": ("im2.png", "im6.png", "disp2.pgm"), "aloe": ("aloeL.jpg", "aloeR.jpg", "aloeGT.png")}
UNITS = {"cones": 4, "aloe": 1}  # of the ground truth, a pixel
DISPARITIES = {"cones": 64, "aloe": 224}
MODES = {"SGBM": cv2.STEREO_SGBM_MODE_SGBM, "SGBM 3WAY": cv2.STEREO_SGBM_MODE_SGBM_3WAY}


def read(path: Path, mode: int) -> np.ndarray:
    image = cv2.imread(str(path), mode)
    assert image is not None, path
    return image


def bad2(disparity: np.ndarray, truth: np.ndarray) -> float:
    """Percent of the pixels with ground truth that are off by more than 2 pixels or have no disparity."""
    return round(100 * float((~(np.abs(disparity - truth) <= 2))[truth > 0].mean()), 2)


def opencv(mode: int, num: int, block: int, uniqueness: int, speckles: int) -> Any:
    """Penalties for colour as OpenCV's documentation has them."""
    penalty = 3 * block**2
    create = cv2.StereoSGBM_create  # type: ignore[attr-defined]  # missing in OpenCV's stubs
    return create(0, num, block, 8 * penalty, 32 * penalty, 1, 63, uniqueness, speckles, 2, mode)


def run_opencv(matcher: Any, left: np.ndarray, right: np.ndarray, margin: int = 0) -> np.ndarray:
    """OpenCV leaves the left border empty; with a margin it is matched as far as the right image goes."""
    if margin:
        left, right = (cv2.copyMakeBorder(i, 0, 0, margin, 0, cv2.BORDER_REPLICATE) for i in (left, right))
    disparity: np.ndarray = matcher.compute(left, right)[:, margin:] / np.float32(16)
    return np.where(disparity < 0, np.float32(np.nan), disparity)


def best_setting(mode: int, num: int, left: np.ndarray, right: np.ndarray, truth: np.ndarray, margin: int) -> Any:
    """The setting with the least bad-2.0: block size, uniqueness, speckle window."""
    settings = [(block, unique, speckles) for block in (1, 3, 5) for unique in (0, 10) for speckles in (0, 100)]
    return min(settings, key=lambda s: bad2(run_opencv(opencv(mode, num, *s), left, right, margin), truth))


def contest_of(contest: Contest, name: str) -> None:
    folder = data_dir() / "stereo" / name
    if contest.quick and name == "aloe":
        return
    left, right = (read(folder / file, cv2.IMREAD_COLOR_RGB) for file in FILES[name][:2])
    truth = read(folder / FILES[name][2], cv2.IMREAD_GRAYSCALE) / UNITS[name]
    num = DISPARITIES[name]
    cv2.setNumThreads(get_num_threads())
    ours = mvs.estimate_disparity(left, right, num).disparity
    contest.note(
        width=left.shape[1],
        height=left.shape[0],
        disparities=num,
        bad2=bad2(ours, truth),
        bad2_filled=bad2(mvs.fill_disparity(ours), truth),
        bad2_unchecked=bad2(mvs.estimate_disparity(left, right, num, max_difference=None, min_pixels=0)[0], truth),
    )
    contest.ours(lambda: mvs.estimate_disparity(left, right, num).disparity)
    for label, mode in MODES.items():
        for margin in (0, num):
            setting = best_setting(mode, num, left, right, truth, margin)
            theirs = run_opencv(opencv(mode, num, *setting), left, right, margin)
            key = f"opencv {label}{' with a margin' if margin else ''}"
            contest.note(
                **{
                    key: {
                        "block, uniqueness, speckles": setting,
                        "bad2": bad2(theirs, truth),
                        "bad2_filled": bad2(mvs.fill_disparity(theirs), truth),
                    }
                }
            )
            if not margin:
                contest.peer(
                    key,
                    cv2.__version__,
                    partial(run_opencv, opencv(mode, num, *setting), left, right),
                    check=lambda a, b: less_bad(a, b, truth),
                )


def less_bad(ours: np.ndarray, theirs: np.ndarray, truth: np.ndarray) -> tuple[str, bool]:
    a, b = bad2(ours, truth), bad2(theirs, truth)
    return f"bad-2.0 of {a} % against ground truth, theirs {b} %", a < b


@case
def stereo_cones(contest: Contest) -> None:
    contest_of(contest, "cones")


@case
def stereo_aloe(contest: Contest) -> None:
    contest_of(contest, "aloe")
