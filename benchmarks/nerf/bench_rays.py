# SPDX-License-Identifier: Apache-2.0
"""Rays of 2^15 random pixels of 50 images, as a step of training needs them, against torch and OpenCV."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import torch
from benchmarks._harness import Check, Contest, case

from fastcv import Camera, get_num_threads
from fastcv.nerf import clip_box, rays, sample_pixels

PINHOLE = Camera("PINHOLE", 270, 480, np.array([343.88, 343.62, 138.64, 241.32]))
OPENCV = Camera("OPENCV", 270, 480, np.array([*PINHOLE.params, 0.0578, -0.0805, -0.00098, 0.000156]))
BOX = np.array([[-1.0, -1, -1], [1, 1, 1]])


def close(tolerance: float) -> Check:
    def check(ours: Any, theirs: Any) -> tuple[str, bool]:
        worst = max(float(np.abs(np.asarray(a) - np.asarray(b)).max()) for a, b in zip(ours, theirs, strict=True))
        return f"max difference {worst:.2g} <= {tolerance:g}", worst <= tolerance

    return check


def batch(contest: Contest) -> tuple[np.ndarray, Any]:
    rng = np.random.default_rng(0)
    rotations, _ = np.linalg.qr(rng.normal(size=(50, 3, 3)))
    rotations *= np.sign(np.linalg.det(rotations))[:, None, None]
    poses = np.concatenate([rotations, rng.normal(size=(50, 3, 1))], 2)
    rows = 2**12 if contest.quick else 2**15
    contest.note(rays=rows, images=50, threads=get_num_threads())
    torch.set_num_threads(get_num_threads())
    cv2.setNumThreads(get_num_threads())
    return poses, sample_pixels(rows, (50, 480, 270), seed=1)


def torch_rays(in_camera: torch.Tensor, poses: torch.Tensor, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    rotations = poses[images, :, :3]
    directions = torch.einsum("rji,rj->ri", rotations, torch.nn.functional.normalize(in_camera, dim=1))
    return -torch.einsum("rji,rj->ri", rotations, poses[images, :, 3]), directions


def race(contest: Contest, camera: Camera) -> None:
    poses, (images, pixels) = batch(contest)
    contest.ours(lambda: rays(camera, poses, pixels, images=images))
    p, i, x = torch.from_numpy(poses).float(), torch.from_numpy(images), torch.from_numpy(pixels)
    focal, principal = (torch.tensor(camera.params[k : k + 2], dtype=torch.float32) for k in (0, 2))

    def by_torch() -> tuple[torch.Tensor, torch.Tensor]:
        undistorted = (x - principal) / focal
        if camera is OPENCV:
            found = cv2.undistortPoints(pixels.reshape(-1, 1, 2), camera.matrix, camera.params[4:])
            undistorted = torch.from_numpy(found[:, 0])
        return torch_rays(torch.cat([undistorted, torch.ones_like(x[:, :1])], 1), p, i)

    name = "torch" if camera is PINHOLE else "torch, OpenCV's undistortPoints"
    # OpenCV makes five steps of a fixed-point iteration.
    contest.peer(name, torch.__version__, by_torch, check=close(1e-5 if camera is PINHOLE else 1e-4))


@case
def rays_pinhole(contest: Contest) -> None:
    race(contest, PINHOLE)


@case
def rays_opencv(contest: Contest) -> None:
    race(contest, OPENCV)


@case
def rays_clip_box(contest: Contest) -> None:
    poses, (images, pixels) = batch(contest)
    origins, directions = rays(PINHOLE, poses, pixels, images=images)
    contest.ours(lambda: clip_box(origins, directions, BOX))
    o, d, box = torch.from_numpy(origins), torch.from_numpy(directions), torch.tensor(BOX, dtype=torch.float32)

    def by_torch() -> tuple[torch.Tensor, torch.Tensor]:
        """The slab method, as nerfacc's ray_aabb_intersect."""
        t = (box[:, None] - o) / d
        near, far = t.amin(0).amax(1).clamp(min=0), t.amax(0).amin(1)
        hit = far > near
        return torch.where(hit, near, 0), torch.where(hit, far, 0)

    contest.peer("torch", torch.__version__, by_torch, check=close(1e-5))
