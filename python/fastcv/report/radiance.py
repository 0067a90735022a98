# SPDX-License-Identifier: Apache-2.0
"""The report of a radiance field."""

from __future__ import annotations

import html
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .._extras import require
from . import page, pictures, plots
from .contents import Head, Picture

MAX_VIEWS = 24  # shown as pictures; the table names all
_WIDTH, _TURN_WIDTH = 320, 320


@dataclass(frozen=True)
class RadianceView:
    """A view that was held out.

    Parameters
    ----------
    name : str
    psnr : float
        In dB.
    ssim : float or None
    truth, rendered : callable
        Return the photograph and the picture of the field.
    depth : callable
        Returns the field's depth map, (H, W) float32 with 0 for none.
    """

    name: str
    psnr: float
    ssim: float | None
    truth: Callable[[], Picture]
    rendered: Callable[[], Picture]
    depth: Callable[[], NDArray[np.float32]]


@dataclass(frozen=True, kw_only=True)
class Radiance(Head):
    """Everything that the report of a radiance field shows.

    Parameters
    ----------
    curve : sequence of dict
        Along the training: ``seconds``, ``loss`` and, where something is held out, ``psnr``.
    views : sequence of RadianceView
    turntable : sequence of (H, W, 3) uint8 array
    seconds : dict of str to float
        Time of each stage.
    """

    curve: Sequence[Mapping[str, float]]
    views: Sequence[RadianceView]
    turntable: Sequence[Picture]
    seconds: Mapping[str, float]


def write_radiance(contents: Radiance, path: str | os.PathLike[str]) -> None:
    """Write a report.

    Parameters
    ----------
    contents : Radiance
    path : path-like
        The HTML file; written whole or not at all.

    Raises
    ------
    MissingDependencyError
        Pillow, OpenCV or Matplotlib is not installed.
    """
    turns = [
        page.img(pictures.thumbnail(picture, _TURN_WIDTH), f"New view {number}")
        for number, picture in enumerate(contents.turntable, 1)
    ]
    sections = [
        ("New views beside the truth", _pictures(contents.views)),
        ("From all around", page.grid([f"<figure>{turn}</figure>" for turn in turns]) if turns else ""),
        ("How it learnt", _curve(contents.curve)),
        ("Every held-out view", _table(contents.views)),
        ("Time", page.times(contents.seconds)),
        ("Details", page.facts(contents.facts)),
        ("Files", page.files(contents.files)),
    ]
    page.write_page(path, contents, sections)


def _pictures(views: Sequence[RadianceView]) -> str:
    if not views:
        return ""
    shown = views[:MAX_VIEWS]
    near, far = pictures.depth_limits(view.depth() for view in shown)
    text = "The photograph, which was not trained on, the field's picture and its depth; one colour scale in all."
    figures = [_figure(view, near, far) for view in shown]
    return "\n".join([page.note(text + page.shown(len(shown), len(views))), page.grid(figures, wide=True)])


def _figure(view: RadianceView, near: float, far: float) -> str:
    depth = pictures.depth_picture(view.depth(), near, far)
    trio = ("Photograph", view.truth()), ("Picture", view.rendered()), ("Depth", depth)
    images = "".join(
        page.img(pictures.thumbnail(picture, _WIDTH), f"{label} of {view.name}") for label, picture in trio
    )
    ssim = "" if view.ssim is None else f", SSIM {view.ssim:.4f}"
    caption = html.escape(f"{view.name}: {view.psnr:.2f} dB{ssim}")
    return f'<figure><div class="pair three">{images}</div><figcaption>{caption}</figcaption></figure>'


def _curve(curve: Sequence[Mapping[str, float]]) -> str:
    """PSNR against the time of training."""
    points = [(point["seconds"], point["psnr"]) for point in curve if "psnr" in point]
    name = "PSNR of held-out views / dB"
    if not points:
        points = [(point["seconds"], -10 * np.log10(point["loss"])) for point in curve]
        name = "PSNR of the last step / dB"
    with require("matplotlib").rc_context(plots.STYLE):
        figure, panel = plots.axes(6.4, 2.8)
        panel.plot(*zip(*points, strict=True), marker="o", markersize=3)
        panel.set_xlabel("seconds of training")
        panel.set_ylabel(name)
        return page.chart(plots.svg(figure), f"{name} against seconds", "")


def _table(views: Sequence[RadianceView]) -> str:
    if not views:
        return ""
    rows = [(view.name, f"{view.psnr:.2f} dB", "" if view.ssim is None else f"{view.ssim:.4f}") for view in views]
    return f'<div class="photos">{page.table(("view", "PSNR", "SSIM"), rows)}</div>'
