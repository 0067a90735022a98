# SPDX-License-Identifier: Apache-2.0
"""Stage 1: decode each photograph, read what it says about its camera, detect features."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .. import features, io
from ..errors import FormatError
from .context import Context
from .images import resized
from .photos import PhotoFile
from .store import save_features
from .tasks import Made, Task
from .text import why_unreadable


def run(context: Context) -> None:
    """Write ``features/``; a photograph that cannot be read is noted with the reason."""
    preset = context.options.preset

    def task(photo: PhotoFile) -> Task:
        inputs = [photo.digest, preset.feature_size, preset.max_features]
        return Task(photo.name, inputs, lambda: _extract(context, photo))

    with context.side_by_side() as workers:
        context.run.execute("features", [task(photo) for photo in context.files], workers=workers)


def _extract(context: Context, photo: PhotoFile) -> Made:
    try:
        info, image = io.read_photo_info(photo.path), io.read_photo(photo.path)
    except FormatError as error:
        return Made(info={"skipped": why_unreadable(error)})
    preset = context.options.preset
    small = resized(image, preset.feature_size)
    found = features.extract(small, max_features=preset.max_features)
    zoom = np.array([image.shape[1] / small.shape[1], image.shape[0] / small.shape[0]], np.float32)
    found = replace(found, keypoints=found.keypoints * zoom, scales=found.scales * zoom.mean())
    path = context.run.file("features", photo.name, ".npz")
    facts = {name: getattr(info, name) for name in ("width", "height", "focal_length_px", "make", "model")}
    return Made([path], {**facts, "features": len(found)}, lambda: save_features(path, found))
