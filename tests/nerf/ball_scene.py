# SPDX-License-Identifier: Apache-2.0
"""Photographs of a coloured ball in closed form: what a training has to find."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fastcv import Camera, nerf

RADIUS = 0.5
_OVERSAMPLING = 4  # rays along each side of a pixel


def ball_color(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """The colour of the surface: smooth, and different everywhere."""
    return 0.5 + 0.45 * points / RADIUS


def look_at(center: NDArray[np.float64]) -> NDArray[np.float64]:
    """cam_from_world of a camera at a place that looks at the origin."""
    z = -center / np.linalg.norm(center)
    x = np.cross(z, [0.0, 0.0, 1.0])
    x /= np.linalg.norm(x)
    rotation = np.stack([x, np.cross(z, x), z])
    return np.column_stack([rotation, -rotation @ center])


def photograph(pose: NDArray[np.float64], focal: float, size: int) -> NDArray[np.uint8]:
    """(size, size, 4) picture with straight alpha."""
    fine = size * _OVERSAMPLING
    v, u = (np.mgrid[:fine, :fine] + 0.5) / _OVERSAMPLING
    directions = np.stack([(u - size / 2) / focal, (v - size / 2) / focal, np.ones_like(u)], -1) @ pose[:, :3]
    directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
    center = -pose[:, :3].T @ pose[:, 3]
    along = -directions @ center
    inside = RADIUS**2 - (center @ center - along**2)
    t = along - np.sqrt(np.maximum(inside, 0))
    hit = (inside > 0).astype(np.float64)[..., None]
    color = ball_color(center + t[..., None] * directions)
    parts = (size, _OVERSAMPLING, size, _OVERSAMPLING, -1)
    alpha = hit.reshape(parts).mean((1, 3))
    color = (color * hit).reshape(parts).mean((1, 3)) / np.maximum(alpha, 1e-9)
    return (np.concatenate([color, alpha], -1) * 255).round().astype(np.uint8)


def ball_scene(num_views: int = 24, size: int = 32) -> nerf.Scene:
    """Cameras all around (a Fibonacci lattice), every sixth of them for tests."""
    focal, k = 1.2 * size, np.arange(num_views)
    height = 1 - (2 * k + 1) / num_views
    angle = k * np.pi * (3 - np.sqrt(5))
    ring = np.sqrt(1 - height**2)
    centers = 2.0 * np.stack([ring * np.cos(angle), ring * np.sin(angle), height], -1)
    poses = np.array([look_at(center) for center in centers])
    images = np.stack([photograph(pose, focal, size) for pose in poses])
    camera = Camera("SIMPLE_PINHOLE", size, size, [focal, size / 2, size / 2])
    held_out = k % 6 == 3
    splits = {"train": np.flatnonzero(~held_out), "test": np.flatnonzero(held_out)}
    return nerf.Scene(images, (camera,), poses, np.array([[-0.75] * 3, [0.75] * 3]), splits)
