# SPDX-License-Identifier: Apache-2.0
"""Train a radiance field on posed images."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .scene import Scene
from .train_options import DEFAULT_STEPS, Preset, TrainOptions

if TYPE_CHECKING:
    from .modules import RadianceField


@dataclass(frozen=True)
class TrainProgress:
    """Where training stands.

    Parameters
    ----------
    step : int
        How many have been done.
    seconds : float
        How long they took, over all runs; what callbacks take does not count.
    share : float
        How much of the training is done, 0 to 1.
    loss : float
        Mean squared difference of colours in the last step.
    num_rays, num_samples : int
        Of the last step.
    field : RadianceField
        What is trained: it can be rendered as it is.
    """

    step: int
    seconds: float
    share: float
    loss: float
    num_rays: int
    num_samples: int
    field: RadianceField


def train(
    scene: Scene,
    preset: Preset = "hash",
    *,
    steps: int | None = None,
    seconds: float | None = None,
    seed: int = 0,
    options: TrainOptions | None = None,
    device: str = "cpu",
    callback: Callable[[TrainProgress], Any] | None = None,
    every: int = 100,
    checkpoint: str | os.PathLike[str] | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> RadianceField:
    """Train a radiance field on the images of a scene's split ``"train"``.

    Parameters
    ----------
    scene : Scene
        See :func:`fastcv.nerf.read_scene`.
    preset : {"hash", "voxels", "nerf"}, optional
        See :class:`TrainOptions`; ignored where ``options`` are given.
    steps : int, optional
        How many. The same steps, seed and options give the same field, bit for bit, for every number of threads.
    seconds : float, optional
        How long, instead: the learning rate falls with the share of the time that has passed. By default so many steps
        as suit the preset.
    seed : int, optional
        Of all that is random.
    options : TrainOptions, optional
        Every other choice.
    device : str, optional
        Torch's name of it.
    callback : callable, optional
        Receives :class:`TrainProgress` after every ``every`` steps and after the last. What it raises stops all.
    every : int, optional
        Steps between callbacks, and between checkpoints.
    checkpoint : path-like, optional
        A file that is written after every ``every`` steps. Where it is there already, training goes on from it, with
        the result that it would have had without the interruption (of ``steps``).
    clock : callable, optional
        What ``seconds`` are counted with.

    Returns
    -------
    RadianceField

    Raises
    ------
    ValueError
        Both steps and seconds, an option beside its range, no images to train on, or a checkpoint of another training.
    FormatError
        The checkpoint is none.
    MissingDependencyError
        torch is not installed.

    Notes
    -----
    Torch itself works on one thread during a step: others of it would take the processors from fastcv's.

    Examples
    --------
    >>> from fastcv import nerf
    >>> scene = nerf.read_scene("lego_100.npz")  # doctest: +SKIP
    >>> field = nerf.train(scene, seconds=40)  # doctest: +SKIP
    >>> field.evaluate(scene).mean_psnr > 31  # doctest: +SKIP
    True
    """
    from .._extras import require

    require("torch")
    from .modules._torch_train import run

    options = TrainOptions(preset) if options is None else options
    if steps is not None and seconds is not None:
        raise ValueError("steps, seconds: expected one of them, got both")
    for name, value in (("steps", steps), ("seconds", seconds), ("every", every)):
        if value is not None and not value > 0:
            raise ValueError(f"{name}: expected a positive number, got {value}")
    if not 0 <= seed < 2**40:
        raise ValueError(f"seed: expected 0 to 2^40 - 1, got {seed}")
    if not len(scene.splits.get("train", ())):
        raise ValueError("scene: expected images of split 'train', got none")
    if steps is None and seconds is None:
        steps = DEFAULT_STEPS[options.preset]
    chosen = options.for_scene(scene)
    return run(scene, chosen, steps, seconds, seed, device, callback, every, checkpoint, clock)


def load_field(path: str | os.PathLike[str], *, device: str = "cpu") -> RadianceField:
    """Read a field that :meth:`RadianceField.save` wrote.

    Parameters
    ----------
    path : path-like
    device : str, optional
        Torch's name of where to put it.

    Returns
    -------
    RadianceField

    Raises
    ------
    FormatError
        Another file.
    MissingDependencyError
        torch is not installed.

    Examples
    --------
    >>> from fastcv import nerf
    >>> field = nerf.load_field("lego.npz")  # doctest: +SKIP
    """
    from .._extras import require

    require("torch")
    from .modules._torch_radiance import load_field

    return load_field(path, device)
