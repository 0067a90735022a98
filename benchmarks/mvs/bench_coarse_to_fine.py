# SPDX-License-Identifier: Apache-2.0
"""Depth maps from coarse to fine against one sweep of all planes: time, and how many depths are right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import cv2
import numpy as np
from benchmarks._harness import Contest, case, data_dir
from benchmarks.mvs.bench_pipeline import fountain, nearest_rotation

from fastcv import mvs
from fastcv.synthetic import make_dataset

Depths = list[np.ndarray]


class Job(NamedTuple):
    """A reference with its sources, as many planes as matches need, and the true depth where it is known (else 0)."""

    reference: mvs.View
    sources: list[mvs.View]
    planes: np.ndarray
    truth: np.ndarray


def job(reference: mvs.View, sources: list[mvs.View], near: float, far: float, truth: np.ndarray) -> Job:
    num = mvs.num_inverse_depth_planes(reference, sources, near, far)
    return Job(reference, sources, mvs.inverse_depth_planes(near, far, num), truth)


def compete(contest: Contest, jobs: Sequence[Job], share: Callable[[Depths], float], what: str) -> None:
    """``share`` says how many of all pixels are right; ours must not be less."""

    def run(estimate: Callable[..., mvs.DepthMap]) -> Depths:
        return [estimate(j.reference, j.sources, j.planes).depth for j in jobs]

    def check(ours: Depths, theirs: Depths) -> tuple[str, bool]:
        a, b = share(ours), share(theirs)
        return f"{a:.1%} of the pixels are {what}, of all planes' {b:.1%}", a >= b

    height, width = jobs[0].reference.image.shape[:2]
    contest.note(width=width, height=height, views=len(jobs), planes=[len(j.planes) for j in jobs])
    contest.ours(lambda: run(mvs.estimate_depth_pyramid))
    contest.peer("fastcv, all planes", "", lambda: run(mvs.estimate_depth), check=check)


def near_truth(jobs: Sequence[Job], tolerance: float) -> Callable[[Depths], float]:
    """Share of the pixels with ground truth that are close to it."""

    def share(depths: Depths) -> float:
        pairs = [(d[j.truth > 0], j.truth[j.truth > 0]) for d, j in zip(depths, jobs, strict=True)]
        return float(np.concatenate([np.abs(d - truth) < tolerance * truth for d, truth in pairs]).mean())

    return share


@case
def coarse_to_fine(contest: Contest) -> None:
    """Courtyard: edges, thin things, slanted walls."""
    width, height = (320, 240) if contest.quick else (640, 480)
    data = make_dataset("courtyard", num_views=5, width=width, height=height, camera_model="PINHOLE", num_points=500)
    images, K = data.reconstruction.images, data.reconstruction.cameras[1].matrix
    views = [mvs.View(image, K, images[i + 1].cam_from_world) for i, image in enumerate(data.images)]
    jobs = [job(views[2], [*views[:2], *views[3:]], *mvs.depth_range(data.reconstruction, 3), data.depths[2])]
    compete(contest, jobs, near_truth(jobs, 0.02), "within 2 % of the truth")


@case
def coarse_to_fine_hololens(contest: Contest) -> None:
    """A walk through a room with bare walls, poses of its headset, depths of its sensor."""
    folder = data_dir() / "mvs" / "hololens000"
    K = from_centers(np.loadtxt(folder / "K.txt").reshape(3, 3))
    views, truths = [], []
    for line in (folder / "poses.txt").read_text().splitlines():
        name, *numbers = line.split()
        pose = np.linalg.inv(np.array(numbers, float).reshape(4, 4))[:3]
        image = read(folder / "images" / Path(name).with_suffix(".png").name, cv2.IMREAD_COLOR_RGB)
        views.append(mvs.View(image, K, np.c_[nearest_rotation(pose[:, :3]), pose[:, 3]]))
        truths.append(read(folder / "depth" / Path(name).with_suffix(".png").name, cv2.IMREAD_UNCHANGED) / 1000)
    chosen = range(2, len(views) - 2, 8 if contest.quick else 2)[:8]
    jobs = [job(views[i], [views[i + k] for k in (-1, 1, -2, 2)], 0.5, 8.0, truths[i]) for i in chosen]
    compete(contest, jobs, near_truth(jobs, 0.05), "within 5 % of the sensor's depth")


@case
def coarse_to_fine_fountain(contest: Contest) -> None:
    """Photographs of 1536 x 1024 pixels; depths count that two other views confirm."""
    if contest.quick:
        return
    folder = data_dir() / "mvs" / "fountain-P11_half"
    scene = fountain(folder)
    views = {
        i: mvs.View(
            read(folder / "images" / image.name, cv2.IMREAD_COLOR_RGB), scene.cameras[1].matrix, image.cam_from_world
        )
        for i, image in scene.images.items()
    }
    ids = range(4, 9)
    jobs = [
        job(views[i], [views[i + k] for k in (-1, 1, -2, 2)], *mvs.depth_range_from_poses(scene, i), np.empty(0))
        for i in ids
    ]

    def share(depths: Depths) -> float:
        kept = mvs.filter_depths([views[i] for i in ids], depths, min_consistent=2)
        return float(np.mean([depth > 0 for depth in kept]))

    compete(contest, jobs, share, "confirmed by two other views")


def from_centers(K: np.ndarray) -> np.ndarray:
    """The data's K counts from the first pixel's centre."""
    return np.array([[1, 0, 0.5], [0, 1, 0.5], [0, 0, 1]]) @ K


def read(path: Path, mode: int) -> Any:
    image = cv2.imread(str(path), mode)
    assert image is not None, path
    return image
