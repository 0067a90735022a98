# SPDX-License-Identifier: Apache-2.0
"""Stage 5: the depth of every pixel of every registered photograph, by plane sweep."""

from __future__ import annotations

from collections.abc import Sequence

from .. import io, mvs
from .context import Context
from .photos import describe
from .run_folder import Made, Task


def run(context: Context) -> None:
    """Write ``estimated/``: depth and confidence of the photographs in the largest model that have neighbours.

    Tasks run one after the other in the calling thread, for the sweep itself uses all cores.
    """
    preset, model = context.options.preset, context.model
    sources = mvs.select_sources(model, num_sources=preset.num_sources)
    digests = {file.name: file.digest for file in context.files}

    def task(image_id: int) -> Task:
        group = [model.images[other] for other in (image_id, *sources[image_id])]
        used = [
            [digests[image.name], describe(model.cameras[image.camera_id]), image.cam_from_world.tolist()]
            for image in group
        ]
        near, far = mvs.depth_range(model, image_id)
        names = [image.name for image in group]
        inputs = [used, near, far, preset.depth_size, preset.max_planes]
        return Task(names[0], inputs, lambda: _estimate(context, names, near, far))

    context.run.execute("depth", [task(image_id) for image_id in sorted(sources) if sources[image_id]])


def _estimate(context: Context, names: Sequence[str], near: float, far: float) -> Made:
    """Sweep the first photograph against the others."""
    reference, *sources = (context.views[name] for name in names)
    wanted = mvs.num_inverse_depth_planes(reference, sources, near, far)
    num_planes = min(max(wanted, 8), context.options.preset.max_planes)
    depths = mvs.inverse_depth_planes(near, far, num_planes)
    result = mvs.estimate_depth(reference, sources, depths, num_threads=context.options.num_threads)
    files = []
    for kind, values in (("depth", result.depth), ("confidence", result.confidence)):
        files.append(context.path("estimated", names[0], f".{kind}.pfm"))
        io.write_pfm(files[-1], values)
    return Made(files, {"near": near, "far": far, "planes": num_planes, "sources": list(names[1:])})
