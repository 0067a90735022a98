# SPDX-License-Identifier: Apache-2.0
"""How close a picture is to the truth: PSNR and SSIM."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

# Wang et al. 2004, section III-C: a Gaussian of 1.5 pixels in a window of 11 by 11, and the constants.
_SIGMA, _RADIUS, _K1, _K2 = 1.5, 5, 0.01, 0.03


def psnr(image: Any, truth: Any) -> float:
    """Peak signal-to-noise ratio in dB: ``-10 log10`` of the mean squared difference.

    Parameters
    ----------
    image, truth : (H, W) or (H, W, C) array
        Floats in [0, 1], or uint8.

    Returns
    -------
    float
        Infinite where the two are the same.

    Raises
    ------
    TypeError, ValueError
        For another dtype; other shapes, or no pixels.

    Examples
    --------
    >>> from fastcv import nerf
    >>> round(nerf.psnr(np.full((4, 4), 0.6), np.full((4, 4), 0.5)), 6)
    20.0
    """
    a, b = _pair(image, truth)
    error = float(np.mean((a - b) ** 2))
    return float("inf") if error == 0 else -10 * float(np.log10(error))


def ssim(image: Any, truth: Any) -> float:
    """Structural similarity, of means, variances and covariances under a Gaussian window; the mean over channels.

    Only windows that lie within the picture count. It is scikit-image's ``structural_similarity`` with
    ``gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=1``.

    Parameters
    ----------
    image, truth : (H, W) or (H, W, C) array
        Floats in [0, 1], or uint8; at least 11 by 11 pixels.

    Returns
    -------
    float
        1 where the two are the same.

    Raises
    ------
    TypeError, ValueError
        For another dtype; other shapes, or too few pixels.

    References
    ----------
    Wang et al. 2004, "Image quality assessment: from error visibility to structural similarity".

    Examples
    --------
    >>> from fastcv import nerf
    >>> picture = np.random.default_rng(0).random((20, 30, 3))
    >>> round(nerf.ssim(picture, picture), 6), round(nerf.ssim(picture, 1 - picture), 6)
    (1.0, -0.966722)
    """
    a, b = _pair(image, truth)
    if min(a.shape[:2]) <= 2 * _RADIUS:
        raise ValueError(f"image: expected {2 * _RADIUS + 1} pixels a side or more, got shape {a.shape}")
    mean_a, mean_b = _smooth(a), _smooth(b)
    var_a, var_b = _smooth(a * a) - mean_a**2, _smooth(b * b) - mean_b**2
    covariance = _smooth(a * b) - mean_a * mean_b
    c1, c2 = _K1**2, _K2**2
    similarity = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
    return float(np.mean(similarity / ((mean_a**2 + mean_b**2 + c1) * (var_a + var_b + c2))))


def _pair(image: Any, truth: Any) -> tuple[NDArray, NDArray]:
    pair = []
    for name, given in (("image", image), ("truth", truth)):
        array = np.asarray(given)
        if array.dtype != np.uint8 and not np.issubdtype(array.dtype, np.floating):
            raise TypeError(f"{name}: expected dtype uint8 or a float, got {array.dtype}")
        if array.ndim not in (2, 3) or array.size == 0:
            raise ValueError(f"{name}: expected shape (H, W) or (H, W, C) with pixels, got {array.shape}")
        pair.append(array / 255.0 if array.dtype == np.uint8 else array.astype(np.float64))
    if pair[0].shape != pair[1].shape:
        raise ValueError(f"truth: expected shape {pair[0].shape}, got {pair[1].shape}")
    return pair[0], pair[1]


def _smooth(x: NDArray) -> NDArray:
    """The Gaussian window over rows and columns, where it fits."""
    weights = np.exp(-0.5 * (np.arange(-_RADIUS, _RADIUS + 1) / _SIGMA) ** 2)
    weights /= weights.sum()
    for axis in (0, 1):
        size = x.shape[axis] - 2 * _RADIUS
        x = sum(w * x.take(range(k, k + size), axis) for k, w in enumerate(weights))
    return x
