# SPDX-License-Identifier: Apache-2.0
"""Volume rendering: colours, depths and opacities of rays from samples along them, and the gradients."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .._arrays import Call, handle
from ._rays import Rays, cut_short


class Rendered(NamedTuple):
    """What :func:`render` sees along R rays.

    Parameters
    ----------
    color : (R, C) array
        Colours of the samples by weight, and the background behind them.
    depth : (R,) array
        The mean distance at which light is stopped, ``Σ w m / Σ w`` with m the middle of a sample; 0 where none is.
    opacity : (R,) array
        How much of the light is stopped, 0 to 1.
    weights : (S,) or (R, N) array
        What each sample stops of the light that enters the ray.
    """

    color: Any
    depth: Any
    opacity: Any
    weights: Any


class RenderGradients(NamedTuple):
    """Gradients by what :func:`render` was given, each shaped as that."""

    densities: Any
    colors: Any
    starts: Any
    ends: Any
    background: Any


def render(
    densities: Any,
    colors: Any,
    starts: Any,
    ends: Any,
    offsets: Any = None,
    *,
    background: Any = None,
    early_stop: float = 0.0,
    out: Rendered | None = None,
    num_threads: int = 0,
) -> Rendered:
    """Colour, depth and opacity of rays, from densities and colours of samples along them.

    A sample of density σ and length δ stops ``α = 1 - exp(-σ δ)`` of the light that reaches it, so its weight is
    ``w_i = α_i exp(-Σ_{j<i} σ_j δ_j)``, and the ray's colour ``Σ w_i c_i + (1 - Σ w_i) background``.

    Parameters
    ----------
    densities : (S,) or (R, N) float32 or float64 array
        By scene unit. A negative one counts as 0 and has no gradient; an infinite one is opaque.
    colors : (S, C) or (R, N, C) array
        Any number of channels: features too.
    starts, ends : (S,) or (R, N) array
        Distances along the ray where samples begin and end, near to far. A sample that does not end behind its start
        stops nothing.
    offsets : (R + 1,) int64 array, optional
        Ray r owns samples ``offsets[r]`` to ``offsets[r + 1]``; it begins with 0. Samples from ``offsets[R]`` on belong
        to no ray: their weights and gradients are 0. None: arrays are (R, N).
    background : (C,) or (R, C) array, optional
        Behind all rays or behind each, see :func:`random_background`; black where it is None.
    early_stop : float, optional
        Samples that less of the light reaches get weight 0 and no gradient; what is left of it reaches the background.
        Nothing is left out at 0; 1e-4 is common.
    out : Rendered, optional
        Where to write. No gradients then.
    num_threads : int, optional
        Threads to use; 0 is the default of ``fastcv.set_num_threads``. No result depends on it.

    Returns
    -------
    Rendered
        In the inputs' dtype. A ray without samples has the background's colour, depth 0 and opacity 0.

    Raises
    ------
    TypeError, ValueError
        For another dtype or shape, an ``early_stop`` outside [0, 1), or offsets that do not rise from 0 to at most S
        (on a GPU, where looking would mean waiting, they are clipped to what makes sense).

    Notes
    -----
    A sample of weight 0 adds nothing whatever its colour, so padding may hold anything. A NaN density makes its ray's
    results NaN; no other ray is touched. torch tensors get gradients by densities, colours, starts, ends and the
    background, and second ones by torch's own operations.

    References
    ----------
    Max 1995, "Optical models for direct volume rendering"; Mildenhall et al. 2020, "NeRF", eq. 3.
    docs/volume_rendering.md has the gradients.

    Examples
    --------
    >>> from fastcv import nerf
    >>> edges = np.array([[0.0, 1, 2, 3]])
    >>> result = nerf.render(np.array([[0.0, np.inf, 1]]), np.eye(3)[None], edges[:, :-1], edges[:, 1:])
    >>> result.color, result.depth
    (array([[0., 1., 0.]]), array([1.5]))
    """
    call = Call()
    rays = Rays(call, {"densities": densities, "starts": starts, "ends": ends}, offsets)
    colors = rays.colors(colors)
    background = rays.background(background)
    early_stop, execution = cut_short(early_stop), call.execution(num_threads)
    arrays = (*rays.flat, rays.offsets, colors, background)
    if call.is_torch and out is None:
        from . import _torch_render

        color, depth, opacity, weights = _torch_render.render(*arrays, early_stop, num_threads)
        return Rendered(color, depth, opacity, rays.shaped(weights))
    if call.is_torch and any(array is not None and array.requires_grad for array in arrays):
        raise ValueError("out: expected None where a gradient is required, got tensors")
    given = out or Rendered(None, None, None, None)
    results = Rendered(
        call.output("out.color", given.color, ("R", "C"), rays.dtype),
        call.output("out.depth", given.depth, ("R",), rays.dtype),
        call.output("out.opacity", given.opacity, ("R",), rays.dtype),
        call.output("out.weights", given.weights, rays.shape, rays.dtype),
    )
    flat = [*results[:3], results.weights.reshape(-1)]
    call.backend.nerf.render(
        *(handle(array) for array in arrays), early_stop, *(handle(array) for array in flat), execution
    )
    return Rendered(*(call.result(array) for array in results))


def render_weights(
    densities: Any, starts: Any, ends: Any, offsets: Any = None, *, early_stop: float = 0.0, num_threads: int = 0
) -> Any:
    """Weights of samples along rays, as :func:`render` finds them.

    Parameters
    ----------
    densities, starts, ends, offsets, early_stop, num_threads
        As for :func:`render`.

    Returns
    -------
    (S,) or (R, N) array
        What each sample stops of the light that enters the ray; torch tensors get gradients.

    Raises
    ------
    TypeError, ValueError
        As for :func:`render`.

    Examples
    --------
    >>> from fastcv import nerf
    >>> nerf.render_weights(np.log([2.0, 2, 2]), np.arange(3.0), np.arange(1.0, 4), np.array([0, 3]))
    array([0.5  , 0.25 , 0.125])
    """
    call = Call()
    rays = Rays(call, {"densities": densities, "starts": starts, "ends": ends}, offsets)
    early_stop, execution = cut_short(early_stop), call.execution(num_threads)
    if call.is_torch:
        from . import _torch_render

        *_, weights = _torch_render.render(*rays.flat, rays.offsets, None, None, early_stop, num_threads)
        return rays.shaped(weights)
    depth, opacity, weights = (call.empty(shape, rays.dtype) for shape in (("R",), ("R",), rays.shape))
    arrays = [handle(array) for array in (*rays.flat, rays.offsets)]
    call.backend.nerf.render(
        *arrays, None, None, early_stop, None, handle(depth), handle(opacity), handle(weights.reshape(-1)), execution
    )
    return call.result(weights)


def render_vjp(
    densities: Any,
    colors: Any,
    starts: Any,
    ends: Any,
    offsets: Any,
    rendered: Rendered,
    grads: Rendered,
    *,
    background: Any = None,
    early_stop: float = 0.0,
    out: RenderGradients | None = None,
    num_threads: int = 0,
) -> RenderGradients:
    """Gradients of a number whose gradients by what :func:`render` returned are known.

    For arrays whose framework does not differentiate; torch tensors get theirs by ``backward()``.

    Parameters
    ----------
    densities, colors, starts, ends, offsets, background, early_stop, num_threads
        As for :func:`render`.
    rendered : Rendered
        What it returned.
    grads : Rendered
        Gradients by its fields, shaped as they are; None: 0.
    out : RenderGradients, optional
        Where to write those by densities, colours, starts and ends; None among them is allocated.

    Returns
    -------
    RenderGradients
        That by a missing background is None.

    Raises
    ------
    TypeError, ValueError
        As for :func:`render`.

    Examples
    --------
    >>> from fastcv import nerf
    >>> samples = np.full(2, 0.5), np.ones((2, 1)), np.array([0.0, 1]), np.array([1.0, 2]), np.array([0, 2])
    >>> rendered = nerf.render(*samples)
    >>> grads = nerf.Rendered(np.ones((1, 1)), None, None, None)
    >>> nerf.render_vjp(*samples, rendered, grads).densities
    array([0.367879, 0.367879])
    """
    call = Call()
    rays = Rays(call, {"densities": densities, "starts": starts, "ends": ends}, offsets)
    shape, dtype, colors = rays.shape, rays.dtype, rays.colors(colors)
    behind = rays.background(background)
    shapes = (("R", "C"), ("R",), ("R",), shape)
    kept = [
        call.input(f"rendered.{name}", getattr(rendered, name), s, (dtype,))
        for name, s in zip(("depth", "opacity", "weights"), shapes[1:], strict=True)
    ]
    known = [
        None if (array := getattr(grads, name)) is None else call.input(f"grads.{name}", array, s, (dtype,))
        for name, s in zip(Rendered._fields, shapes, strict=True)
    ]
    given = out or RenderGradients(None, None, None, None, None)
    results = [
        call.output(f"out.{name}", getattr(given, name), (*shape, "C") if name == "colors" else shape, dtype)
        for name in ("densities", "starts", "ends", "colors")
    ]
    by_background = None if behind is None else call.output("out.background", given.background, ("R", "C"), dtype)
    by_densities, by_starts, by_ends, by_colors = results
    flat = [array.reshape(-1) for array in results[:3]] + [by_colors.reshape(rays.size, colors.shape[1]), by_background]
    kept[2] = kept[2].reshape(-1)
    known[3] = None if known[3] is None else known[3].reshape(-1)
    call.backend.nerf.render_vjp(
        *(handle(array) for array in (*rays.flat, rays.offsets, colors, behind)),
        cut_short(early_stop),
        *(handle(array) for array in (*kept, *known, *flat)),
        call.execution(num_threads),
    )
    if by_background is not None and len(np.shape(background)) == 1:
        by_background = by_background.sum(0)
    densities, colors, starts, ends = (call.result(array) for array in (by_densities, by_colors, by_starts, by_ends))
    return RenderGradients(densities, colors, starts, ends, call.result(by_background))
