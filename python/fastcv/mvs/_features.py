# SPDX-License-Identifier: Apache-2.0
"""From the arguments of a sweep over features to what the kernels take: checks, packed features, projections."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .._arrays import Call, device_of, handle
from .views import MAX_SIDE, PIXEL_CENTERS, camera_of, names_of, source_from_reference

REDUCTIONS = ("variance", "correlation")

Camera = tuple[NDArray[np.float64], NDArray[np.float64]]


class FeatureSweep(NamedTuple):
    """The checked arguments of a sweep over features as the kernels take them."""

    call: Call
    size: tuple[int, ...]  # planes, height, width
    packed: list[Any]
    projections: NDArray[np.float32]
    depths: Any
    reduce: str
    channels: int
    num_groups: int

    def native(self) -> tuple[Any, ...]:
        reduce = getattr(self.call.backend.mvs.FeatureReduce, self.reduce)
        packed = [handle(features) for features in self.packed]
        return packed, self.projections, handle(self.depths), reduce, self.channels, self.num_groups


def prepare(
    call: Call,
    features: Sequence[Any],
    cameras: Sequence[Camera],
    depths: Any,
    reduce: str,
    num_groups: int,
    num_threads: int,
) -> FeatureSweep:
    """Check what the shapes of the arrays do not say yet, pack the features and project the views.

    The features, of the reference first, are contiguous float32 arrays of one call; so are the depths.
    """
    names = names_of(len(features) - 1)
    channels = features[0].shape[0]
    for name, feature in zip(names, features, strict=True):
        if 0 in feature.shape or max(feature.shape[1:]) > MAX_SIDE:
            raise ValueError(
                f"{name}.image: expected shape (C, H, W), none of them 0, sides up to {MAX_SIDE}, "
                f"got {tuple(feature.shape)}"
            )
    if num_groups < 1 or channels % num_groups:
        raise ValueError(f"num_groups: expected a divisor of the {channels} channels, got {num_groups}")
    size = _check_depths(depths, tuple(features[0].shape[1:]))
    projections = _projections(names, cameras)
    packed = [_pack(call, feature, num_groups, num_threads) for feature in features]
    planes = depths.reshape(depths.shape[0], 1, 1) if depths.ndim == 1 else depths
    return FeatureSweep(call, size, packed, projections, planes, reduce, channels, num_groups)


def _check_depths(depths: Any, size: tuple[int, ...]) -> tuple[int, ...]:
    """Planes, height and width of the volume."""
    shape = tuple(depths.shape)
    if 0 in shape or (len(shape) != 1 and (len(shape) != 3 or shape[1:] != size)):
        raise ValueError(f"depths: expected shape (D,) or (D, {size[0]}, {size[1]}) with D > 0, got {shape}")
    # Values on a GPU are not waited for: no source sees what has no depth.
    if depths.ndim == 1 and device_of(depths) == "cpu":
        d = np.asarray(depths)
        if not (np.isfinite(d).all() and (d > 0).all()):
            raise ValueError(f"depths: expected positive values, got {d}")
    return shape[0], *size


def _projections(names: list[str], cameras: Sequence[Camera]) -> NDArray[np.float32]:
    """Per source the rotation and translation of ``FeatureSource``, (S, 12), checked for a baseline."""
    centered = [(PIXEL_CENTERS @ K, pose) for K, pose in cameras]
    rows = []
    for k in range(1, len(cameras)):
        # The projection centres coincide where the reference's falls on the source's.
        R1, t1, R2, t2 = (part for _, pose in (cameras[0], cameras[k]) for part in (pose[:, :3], pose[:, 3]))
        baseline = np.linalg.norm(t2 - R2 @ (R1.T @ t1))
        if baseline <= 1e-9 * (np.linalg.norm(t1) + np.linalg.norm(t2)):
            raise ValueError(f"{names[k]}: expected a baseline to the reference, got {baseline:.3g} scene units")
        A, b = source_from_reference(centered[0], centered[k])
        rows.append(np.concatenate([A.ravel(), b]))
    return np.array(rows, np.float32)


def _pack(call: Call, features: Any, num_groups: int, num_threads: int) -> Any:
    channels, height, width = features.shape
    native = call.backend.mvs
    packed = call.empty((height + 1, width + 1, native.packed_channels(channels, num_groups)), "float32")
    native.pack_features(handle(features), num_groups, handle(packed), call.execution(num_threads))
    return packed


def cameras_of(cameras: Sequence[Any]) -> list[Camera]:
    """K and cam_from_world of views, anything with these two, the reference first, checked."""
    return [camera_of(name, camera) for name, camera in zip(names_of(len(cameras) - 1), cameras, strict=True)]
