# SPDX-License-Identifier: Apache-2.0
"""A reconstruction in a known frame, and its pose errors there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..geometry import Similarity, umeyama
from ..scene import Image, Reconstruction, Rig, projection_centers

Floats = NDArray[np.float64]


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
    rigs = {key: _scaled(rig, similarity.scale) for key, rig in reconstruction.rigs.items()}
    return Reconstruction(dict(reconstruction.cameras), images, points, rigs, dict(reconstruction.frames))


def _scaled(rig: Rig, scale: float) -> Rig:
    return replace(rig, sensor_from_rig={key: pose * [1, 1, 1, scale] for key, pose in rig.sensor_from_rig.items()})


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
    centers = projection_centers(truth)
    similarity = umeyama(np.array([found[name].center for name in names]).reshape(-1, 3), centers)
    poses = np.array([similarity.pose(found[name].cam_from_world) for name in names])
    aligned = projection_centers(poses)
    between = np.einsum("nij,nkj->nik", poses[:, :, :3], truth[:, :, :3])
    # |R - I| = 2 sqrt(2) sin(angle / 2): accurate near 0, where the trace has lost the digits.
    half = np.linalg.norm(between - np.eye(3), axis=(1, 2)) / np.sqrt(8)
    rotation = np.rad2deg(2 * np.arcsin(np.minimum(half, 1.0)))
    return PoseErrors(names, np.linalg.norm(aligned - centers, axis=1), rotation, similarity)
