# SPDX-License-Identifier: Apache-2.0
"""The report of a bundle adjustment."""

from __future__ import annotations

import os
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..ba import Iteration
from ..scene import Image, Reconstruction
from . import page, plots, scene3d, views
from .contents import Adjustment, Cloud


def write_adjustment(contents: Adjustment, path: str | os.PathLike[str]) -> None:
    """Write a report.

    Parameters
    ----------
    contents : Adjustment
    path : path-like
        The HTML file; written whole or not at all.

    Raises
    ------
    MissingDependencyError
        Matplotlib is not installed. Without viser the scene does not turn.
    """
    frame = views.upright_frame(contents.after.cam_from_world, contents.after.xyz)
    rgb = views.height_colors(contents.after.xyz @ frame[2]) if contents.rgb is None else contents.rgb
    sections = [
        ("Before and after", _pictures(contents, rgb)),
        ("Cost", _cost(contents)),
        ("Reprojection errors", _errors(contents)),
        ("Iterations", _iterations(contents.iterations)),
        ("The scene", _scene(contents, rgb)),
        ("Details", page.facts(contents.facts)),
        ("Files", page.files(contents.files)),
    ]
    page.write_page(path, contents, sections)


def _pictures(contents: Adjustment, rgb: NDArray[np.uint8]) -> str:
    label = "The points and the cameras before and after, from above and from the side"
    colors = "coloured by height" if contents.rgb is None else "in their colours"
    return page.note(
        f"Points {colors}, cameras orange. Up is what the cameras agree on; the limits are the same before and "
        "after and leave out points that lie far off."
    ) + page.chart(views.above_and_side([contents.before, contents.after], rgb), label, "wide")


def _cost(contents: Adjustment) -> str:
    first, last = contents.iterations[0].cost, min(i.cost for i in contents.iterations if i.accepted)
    label = f"Cost against time and against iterations, from {first:.6g} to {last:.6g} px²"
    text = "Half the sum of the squared errors after the loss. Circles: steps taken. Crosses: steps that were not, for "
    return page.note(text + "they would have raised it.") + page.chart(
        plots.cost_curves(contents.iterations), label, "wide"
    )


def _errors(contents: Adjustment) -> str:
    before, after = contents.before.errors, contents.after.errors
    names = ("root mean square", "mean", "median", "95 % are below", "largest")
    rows = zip(names, _statistics(before), _statistics(after), strict=True)
    label = f"Histogram of {len(after)} reprojection errors before and after"
    return (
        page.note(f"Distance between {len(after)} observations and the projections of their points.")
        + page.chart(plots.error_histograms(before, after, "px"), label, "")
        + page.table(("px", "before", "after"), rows)
    )


def _statistics(errors: NDArray[np.floating]) -> list[str]:
    values = (np.sqrt(np.mean(errors**2)), errors.mean(), np.median(errors), np.percentile(errors, 95), errors.max())
    return [f"{value:.4g}" for value in values]


def _iterations(iterations: Sequence[Iteration]) -> str:
    head = ("", "cost / px²", "change", "gradient", "step", "radius", "linear iterations", "s", "")
    rows, cost = [], iterations[0].cost
    for i in iterations:
        rows.append(
            (
                str(i.iteration),
                f"{i.cost:.9g}",
                f"{i.cost - cost:+.2e}" if i.iteration else "",
                f"{i.gradient_max:.2e}",
                f"{i.step_norm:.2e}",
                f"{i.trust_region_radius:.2e}",
                str(i.linear_iterations),
                f"{i.seconds:.3f}",
                "" if i.accepted else "not taken",
            )
        )
        cost = i.cost if i.accepted else cost
    return page.table(head, rows)


def _scene(contents: Adjustment, rgb: NDArray[np.uint8]) -> str:
    model = Reconstruction(
        dict(enumerate(contents.cameras)),
        {row: Image(str(row), row, pose) for row, pose in enumerate(contents.after.cam_from_world)},
    )
    return scene3d.embed_scene(model, Cloud(contents.after.xyz, rgb), {}, "The result; each frame is a camera.")
