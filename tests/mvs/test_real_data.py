# SPDX-License-Identifier: Apache-2.0
"""Depth maps of photographs: against a depth sensor, and within an object's known box."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from fastcv import mvs


def photo(path: Path, scale: float = 1.0) -> np.ndarray:
    image = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
    return image if scale == 1 else cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def nearest_rotation(R: np.ndarray) -> np.ndarray:
    U, _, Vt = np.linalg.svd(R)
    return U @ Vt


def calibration(K: np.ndarray, scale: float = 1.0) -> np.ndarray:
    """The data's K counts from the first pixel's centre."""
    return np.diag([scale, scale, 1.0]) @ np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]]) @ K


def hololens(data_dir, name: str) -> tuple[mvs.View, list[mvs.View], Callable[[np.ndarray, float], float]]:
    """A view at half size, four around it, and the share of the sensor's depths that a map comes near to."""
    folder = data_dir / "mvs" / "hololens000"
    K = calibration(np.loadtxt(folder / "K.txt").reshape(3, 3), 0.5)
    views = {}
    for line in (folder / "poses.txt").read_text().splitlines():
        file, *numbers = line.split()
        pose = np.linalg.inv(np.array(numbers, float).reshape(4, 4))[:3]
        pose = np.c_[nearest_rotation(pose[:, :3]), pose[:, 3]]
        views[file.partition(".")[0]] = (folder / "images" / f"{file.partition('.')[0]}.png", pose)
    reference, *sources = [
        mvs.View(photo(views[frame][0], 0.5), K, views[frame][1])
        for frame in (f"{int(name) + step:05d}" for step in (0, -2, 2, -4, 4))
    ]
    truth = cv2.imread(str(folder / "depth" / f"{name}.png"), cv2.IMREAD_UNCHANGED)[::2, ::2] / 1000

    def share(depth: np.ndarray, limit: float) -> float:
        return float(np.mean((np.abs(depth - truth) < limit * truth)[truth > 0]))

    return reference, sources, share


HOLOLENS_DEPTHS = mvs.inverse_depth_planes(0.5, 8.0, 96)
# The poses are good to 1.5 px, and walls are bare: limits are what is measured today, less a margin.


@pytest.mark.parametrize(("name", "least", "least_smooth"), [("00063", 0.78, 0.82), ("00047", 0.74, 0.8)])
def test_smoothing_against_a_sensor(data_dir, name, least, least_smooth):
    reference, sources, share = hololens(data_dir, name)
    for smoothing, limit in ((None, least), (mvs.SemiGlobal(), least_smooth)):
        assert share(mvs.estimate_depth(reference, sources, HOLOLENS_DEPTHS, smoothing=smoothing).depth, 0.05) > limit


def test_refinement_against_a_sensor(data_dir):
    reference, sources, share = hololens(data_dir, "00063")
    swept = mvs.estimate_depth(reference, sources, HOLOLENS_DEPTHS)
    refined = mvs.refine_depth(reference, sources, swept, depth_range=(0.5, 8.0))
    assert share(refined.depth, 0.05) > 0.81
    assert share(refined.depth, 0.02) > share(swept.depth, 0.02) + 0.05  # 62 % after 54 %


def test_temple_lies_in_its_box(data_dir):
    folder = data_dir / "mvs" / "templeRing19"
    low, high = np.array([-0.023121, -0.038009, -0.091940]), np.array([0.078626, 0.121636, -0.017395])  # its README
    views = []
    for line in (folder / "templeR_par.txt").read_text().splitlines()[1:]:
        name, *numbers = line.split()
        if name in [f"templeR00{i}.png" for i in (19, 20, 21, 22, 23)]:
            K, R, t = np.split(np.array(numbers, float), [9, 18])
            pose = np.c_[nearest_rotation(R.reshape(3, 3)), t]
            views.append(mvs.View(photo(folder / name, 0.5), calibration(K.reshape(3, 3), 0.5), pose))
    corners = np.array(np.meshgrid(*zip(low, high, strict=True))).reshape(3, -1)
    near_far = [(v.cam_from_world[2, :3] @ corners + v.cam_from_world[2, 3]) for v in views]
    depth_maps = [
        mvs.estimate_depth(view, [v for v in views if v is not view], mvs.inverse_depth_planes(z.min(), z.max(), 64))
        for view, z in zip(views, near_far, strict=True)
    ]
    cloud = mvs.fuse(views, mvs.filter_depths(views, depth_maps, min_confidence=0.2))
    temple = cloud.xyz[cloud.rgb.mean(1) > 40]  # the rest is the dark backdrop
    # Half a window of a 0.6 m distant view at f = 760 px: the silhouette grows by that much.
    inside = ((temple > low - 0.004) & (temple < high + 0.004)).all(1)
    assert len(temple) > 15_000
    assert inside.mean() > 0.97
