# SPDX-License-Identifier: Apache-2.0
"""Stage 4: cameras, poses and points from the verified matches."""

from __future__ import annotations

from .. import io, sfm
from .context import Context
from .measure import describe_model
from .photos import describe
from .store import load_features, load_geometries
from .tasks import Made, Task


def run(context: Context) -> None:
    """Write ``sparse/0``, ``sparse/1``, …: a COLMAP model for each connected part of the scene, largest first."""
    names = context.names
    cameras = {str(key): describe(camera) for key, camera in context.cameras.items()}
    digests = [
        [context.run.digests("features", name) for name in names],
        [context.run.digests("verify", name) for name in names[:-1]],
    ]
    known = context.options.intrinsics is not None
    inputs = [context.options.seed, known, cameras, [[name, context.camera_ids[name]] for name in names], digests]
    context.run.execute("sparse", [Task("models", inputs, lambda: _reconstruct(context))])


def _reconstruct(context: Context) -> Made:
    image_ids = {name: image_id for image_id, name in enumerate(context.names, 1)}
    photos, pairs = [], {}
    for name in image_ids:
        features = load_features(context.run.file("features", name, ".npz"))
        photos.append(sfm.Photo(name, context.camera_ids[name], features.keypoints, features.colors))
    for name in context.names[:-1]:
        for other, pair in load_geometries(context.run.file("verified", name, ".npz")).items():
            pairs[image_ids[name], image_ids[other]] = pair
    left_out: dict[str, str] = {}

    def listen(event: sfm.Event) -> None:
        if event.kind == "skipped":
            left_out.update(dict.fromkeys(event.names, event.reason))
        context.run.detail("sparse", f"{event.num_registered} of {event.num_images} photos, {event.num_points} points")

    options = sfm.Options(refine_intrinsics=context.options.intrinsics is None, num_threads=context.options.num_threads)
    models = sfm.reconstruct(
        photos, context.cameras, pairs, options=options, seed=context.options.seed, callback=listen
    )
    folder = context.run.path / "sparse"
    with io.atomic_directory(folder) as temporary:
        for number, model in enumerate(models):
            io.write_colmap(model, temporary / str(number))
    return Made([folder], {"models": [describe_model(model) for model in models], "left_out": left_out})
