# SPDX-License-Identifier: Apache-2.0
"""Charts as inline SVG whose ink is the colour of the text around it, so that they suit light and dark pages."""

from __future__ import annotations

import io
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .._extras import require

# Stand-ins that are replaced by CSS after drawing; no chart uses these colours otherwise.
_INK, _ACCENT = "#010203", "#040506"
_STYLE = {
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
    with matplotlib.rc_context(_STYLE):
        figure, axes = _axes(6.4, 2.6)
        limit = float(np.percentile(values, 99)) if len(values) else 1.0
        limit = limit or 1.0
        axes.hist(values, bins=60, range=(0, limit), color=_ACCENT, linewidth=0)
        median = float(np.median(values)) if len(values) else 0.0
        axes.axvline(median, color=_INK, linewidth=0.8, linestyle=(0, (4, 3)))
        axes.annotate(
            f"median {median:.2f} {unit}", (median, 0.97), (4, 0), ("data", "axes fraction"), "offset points", va="top"
        )
        axes.set_xlim(0, limit)
        axes.set_xlabel(f"reprojection error / {unit}")
        axes.set_ylabel("observations")
        axes.locator_params(axis="y", nbins=5)
        return _svg(figure)


def heat_map(counts: NDArray[np.integer]) -> str:
    """Symmetric matrix of counts, logarithmic. SVG text."""
    matplotlib = require("matplotlib")
    with matplotlib.rc_context(_STYLE):
        figure, axes = _axes(4.2, 3.6)
        shown = np.where(counts > 0, counts, np.nan).astype(float)
        positive = counts[counts > 0]
        low, high = (int(positive.min()), int(positive.max())) if len(positive) else (1, 1)
        norm = matplotlib.colors.LogNorm(low, max(high, low + 1))
        picture = axes.imshow(shown, cmap="viridis", norm=norm, interpolation="nearest")
        ticks = np.unique(np.linspace(0, len(counts) - 1, min(len(counts), 12)).round().astype(int))
        axes.set_xticks(ticks, [str(tick + 1) for tick in ticks])
        axes.set_yticks(ticks, [str(tick + 1) for tick in ticks])
        axes.set_xlabel("photograph")
        axes.set_ylabel("photograph")
        bar = figure.colorbar(picture, ax=axes, label="verified matches")
        bar.outline.set_visible(False)
        bar.ax.minorticks_off()
        steps = np.unique(np.geomspace(low, max(high, low + 1), 5).round().astype(int))
        bar.set_ticks(steps, labels=[str(step) for step in steps])
        return _svg(figure)


def depth_scale(near: float, far: float) -> str:
    """The colours of ``pictures.depth_picture`` with their depths. SVG text."""
    from .pictures import depth_picture

    matplotlib = require("matplotlib")
    with matplotlib.rc_context(_STYLE):
        figure, axes = _axes(6.4, 0.55)
        depths = 1 / np.linspace(1 / near, 1 / far, 256, dtype=np.float32)
        axes.imshow(depth_picture(depths[None], near, far), aspect="auto", extent=(0, 1, 0, 1))
        ticks = np.linspace(0, 1, 6)
        axes.set_xticks(ticks, [f"{1 / (1 / near + t * (1 / far - 1 / near)):.3g}" for t in ticks])
        axes.set_yticks([])
        axes.spines[:].set_visible(False)
        axes.set_xlabel("depth / scene units")
        return _svg(figure)


def three_views(xyz: NDArray[np.floating], rgb: NDArray[np.uint8], centers: NDArray[np.floating]) -> str:
    """Points and camera centres seen along the three axes of the given frame: what there is without viser. SVG text."""
    matplotlib = require("matplotlib")
    with matplotlib.rc_context(_STYLE):
        figure, axes = _axes(9.0, 3.2, 3)
        low, high = np.percentile(np.concatenate([xyz, centers]), (1, 99), axis=0) if len(xyz) else (-1, 1)
        for panel, (i, j, name) in zip(axes, ((0, 2, "from above"), (0, 1, "front"), (2, 1, "side")), strict=True):
            panel.scatter(xyz[:, i], xyz[:, j], s=0.4, c=rgb / 255, linewidths=0, rasterized=True)
            panel.plot(centers[:, i], centers[:, j], "o", color=_INK, markersize=2.5)
            margin = 0.1 * (np.asarray(high) - low)
            panel.set_xlim(np.broadcast_to(low - margin, 3)[i], np.broadcast_to(high + margin, 3)[i])
            panel.set_ylim(np.broadcast_to(low - margin, 3)[j], np.broadcast_to(high + margin, 3)[j])
            panel.set_aspect("equal")
            panel.set_title(name, fontsize=9)
            if j == 1:
                panel.invert_yaxis()  # y points down
        return _svg(figure)


def _axes(width: float, height: float, columns: int = 1) -> tuple[Any, Any]:
    """Figure and axes of a size in inches, without pyplot and its global list of figures."""
    figure = require("matplotlib.figure").Figure(figsize=(width, height), layout="constrained", dpi=72)
    return figure, figure.subplots(1, columns)


def _svg(figure: Any) -> str:
    """The figure as an ``<svg>`` element that scales with the page."""
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", dpi=72, metadata={"Date": None, "Creator": None, "Format": None, "Type": None})
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    # Inside HTML the namespaces are implied; sizes in points would keep the chart from shrinking on a phone.
    text = re.sub(r' xmlns(:xlink)?="[^"]*"| (width|height)="[\d.]+pt"', "", text).replace("xlink:href", "href")
    return text.replace(_INK, "currentColor").replace(_ACCENT, "var(--accent)")
