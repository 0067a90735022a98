# SPDX-License-Identifier: Apache-2.0
"""Motion from the homography of a plane: two views of it leave two answers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .. import camera as camera_room
from .. import geometry
from ..scene import Camera

Floats = NDArray[np.float64]
# Share of the points that must lie before the first camera, by the plane's normal, for an answer to count.
MIN_FRONT = 0.9


def plane_poses(
    points_a: Floats, points_b: Floats, camera_a: Camera, camera_b: Camera, threshold: float, seed: int
) -> list[Floats]:
    """Poses ``cam2_from_cam1`` with a translation of length 1 that the matched pixels of a plane allow: at most two."""
    rays_a, rays_b = camera_room.unproject(points_a, camera_a), camera_room.unproject(points_b, camera_b)
    lens = np.isfinite(rays_a).all(axis=1) & np.isfinite(rays_b).all(axis=1)
    rays_a, rays_b = rays_a[lens], rays_b[lens]
    # One focal length for both sides keeps the threshold in pixels, and cancels in the homography between rays.
    focal = camera_b.focal_length
    found = geometry.estimate_homography(focal * rays_a[:, :2], focal * rays_b[:, :2], threshold=threshold, seed=seed)
    if not found.success:
        return []
    scale = np.array([focal, focal, 1.0])
    H = found.model * scale / scale[:, None]
    rays_a, rays_b = rays_a[found.inliers], rays_b[found.inliers]
    depth = np.einsum("ni,ij,nj->n", rays_b, H, rays_a)
    answers = decompose_homography(H if np.median(depth) > 0 else -H)
    poses = []
    for rotation, translation, normal in answers:
        front = (rays_a @ normal > 0).mean()
        length = np.linalg.norm(translation)
        if front >= MIN_FRONT and length > 0:
            poses.append(np.column_stack([rotation, translation / length]))
    return poses


def decompose_homography(H: Floats) -> list[tuple[Floats, Floats, Floats]]:
    """The four (rotation R, translation t over the plane's distance, normal n) with ``H ~ R + t nᵀ`` between rays.

    ``H`` must have the sign for which ``x2ᵀ H x1`` is positive.

    References
    ----------
    Ma, Soatto, Košecká and Sastry, "An invitation to 3-D vision", 2003, section 5.3.3.
    """
    H = H / np.linalg.svd(H, compute_uv=False)[1]
    values, vectors = np.linalg.eigh(H.T @ H)
    low, high = max(1 - values[0], 0.0), max(values[2] - 1, 0.0)
    v1, v2, v3 = vectors[:, 2], vectors[:, 1], vectors[:, 0]
    if low + high < 1e-12:  # a rotation: no plane to be seen
        return []
    answers = []
    for sign in (1, -1):
        u = (np.sqrt(low) * v1 + sign * np.sqrt(high) * v3) / np.sqrt(low + high)
        normal = np.cross(v2, u)
        before = np.column_stack([v2, u, normal])
        after = np.column_stack([H @ v2, H @ u, np.cross(H @ v2, H @ u)])
        rotation = after @ before.T
        translation = (H - rotation) @ normal
        answers += [(rotation, translation, normal), (rotation, -translation, -normal)]
    return answers
