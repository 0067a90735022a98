# SPDX-License-Identifier: Apache-2.0
"""A generator of small problems with known truth, for any camera model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest

import fastcv
from fastcv import Camera, ba
from fastcv._backend import backend
from fastcv.ba import Problem, Result, Rigs

# Moderate distortion of each kind: a few pixels to tens of pixels at the image's border.
PARAMS = {
    "SIMPLE_PINHOLE": [500, 320, 240],
    "PINHOLE": [500, 510, 320, 240],
    "SIMPLE_RADIAL": [500, 320, 240, -0.05],
    "RADIAL": [500, 320, 240, -0.05, 0.02],
    "OPENCV": [500, 510, 320, 240, -0.05, 0.02, 1e-3, -2e-3],
    "OPENCV_FISHEYE": [400, 410, 320, 240, 0.02, -0.01, 3e-3, -1e-3],
    "FULL_OPENCV": [500, 510, 320, 240, -0.05, 0.02, 1e-3, -2e-3, 1e-3, 0.02, -0.01, 2e-3],
    "FOV": [400, 410, 320, 240, 0.7],
    "SIMPLE_RADIAL_FISHEYE": [400, 320, 240, 0.02],
    "RADIAL_FISHEYE": [400, 320, 240, 0.02, -0.01],
    "THIN_PRISM_FISHEYE": [400, 410, 320, 240, 0.02, -0.01, 1e-3, -2e-3, 3e-3, -1e-3, 1e-3, 2e-3],
    "RAD_TAN_THIN_PRISM_FISHEYE": [400, 410, 320, 240]
    + [0.02, -0.01, 3e-3, -1e-3, 5e-4, -2e-4, 1e-3, -2e-3, 1e-3, 2e-3, -1e-3, 5e-4],
    "SIMPLE_DIVISION": [500, 320, 240, -0.1],
    "DIVISION": [500, 510, 320, 240, 0.05],
    "SIMPLE_FISHEYE": [400, 320, 240],
    "FISHEYE": [400, 410, 320, 240],
    "EUCM": [400, 410, 320, 240, 0.6, 1.1],
    "EQUIRECTANGULAR": [640, 480],
    "BAL": [500, -0.05, 0.02],
}

MakeProblem = Callable[..., Problem]
Solve = Callable[..., Result]


def rotation(w: np.ndarray) -> np.ndarray:
    """exp([w]×), by Rodrigues' formula."""
    angle = np.linalg.norm(w)
    x, y, z = w / angle
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross


def exact_observations(problem: Problem) -> np.ndarray:
    """What the problem's images would see without noise, by pycolmap (BAL: as RADIAL without principal point)."""
    pycolmap = pytest.importorskip("pycolmap")
    pixels = np.empty_like(problem.observations)
    for row, camera in enumerate(problem.cameras):
        model, params = camera.model, camera.params
        if model == "BAL":
            model, params = "RADIAL", np.insert(params, 1, [0, 0])
        oracle = pycolmap.Camera(model=model, width=640, height=480, params=list(params))
        mine = problem.image_cameras[problem.image_indices] == row
        poses = problem.cam_from_world[problem.image_indices[mine]]
        points = problem.points[problem.point_indices[mine]]
        pixels[mine] = oracle.img_from_cam(np.einsum("kij,kj->ki", poses[:, :, :3], points) + poses[:, :, 3])
    return pixels


@pytest.fixture(scope="session")
def make_problem() -> MakeProblem:
    """A ring of images around a cloud, cameras by turns, observations exact up to ``noise_px``.

    ``visible`` (num_images, num_points) says which image sees which point; by default each sees four in five.
    """

    def make(
        models: tuple[str, ...] = ("SIMPLE_RADIAL",),
        *,
        num_images: int = 6,
        num_points: int = 60,
        noise_px: float = 0.0,
        seed: int = 0,
        visible: np.ndarray | None = None,
    ) -> Problem:
        random = np.random.default_rng(seed)
        points = random.uniform(-1, 1, (num_points, 3))
        poses = []
        for angle in np.linspace(0, 1.5, num_images):
            turn = rotation(np.array([0.1, angle, 0.05])) @ rotation(random.uniform(-0.1, 0.1, 3))
            poses.append(np.column_stack([turn, [0.1 * angle, -0.1, 4 + 0.2 * angle]]))
        if visible is None:
            pairs = np.array(
                [(i, p) for i in range(num_images) for p in range(num_points) if i < 2 or random.random() < 0.8]
            )
        else:
            pairs = np.argwhere(visible)
        cameras = [Camera(model, 640, 480, PARAMS[model]) for model in models]
        problem = Problem(
            cameras=cameras,
            image_cameras=np.arange(num_images) % len(cameras),
            cam_from_world=np.array(poses),
            points=points,
            image_indices=pairs[:, 0],
            point_indices=pairs[:, 1],
            observations=np.zeros((len(pairs), 2)),
        )
        exact = exact_observations(problem)
        return replace(problem, observations=exact + noise_px * random.standard_normal(exact.shape))

    return make


@pytest.fixture(scope="session")
def make_rig_problem(make_problem: MakeProblem) -> MakeProblem:
    """As make_problem: the images are of ``num_frames`` moments of a rig of three sensors, then ``num_alone`` of none.

    The first sensor is the reference; each has a camera of its own, and so have the images in no rig together.
    """

    def make(
        models: tuple[str, ...] = ("SIMPLE_RADIAL", "PINHOLE", "RADIAL", "SIMPLE_RADIAL"),
        *,
        num_frames: int = 6,
        num_alone: int = 2,
        num_points: int = 100,
        noise_px: float = 0.0,
        seed: int = 0,
    ) -> Problem:
        random = np.random.default_rng(seed)
        sensors = np.stack(
            [
                np.column_stack([rotation(w), t])
                for w, t in (([0.05, 0.2, 0], [0.1, 0.5, 0]), ([0, -0.2, 0.1], [-0.4, 0, 0.2]))
            ]
        )
        num_images = 3 * num_frames + num_alone
        frames = np.full(num_images, -1, np.int32)
        frames[: 3 * num_frames] = np.repeat(np.arange(num_frames), 3)
        on_rig = np.full(num_images, -1, np.int32)
        on_rig[: 3 * num_frames] = np.tile([-1, 0, 1], num_frames)
        visible = random.random((num_images, num_points)) < 0.6
        visible[:2] = True
        problem = make_problem(models, num_images=num_images, num_points=num_points, visible=visible, seed=seed)
        rigs = Rigs(frames, on_rig, sensors)
        poses = problem.cam_from_world
        problem = replace(
            problem,
            cam_from_world=rigs.cam_from_world(poses[: 3 * num_frames : 3], poses),
            rigs=rigs,
            image_cameras=np.where(frames < 0, 3, on_rig + 1),
        )
        exact = exact_observations(problem)
        return replace(problem, observations=exact + noise_px * random.standard_normal(exact.shape))

    return make


@pytest.fixture(params=["native", "ceres"])
def solver(request: pytest.FixtureRequest) -> str:
    """Every solver."""
    return request.param


@pytest.fixture
def solve(solver: str) -> Callable[..., Result]:
    """ba.solve with every solver."""
    return partial(ba.solve, solver=solver)


@pytest.fixture(scope="session")
def perturb() -> Callable[..., Problem]:
    """perturb(problem, size): poses, points and free intrinsics moved at random; fixed images and points stay."""

    def moved(problem: Problem, size: float = 0.02, seed: int = 1) -> Problem:
        random = np.random.default_rng(seed)
        poses, points = problem.cam_from_world.copy(), problem.points.copy()
        for row in np.flatnonzero(~problem.fixed_images):
            poses[row, :, :3] = rotation(size * random.standard_normal(3)) @ poses[row, :, :3]
            poses[row, :, 3] += size * random.standard_normal(3)
        rigs = problem.rigs
        if rigs is not None:
            sensors = rigs.sensor_from_rig.copy()
            for row in np.flatnonzero(~rigs.fixed_sensors):
                sensors[row, :, :3] = rotation(size * random.standard_normal(3)) @ sensors[row, :, :3]
                sensors[row, :, 3] += size * random.standard_normal(3)
            frames = rigs.rig_from_world(poses)
            rigs = replace(rigs, sensor_from_rig=sensors)
            poses = rigs.cam_from_world(frames, poses)
        free = ~problem.fixed_points
        points[free] += size * random.standard_normal((int(free.sum()), 3))
        cameras = []
        for camera, fixed in zip(problem.cameras, problem.fixed_params, strict=True):
            scale = np.where(np.abs(camera.params) > 1, camera.params, 1)
            change = size * scale * random.standard_normal(len(scale))
            cameras.append(camera.with_params(camera.params + np.where(fixed, 0, change)))
        return replace(problem, cam_from_world=poses, points=points, cameras=cameras, rigs=rigs)

    return moved


@pytest.fixture(params=["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
def resident(request) -> Solve:
    """ba.solve on a GPU; or, on the CPU, with the kernels of the GPU in place of the native solver's."""
    if request.param == "cuda":
        if not fastcv.cuda.is_available():
            pytest.skip("needs a CUDA device")
        return lambda problem, **options: ba.solve(problem, device="cuda", **options)

    def on_cpu(problem: Problem, **options: Any) -> Result:
        core = backend("cpu").ba
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(core, "solve", core.solve_resident)
            return ba.solve(problem, **options)

    return on_cpu
