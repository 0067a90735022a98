# SPDX-License-Identifier: Apache-2.0
"""Similarity between a reconstruction and a reference, and the pose errors that remain after it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._arrays import check
from ..scene import Image, Reconstruction

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Similarity:
    """``x -> scale * rotation @ x + translation``.

    Parameters
    ----------
    scale : float
    rotation : (3, 3) float64 array
    translation : (3,) float64 array
    """

    scale: float
    rotation: Floats
    translation: Floats

    def points(self, points: Floats) -> Floats:
        """Transformed points, (N, 3)."""
        return self.scale * points @ self.rotation.T + self.translation

    def pose(self, cam_from_world: Floats) -> Floats:
        """The pose of the same camera in the transformed world, (3, 4), at the transformed world's scale."""
        rotation = cam_from_world[:, :3] @ self.rotation.T
        translation = self.scale * cam_from_world[:, 3] - rotation @ self.translation
        return np.column_stack([rotation, translation])


@dataclass(frozen=True)
class PoseErrors:
    """Differences from a reference after the best similarity.

    Parameters
    ----------
    names : tuple of str
        Images that both have, sorted.
    center : (I,) float64 array
        Distance of the projection centres, in the reference's units.
    rotation : (I,) float64 array
        Angle of the rotation between the orientations, in degrees.
    similarity : Similarity
        From the reconstruction's world to the reference's.
    """

    names: tuple[str, ...]
    center: Floats
    rotation: Floats
    similarity: Similarity


def umeyama(source: Any, target: Any) -> Similarity:
    """The similarity that brings points closest to their partners, in least squares.

    Parameters
    ----------
    source, target : (N, 3) float64 array
        At least three points that are not on one line.

    Returns
    -------
    Similarity
        From ``source`` to ``target``.

    References
    ----------
    Umeyama, "Least-squares estimation of transformation parameters between two point patterns", PAMI 1991, eq. 38–43.

    Examples
    --------
    >>> import numpy as np
    >>> from fastcv import sfm
    >>> triangle = np.array([[0.0, 0, 0], [1, 0, 0], [0, 2, 0]])
    >>> round(float(sfm.umeyama(triangle, 3 * triangle + 1).scale), 9)
    3.0
    """
    source, target = np.asarray(source, np.float64), np.asarray(target, np.float64)
    dims: dict[str, int] = {}
    check("source", source, ("N", 3), dims=dims)
    check("target", target, ("N", 3), dims=dims)
    if len(source) < 3:
        raise ValueError(f"source: expected at least three points, got {len(source)}")
    a, b = source - source.mean(axis=0), target - target.mean(axis=0)
    spread = np.linalg.svd(a, compute_uv=False)
    if spread[1] <= 1e-9 * max(spread[0], np.finfo(float).tiny):
        raise ValueError("source: expected points that are not on one line, got collinear ones")
    u, d, vt = np.linalg.svd(b.T @ a)
    # A reflection would fit mirrored points better; a rotation is wanted.
    sign = np.array([1.0, 1.0, np.sign(np.linalg.det(u @ vt))])
    rotation = (u * sign) @ vt
    scale = float((d * sign).sum() / (a**2).sum())
    return Similarity(scale, rotation, target.mean(axis=0) - scale * rotation @ source.mean(axis=0))


def align(reconstruction: Reconstruction, reference_centers: Mapping[str, Any]) -> Reconstruction:
    """The reconstruction in the frame and units of known projection centres.

    Parameters
    ----------
    reconstruction : Reconstruction
        Is not changed.
    reference_centers : mapping of str to (3,) array
        By image name; at least three of the reconstruction's images, not on one line.

    Returns
    -------
    Reconstruction
    """
    known = [image for _, image in sorted(reconstruction.images.items()) if image.name in reference_centers]
    similarity = umeyama(
        np.array([image.center for image in known]).reshape(-1, 3),
        np.array([reference_centers[image.name] for image in known], np.float64).reshape(-1, 3),
    )
    images = {
        key: replace(image, cam_from_world=similarity.pose(image.cam_from_world))
        for key, image in reconstruction.images.items()
    }
    points = replace(reconstruction.points3D, xyz=similarity.points(reconstruction.points3D.xyz))
    return Reconstruction(dict(reconstruction.cameras), images, points)


def compare_poses(reconstruction: Reconstruction, reference: Mapping[str, Any]) -> PoseErrors:
    """Pose errors against a reference, after the similarity that brings the projection centres together.

    Parameters
    ----------
    reconstruction : Reconstruction
    reference : mapping of str to (3, 4) array
        True ``cam_from_world`` by image name.

    Returns
    -------
    PoseErrors

    Examples
    --------
    >>> import numpy as np
    >>> from fastcv import sfm
    >>> from fastcv.scene import Image, Reconstruction
    >>> poses = {name: np.column_stack([np.eye(3), t]) for name, t in zip("abc", 10 * np.eye(3))}
    >>> scene = Reconstruction({}, {i: Image(n, 1, np.column_stack([p[:, :3], p[:, 3] / 5])) for i, (n, p) in
    ...     enumerate(poses.items(), 1)})
    >>> bool(sfm.compare_poses(scene, poses).center.max() < 1e-12)
    True
    """
    found: dict[str, Image] = {image.name: image for image in reconstruction.images.values()}
    names = tuple(sorted(set(found) & set(reference)))
    truth = np.array([reference[name] for name in names], np.float64).reshape(-1, 3, 4)
    centers = -np.einsum("nji,nj->ni", truth[:, :, :3], truth[:, :, 3])
    similarity = umeyama(np.array([found[name].center for name in names]).reshape(-1, 3), centers)
    poses = np.array([similarity.pose(found[name].cam_from_world) for name in names])
    aligned = -np.einsum("nji,nj->ni", poses[:, :, :3], poses[:, :, 3])
    between = np.einsum("nij,nkj->nik", poses[:, :, :3], truth[:, :, :3])
    # |R - I| = 2 sqrt(2) sin(angle / 2): accurate near 0, where the trace has lost the digits.
    half = np.linalg.norm(between - np.eye(3), axis=(1, 2)) / np.sqrt(8)
    rotation = np.rad2deg(2 * np.arcsin(np.minimum(half, 1.0)))
    return PoseErrors(names, np.linalg.norm(aligned - centers, axis=1), rotation, similarity)
