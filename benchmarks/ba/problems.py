# SPDX-License-Identifier: Apache-2.0
"""The problems that solvers race on: the best costs known, and their dump for every contestant."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

import fastcv
from fastcv import ba, io
from fastcv.io import BalProblem

# 1/2 the sum of squared residuals in px², the lowest ever seen and who saw it. A run that ends lower says so.
BEST_COSTS = {
    "problem-49-7776-pre": 13344.2403,  # fastcv native, function_tolerance 1e-14
    "problem-16-22106-pre": 18033.90348,  # fastcv native, function_tolerance 1e-13
    "colmap-177-softm": 201925.0445,  # fastcv native, function_tolerance 1e-13
    "synth-tourist-400": 434821.0,  # fastcv native, function_tolerance 1e-10
    "synth-street-1700": 857392.7,  # fastcv native, function_tolerance 1e-10
}
# The cost of those that give points behind a camera the residual 0 is another one, where there are such points.
BEST_COSTS_IN_FRONT = BEST_COSTS | {"problem-49-7776-pre": 13308.41}  # pycolmap 4.2


def save(bal: BalProblem, folder: Path) -> None:
    """Write ``problem.npz`` for workers in Python and ``problem.bin`` for Ceres in C++."""
    np.savez(folder / "problem.npz", **{field.name: getattr(bal, field.name) for field in fields(bal)})
    with open(folder / "problem.bin", "wb") as file:
        file.write(np.array([len(bal.params), len(bal.points), len(bal.observations)], np.int64).tobytes())
        for array in (bal.camera_indices, bal.point_indices, bal.observations * (1, -1), bal_cameras(bal), bal.points):
            file.write(np.ascontiguousarray(array).tobytes())


def bal_cameras(bal: BalProblem) -> np.ndarray:
    """Angle-axis, translation, f, k1, k2 in the file's own frame, y up and looking along -z, (C, 9)."""
    pose = bal.cam_from_world * np.array([1, -1, -1])[:, None]
    return np.hstack([Rotation.from_matrix(pose[:, :, :3]).as_rotvec(), pose[:, :, 3], bal.params])


def load(folder: Path) -> BalProblem:
    with np.load(folder / "problem.npz") as arrays:
        return BalProblem(**arrays)


def save_colmap(bal: BalProblem, folder: Path) -> None:
    """Write ``colmap/``: every image with a RADIAL camera of principal point (0, 0)."""
    problem = ba.Problem.from_bal(bal)
    cameras, images = {}, {}
    order = np.argsort(problem.image_indices, kind="stable")
    rows = np.split(order, np.cumsum(np.bincount(problem.image_indices, minlength=problem.num_images))[:-1])
    for i, (camera, pose, mine) in enumerate(zip(problem.cameras, problem.cam_from_world, rows, strict=True), 1):
        f, k1, k2 = camera.params
        cameras[i] = fastcv.Camera("RADIAL", camera.width, camera.height, np.array([f, 0, 0, k1, k2]))
        ids = problem.point_indices[mine].astype(np.int64) + 1
        images[i] = fastcv.Image(f"{i:05}.jpg", i, pose, problem.observations[mine], ids)
    count = problem.num_points
    points = fastcv.Points3D(
        np.arange(1, count + 1), problem.points, np.zeros((count, 3), np.uint8), np.full(count, -1.0)
    )
    io.write_colmap(fastcv.Reconstruction(cameras, images, points), folder / "colmap")
