# SPDX-License-Identifier: Apache-2.0
"""Charts as inline SVG whose ink is the colour of the text around it, so that they suit light and dark pages."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._extras import require
from ..ba import Iteration

# Stand-ins that are replaced by CSS after drawing; no chart uses these colours otherwise.
_INK, _ACCENT, _MUTED = "#010203", "#040506", "#070809"
STYLE = {
    "svg.fonttype": "path",  # the same letters everywhere, no font needed
    "svg.hashsalt": "fastcv",  # the same chart, the same bytes
    "font.size": 9,
    "text.color": _INK,
    "axes.edgecolor": _INK,
    "axes.labelcolor": _INK,
    "xtick.color": _INK,
    "ytick.color": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
}


def histogram(values: NDArray[np.floating], unit: str) -> str:
    """Distribution of errors up to their 99th percentile, with the median marked. SVG text."""
    matplotlib = require("matplotlib")
    with matplotlib.rc_context(STYLE):
        figure, panel = axes(6.4, 2.6)
        limit = float(np.percentile(values, 99)) if len(values) else 1.0
        limit = limit or 1.0
        panel.hist(values, bins=60, range=(0, limit), color=_ACCENT, linewidth=0)
        median = float(np.median(values)) if len(values) else 0.0
        panel.axvline(median, color=_INK, linewidth=0.8, linestyle=(0, (4, 3)))
        panel.annotate(
            f"median {median:.2f} {unit}", (median, 0.97), (4, 0), ("data", "axes fraction"), "offset points", va="top"
        )
        panel.set_xlim(0, limit)
        panel.set_xlabel(f"reprojection error / {unit}")
        panel.set_ylabel("observations")
        panel.locator_params(axis="y", nbins=5)
        return svg(figure)


def heat_map(counts: NDArray[np.integer]) -> str:
    """Symmetric matrix of counts, logarithmic. SVG text."""
    matplotlib = require("matplotlib")
    with matplotlib.rc_context(STYLE):
        figure, panel = axes(4.2, 3.6)
        shown = np.where(counts > 0, counts, np.nan).astype(float)
        positive = counts[counts > 0]
        low, high = (int(positive.min()), int(positive.max())) if len(positive) else (1, 1)
        norm = matplotlib.colors.LogNorm(low, max(high, low + 1))
        picture = panel.imshow(shown, cmap="viridis", norm=norm, interpolation="nearest")
        ticks = np.unique(np.linspace(0, len(counts) - 1, min(len(counts), 12)).round().astype(int))
        panel.set_xticks(ticks, [str(tick + 1) for tick in ticks])
        panel.set_yticks(ticks, [str(tick + 1) for tick in ticks])
        panel.set_xlabel("photograph")
        panel.set_ylabel("photograph")
        bar = figure.colorbar(picture, ax=panel, label="verified matches")
        bar.outline.set_visible(False)
        bar.ax.minorticks_off()
        steps = np.unique(np.geomspace(low, max(high, low + 1), 5).round().astype(int))
        bar.set_ticks(steps, labels=[str(step) for step in steps])
        return svg(figure)


def depth_scale(near: float, far: float) -> str:
    """The colours of ``pictures.depth_picture`` with their depths. SVG text."""
    from .pictures import depth_picture

    matplotlib = require("matplotlib")
    with matplotlib.rc_context(STYLE):
        figure, panel = axes(6.4, 0.55)
        depths = 1 / np.linspace(1 / near, 1 / far, 256, dtype=np.float32)
        panel.imshow(depth_picture(depths[None], near, far), aspect="auto", extent=(0, 1, 0, 1))
        ticks = np.linspace(0, 1, 6)
        panel.set_xticks(ticks, [f"{1 / (1 / near + t * (1 / far - 1 / near)):.3g}" for t in ticks])
        panel.set_yticks([])
        panel.spines[:].set_visible(False)
        panel.set_xlabel("depth / scene units")
        return svg(figure)


def error_histograms(before: NDArray[np.floating], after: NDArray[np.floating], unit: str) -> str:
    """Two distributions of the same errors on one logarithmic axis, with their medians. SVG text."""
    matplotlib = require("matplotlib")
    with matplotlib.rc_context(STYLE):
        figure, panel = axes(7.2, 3.0)
        both = np.concatenate([before, after])
        positive = both[both > 0]
        low, high = np.percentile(positive, (0.5, 100)) if len(positive) else (0.1, 1.0)
        edges = np.geomspace(low, max(high, low * 10), 90)
        for errors, name, color in ((before, "before", _MUTED), (after, "after", _ACCENT)):
            median = float(np.median(errors))
            panel.hist(errors, edges, color=color, alpha=0.35, linewidth=0, label=f"{name}, median {median:.3g} {unit}")
            panel.hist(errors, edges, color=color, histtype="step", linewidth=1.2)
            panel.axvline(np.clip(median, edges[0], edges[-1]), color=color, linewidth=0.8, linestyle=(0, (4, 3)))
        panel.legend(frameon=False, loc="upper right")
        panel.set_xscale("log")
        panel.set_xlim(edges[0], edges[-1])
        _plain_log_ticks(panel.xaxis)
        panel.set_xlabel(f"reprojection error / {unit}")
        panel.set_ylabel("observations")
        panel.locator_params(axis="y", nbins=5)
        return svg(figure)


def cost_curves(iterations: Sequence[Iteration]) -> str:
    """Cost, and how far it is above the last one, against time and against iterations. SVG text.

    Circles are steps that were taken; crosses, at the cost that stayed, steps that were not.
    """
    matplotlib = require("matplotlib")
    with matplotlib.rc_context(STYLE):
        figure, panels = axes(9.0, 5.0, 2, 2, sharex="col", sharey="row")
        taken = np.array([iteration.accepted for iteration in iterations])
        costs = np.fmin.accumulate([i.cost if i.accepted else np.inf for i in iterations])
        numbers = np.array([i.iteration for i in iterations])
        seconds = np.array([i.seconds for i in iterations])
        last = max(costs[-1], 1e-15 * costs[0], np.finfo(float).tiny)  # noise-free data can end at 0
        rows = (costs, "cost / px²"), (costs / last - 1, "above the last, relative")
        for row, (values, name) in enumerate(rows):
            for panel, x in zip(panels[row], (seconds, numbers), strict=True):
                shown = values > 0
                panel.step(x[shown], values[shown], where="post", color=_ACCENT, linewidth=1.2)
                panel.plot(x[shown & taken], values[shown & taken], "o", color=_ACCENT, markersize=3.5)
                panel.plot(x[shown & ~taken], values[shown & ~taken], "x", color=_MUTED, markersize=4.5)
                panel.set_yscale("log")
                panel.grid(color=_INK, alpha=0.12, linewidth=0.6)
            panels[row][0].set_ylabel(name)
        panels[1][0].set_xlabel("time / s")
        panels[1][1].set_xlabel("iteration")
        panels[1][1].xaxis.get_major_locator().set_params(integer=True)
        return svg(figure)


def _plain_log_ticks(axis: Any) -> None:
    """Powers of ten as 0.01, 1, 100."""
    ticker = require("matplotlib.ticker")
    axis.set_major_formatter(ticker.FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(ticker.NullFormatter())


def axes(width: float, height: float, rows: int = 1, columns: int = 1, **options: Any) -> tuple[Any, Any]:
    """Figure and axes of a size in inches, without pyplot and its global list of figures."""
    figure = require("matplotlib.figure").Figure(figsize=(width, height), layout="constrained", dpi=72)
    return figure, figure.subplots(rows, columns, **options)


def svg(figure: Any, dpi: int = 72) -> str:
    """The figure as an ``<svg>`` element that scales with the page; ``dpi`` is that of what is rasterized in it."""
    buffer = io.StringIO()
    figure.savefig(
        buffer, format="svg", dpi=dpi, metadata={"Date": None, "Creator": None, "Format": None, "Type": None}
    )
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    # Inside HTML the namespaces are implied; sizes in points would keep the chart from shrinking on a phone.
    text = re.sub(r' xmlns(:xlink)?="[^"]*"| (width|height)="[\d.]+pt"', "", text).replace("xlink:href", "href")
    return text.replace(_INK, "currentColor").replace(_ACCENT, "var(--accent)").replace(_MUTED, "var(--soft)")
