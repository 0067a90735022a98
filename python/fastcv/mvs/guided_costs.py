# SPDX-License-Identifier: Apache-2.0
"""Costs averaged over windows that stop at the edges of an image."""

from __future__ import annotations

from typing import Any

from .._arrays import Call, dtype_name, handle
from .views import MAX_SIDE

MAX_RADIUS = 32  # kMaxGuidedRadius
TOPS = {"uint8": 255, "uint16": 65535, "float16": 1, "float32": 1}


def guided_costs(
    costs: Any, image: Any, *, radius: int = 6, epsilon: float = 1e-4, out: Any = None, num_threads: int = 0
) -> Any:
    """Average the costs of every surface over windows, pixels that look alike with one another.

    A guided filter: in each window the costs are fitted by a linear function of the image's grey value or colour, and a
    pixel gets the mean of what the fits of all windows around it say. Where the image is flat that is the mean over
    windows of windows; across an edge of the image nothing is averaged, so that depths end where objects do. For costs
    of single pixels or of small windows, which are noise otherwise.

    Parameters
    ----------
    costs : (D, H, W) float32 array
        Of ``plane_sweep``, or any other. One that is NaN or infinite takes no part, and stays NaN.
    image : (H, W) or (H, W, 3) uint8, uint16, float16 or float32 array
        The reference's image; floating-point values in [0, 1].
    radius : int, optional
        Of the window, whose side is ``2 radius + 1``, in pixels; 1 to 32. The time hardly depends on it.
    epsilon : float, optional
        Variance of the image, as values in [0, 1], above which an edge is kept; 1e-6 or more. 1e-4 is a deviation of
        2.6 grey levels of 255.
    out : (D, H, W) float32 array, optional
        Where to write the result; not the costs themselves.
    num_threads : int, optional
        Threads to use; 0 is the default of ``fastcv.set_num_threads``. The result does not depend on it.

    Returns
    -------
    (D, H, W) float32 array
        In the framework of the costs. A fit may be slightly below 0 where costs are close to it; ``winner_take_all``
        wants non-negative ones, so clip them.

    Raises
    ------
    TypeError, ValueError
        For another shape, dtype or range.

    References
    ----------
    He, Sun, Tang 2013, "Guided image filtering". Hosni et al. 2013, "Fast cost-volume filtering for visual
    correspondence and beyond".

    Examples
    --------
    >>> from fastcv import mvs
    >>> image = np.zeros((20, 40), np.uint8)
    >>> image[:, 20:] = 200
    >>> costs = np.where(image > 0, 0.2, 0.6).astype(np.float32)[None]
    >>> noisy = costs + 0.1 * np.random.default_rng(0).standard_normal(costs.shape, np.float32)
    >>> smooth = mvs.guided_costs(noisy, image, radius=4)
    >>> bool(abs(smooth - costs).max() < 0.05), bool(abs(smooth - costs)[:, :, 18:22].max() < 0.05)
    (True, True)
    """
    if not 1 <= radius <= MAX_RADIUS:
        raise ValueError(f"radius: expected 1 to {MAX_RADIUS}, got {radius}")
    if not 1e-6 <= epsilon < float("inf"):
        raise ValueError(f"epsilon: expected a finite number of 1e-6 or more, got {epsilon}")
    call = Call()
    costs = call.input("costs", costs, ("D", "H", "W"), ("float32",))
    guide = _guide(call, image)
    out = call.output("out", out, ("D", "H", "W"), "float32")
    call.backend.mvs.guided_costs(
        handle(costs), handle(guide), radius, epsilon, handle(out), call.execution(num_threads)
    )
    return call.result(out)


def _guide(call: Call, image: Any) -> Any:
    """The image as (1 or 3, H, W) float32 around 0, where differences of squares lose least."""
    color = len(image.shape) == 3
    image = call.input("image", image, ("H", "W", 3) if color else ("H", "W"), tuple(TOPS))
    if max(image.shape[:2]) > MAX_SIDE:
        raise ValueError(f"image: expected sides up to {MAX_SIDE} pixels, got {image.shape[0]} x {image.shape[1]}")
    guide = call.empty((3 if color else 1, *image.shape[:2]), "float32")
    for c in range(len(guide)):
        guide[c] = image[..., c] if color else image
    guide /= TOPS[dtype_name(image)]
    guide -= 0.5
    if not bool((abs(guide) <= 0.5).all()):
        raise ValueError("image: expected finite values, floating-point ones in [0, 1]")
    return guide
