# SPDX-License-Identifier: Apache-2.0
"""Cost volumes of feature maps, for learned multi-view stereo."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from .._arrays import Call, dtype_name, handle, is_torch
from ._features import REDUCTIONS, cameras_of, prepare
from .views import View, names_of

FEATURE_DTYPES = ("float32", "float16", "bfloat16")


class FeatureVolume(NamedTuple):
    """How alike the features of all views are, per reference pixel and depth.

    Parameters
    ----------
    values : (D, H, W) or (D, H, W, G) float32 array
        0 where no source sees the point.
    num_seen : (D, H, W) uint8 array
        How many sources see the point.
    """

    values: Any
    num_seen: Any


def feature_volume(
    reference: View,
    sources: Sequence[View],
    depths: Any,
    *,
    reduce: str = "variance",
    num_groups: int | None = None,
    out: Any = None,
    num_threads: int = 0,
) -> FeatureVolume:
    """Compare the features of all views at every reference pixel and depth.

    The point at that depth on the pixel's ray is projected into every source, and the source's features are sampled
    there (bilinear, between centres of pixels; up to 1/1024 pixel beyond the outer ones counts as on them). Samples
    outside a source are never replaced: a source that does not see the point takes no part in its mean, and
    ``num_seen`` says how many did. Gradients of torch tensors flow to the
    features of all views and to the depths; cameras are constants.

    Parameters
    ----------
    reference : View
        ``image`` holds its features, (C, H, W) float32, float16 or bfloat16; ``K`` is in pixels of the feature map
        (that of the photograph times the ratio of their sizes).
    sources : sequence of View
        1 to 32 views with C channels, of any size.
    depths : (D,) or (D, H, W) array
        Depths along the reference's z axis in scene units, of planes or of every pixel, in any order. Those of planes
        are positive; a pixel whose depth is not is seen by nobody.
    reduce : {"variance", "correlation"}, optional
        ``"variance"``: of a channel over the reference and the sources that see the point, divided by their number.
        ``"correlation"``: product of the reference's and a source's channel, mean over the sources that see the point.
    num_groups : int, optional
        Both are averaged over each of G groups of neighbouring channels, for a volume (D, H, W, G); G divides C. None
        for the average over all channels, (D, H, W). With G = C, ``"variance"`` is the volume of MVSNet.
    out : (D, H, W) or (D, H, W, G) float32 array, optional
        Where to write the values. No gradients then.
    num_threads : int, optional
        Threads to use; 0 is the default of ``fastcv.set_num_threads``. Neither result nor gradients depend on it.

    Returns
    -------
    FeatureVolume
        Same framework and device as the features. Networks that want channels first get
        ``values.permute(3, 0, 1, 2)``, which torch knows as channels_last_3d and does not copy.

    Raises
    ------
    TypeError, ValueError
        For another dtype or shape; depths of planes that are not positive (those on a GPU are not looked at); no
        sources; a source without baseline; a K or R that is none; a camera or an ``out`` together with gradients.

    Notes
    -----
    Features that are not finite make the values not finite that they take part in. Arithmetic is in float32 whatever
    the features' dtype, and comes out bit for bit the same for every number of threads and instruction set.

    References
    ----------
    Yao et al. 2018, "MVSNet", eq. 2 (variance). Guo et al. 2019, "Group-wise correlation stereo network", eq. 2.

    Examples
    --------
    >>> from fastcv import mvs
    >>> wall = np.random.default_rng(0).standard_normal((8, 40, 80), np.float32)  # 8 channels
    >>> K = [[50.0, 0, 30], [0, 50.0, 20], [0, 0, 1]]
    >>> left = mvs.View(wall[:, :, :60], K, np.eye(3, 4))
    >>> right = mvs.View(wall[:, :, 10:70], K, np.c_[np.eye(3), [-1.0, 0, 0]])  # 10 pixels at f = 50: 5 units away
    >>> volume = mvs.feature_volume(left, [right], [4.0, 5.0, 6.0])
    >>> volume.values.shape, int(volume.values[:, 20, 30].argmin())
    ((3, 40, 60), 1)
    >>> mvs.feature_volume(left, [right], [4.0, 5.0, 6.0], reduce="correlation", num_groups=4).values.shape
    (3, 40, 60, 4)
    """
    if reduce not in REDUCTIONS:
        raise ValueError(f"reduce: expected {' or '.join(REDUCTIONS)}, got {reduce!r}")
    call, views, groups = Call(), [reference, *sources], 1 if num_groups is None else num_groups
    features = [
        _float32(call.input(f"{name}.image", view.image, ("C", None, None), FEATURE_DTYPES))
        for name, view in zip(names_of(len(sources)), views, strict=True)
    ]
    execution = call.execution(num_threads)
    depths = _depths(call, depths, features[0])
    if call.is_torch:
        from . import _torch

        packed = _torch.pack_cameras(views)
        if out is None:
            options = reduce, groups, num_threads
            values, num_seen = _torch.feature_volume(features[0], features[1:], packed, depths, *options)
            return FeatureVolume(values[..., 0] if num_groups is None else values, num_seen)
        cameras = _torch.unpack_cameras(packed)
    else:
        cameras = cameras_of(views)
    for name, array in zip([*names_of(len(sources)), "depths"], [*features, depths], strict=True):
        if is_torch(array) and array.requires_grad:
            raise ValueError(f"out: expected None where {name} requires a gradient, got a tensor")
    sweep = prepare(call, features, cameras, depths, reduce, groups, num_threads)
    out = call.output("out", out, sweep.size if num_groups is None else (*sweep.size, groups), "float32")
    num_seen = call.empty(sweep.size, "uint8")
    per_group = out[..., None] if num_groups is None else out
    call.backend.mvs.feature_volume(*sweep.native(), handle(per_group), handle(num_seen), execution)
    return FeatureVolume(call.result(out), call.result(num_seen))


def _float32(features: Any) -> Any:
    if dtype_name(features) == "float32":
        return features
    return features.float() if is_torch(features) else features.astype("float32")


def _depths(call: Call, depths: Any, features: Any) -> Any:
    """The depths in float32, contiguous, where the features are."""
    if call.is_torch:
        from . import _torch

        return _torch.depths_like(depths, features)
    depths = depths if hasattr(depths, "shape") else np.asarray(depths)
    copy = call.empty(depths.shape, "float32")
    copy[...] = depths
    return copy
