# SPDX-License-Identifier: Apache-2.0
"""From posed images to a radiance field, its pictures, a mesh and a report."""

from __future__ import annotations

import json
import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .. import io, nerf, report
from ..errors import FastcvError
from ..scene import Camera, projection_centers
from .digest import digest_array, digest_file, digest_values
from .nerf_options import NerfOptions
from .nerf_summary import NerfSummary, summarize
from .place import Place
from .progress import ProgressCallback
from .record import plain_values
from .run_folder import RunFolder
from .tasks import Made, Task
from .text import duration, thousands

if TYPE_CHECKING:
    from ..nerf.modules import RadianceField

NERF_STAGES = ("train", "views", "turntable", "mesh", "report")
_EVERY = 100  # steps between looks at the clock and the checkpoint
_LOOKS, _LOOKED_AT = 12, 3  # PSNR values along the training, and of how many pictures each


class NerfError(FastcvError, ValueError):
    """The scene does not allow it; the message says why."""


def train_field(
    scene: str | os.PathLike[str],
    out: str | os.PathLike[str],
    options: NerfOptions | None = None,
    *,
    photos: str | os.PathLike[str] | None = None,
    overwrite: bool = False,
    progress: ProgressCallback | None = None,
) -> NerfSummary:
    """Train a radiance field on posed images, and show what it has learnt.

    Results are written as they come, each of them whole or not at all. Called again with the same arguments after it
    was stopped (by an exception, Ctrl-C or kill -9, at any moment), it goes on where it stopped; training from its last
    checkpoint, to the same result where ``options.steps`` decide.

    Parameters
    ----------
    scene : path-like
        What :func:`fastcv.nerf.read_scene` reads: ``transforms.json`` or its folder, an archive, a COLMAP model.
    out : path-like
        Run folder: created, or one of an earlier run. Or the file of the mesh, ``name.glb`` or ``.ply``: the run folder
        is then ``name`` beside it.
    options : NerfOptions, optional
    photos : path-like, optional
        Folder of a COLMAP model's photographs.
    overwrite : bool, optional
        Redo everything that is in ``out`` from an earlier run.
    progress : callable, optional
        Receives ``Progress`` of the stages ``NERF_STAGES``. An exception it raises stops the run.

    Returns
    -------
    NerfSummary

    Raises
    ------
    FileNotFoundError, FormatError
        A file that is not there, or damaged.
    NerfError
        Images that cannot be trained on.
    FileExistsError
        ``out`` holds something else.
    FolderInUseError
        Another process works in ``out``.
    MissingDependencyError
        torch is not installed.
    """
    options, place = options or NerfOptions(), Place.of(out)
    if not Path(scene).exists():
        raise FileNotFoundError(f"{scene}: expected a scene, got nothing there")
    try:
        found = nerf.read_scene(scene, photos=photos)
        digest = digest_values(str(found.cameras), found.cam_from_world.tolist(), found.box.tolist(), _pixels(found))
    except (FastcvError, OSError):
        raise
    except ValueError as error:
        raise NerfError(f"{scene}: {error}") from error
    with RunFolder(place.folder, progress, overwrite, "nerf") as run:
        _train(run, found, digest, options)
        field = nerf.load_field(run.path / "field.npz")
        _views(run, field, found)
        _turntable(run, field, found, options)
        _mesh(run, field, place.suffix, options)
        warnings = _warnings(run, found, options)
        if run.info("mesh").get("mesh", {"faces": 0})["faces"]:
            place.deliver(lambda: io.read_mesh(run.path / f"mesh{place.suffix}"))
        counts = {name: len(numbers) for name, numbers in found.splits.items()}
        say = partial(summarize, run, str(scene), counts, plain_values(options), warnings)
        _report(run, found, say())
        summary = say()
        summary.write(place.folder / "summary.json")
    return summary


def _pixels(scene: nerf.Scene) -> list[str]:
    if isinstance(scene.source, np.ndarray):
        return [digest_values(scene.source.shape, digest_array(scene.source))]
    return [digest_file(path) for path in scene.source]


def _train(run: RunFolder, scene: nerf.Scene, digest: str, options: NerfOptions) -> None:
    """Write ``field.npz``."""
    inputs = [digest, options.preset, options.steps, options.seconds, options.samples, options.finest, options.seed]
    name = f"training-{digest_values(inputs)}"
    checkpoint, log = run.path / f"{name}.npz", run.path / f"{name}.json"

    def make() -> Made:
        for old in run.path.glob("training-*"):
            if not old.name.startswith(name):
                old.unlink()
        curve = json.loads(log.read_text()) if log.exists() and checkpoint.exists() else []
        has_test = bool(len(scene.splits.get("test", ())))

        def look(progress: nerf.TrainProgress) -> None:
            due = progress.share >= 1 or progress.share * _LOOKS >= len(curve) + 1
            point = {"step": progress.step, "seconds": round(progress.seconds, 3), "loss": progress.loss}
            if due:
                if has_test:
                    point["psnr"] = progress.field.evaluate(scene, most=_LOOKED_AT).mean_psnr
                curve.append(point)
                with io.atomic_write(log) as file:
                    file.write(json.dumps(curve).encode())
            last = curve[-1]["psnr"] if curve and has_test else -10 * np.log10(progress.loss)
            what = "held out" if curve and has_test else "training"
            text = f"{progress.share:.0%}, step {progress.step}, {progress.seconds:.0f} s, {what} {last:.2f} dB"
            run.detail("train", text)

        field = nerf.train(
            scene, steps=options.steps, seconds=options.seconds, seed=options.seed, options=options.training,
            callback=look, every=_EVERY, checkpoint=checkpoint,
        )  # fmt: skip
        path = run.path / "field.npz"
        field.save(path)
        return Made([path], {"curve": curve})

    run.execute("train", [Task("field", inputs, make)])
    for left in run.path.glob("training-*"):
        left.unlink()


def _views(run: RunFolder, field: RadianceField, scene: nerf.Scene) -> None:
    """Write ``views/`` and ``depth/``: what is held out as the field sees it."""
    made_from = run.digests("train", "field")

    def task(number: int) -> Task:
        name = view_name(scene, number)

        def make() -> Made:
            view = field.render_view(_camera(scene, number), scene.cam_from_world[number])
            truth = field.truth(scene, number)
            files = [run.file("views", name, ".png"), run.file("depth", name, ".pfm")]
            io.write_image(files[0], _bytes(view.color))
            io.write_pfm(files[1], view.depth)
            small = min(truth.shape[:2]) < 11
            facts = {"psnr": nerf.psnr(view.color, truth), "ssim": None if small else nerf.ssim(view.color, truth)}
            return Made(files, facts)

        return Task(name, [made_from, number], make)

    run.execute("views", [task(int(number)) for number in scene.splits.get("test", ())])


def view_name(scene: nerf.Scene, number: int) -> str:
    """What the results of an image are called: number and, where it has one, its file's name."""
    if isinstance(scene.source, np.ndarray):
        return f"{number:04d}"
    return f"{number:04d}_{Path(scene.source[number]).stem}"


def _turntable(run: RunFolder, field: RadianceField, scene: nerf.Scene, options: NerfOptions) -> None:
    """Write ``turntable/``: new views on a circle around the middle of the box, at the cameras' usual height."""
    made_from = run.digests("train", "field")
    camera = scene.cameras[0]

    def task(number: int, pose: Any) -> Task:
        def make() -> Made:
            path = run.file("turntable", f"{number:03d}", ".png")
            io.write_image(path, _bytes(field.render_view(camera, pose).color))
            return Made([path])

        return Task(f"{number:03d}", [made_from, pose.tolist()], make)

    run.execute("turntable", [task(i, pose) for i, pose in enumerate(orbit(scene, options.turns))])


def orbit(scene: nerf.Scene, count: int) -> np.ndarray:
    """(count, 3, 4) poses on a circle around the middle of the box, which they look at."""
    up = report.up_direction(scene.cam_from_world)
    middle = scene.box.mean(0)
    away = projection_centers(scene.cam_from_world) - middle
    height, distance = float(np.median(away @ up)), float(np.median(np.linalg.norm(away, axis=1)))
    height = float(np.clip(height, -0.9 * distance, 0.9 * distance))
    first = away[0] - (away[0] @ up) * up
    if np.linalg.norm(first) < 1e-6 * distance:
        first = np.cross(up, np.eye(3)[np.argmin(np.abs(up))])
    first /= np.linalg.norm(first)
    side, ring = np.cross(up, first), np.sqrt(distance**2 - height**2)
    poses = np.empty((count, 3, 4))
    for pose, angle in zip(poses, np.linspace(0, 2 * np.pi, count, endpoint=False), strict=True):
        offset = ring * (np.cos(angle) * first + np.sin(angle) * side) + height * up
        forward = -offset / distance
        right = np.cross(forward, up)
        right /= np.linalg.norm(right)
        pose[:, :3] = np.stack([right, np.cross(forward, right), forward])
        pose[:, 3] = -pose[:, :3] @ (middle + offset)
    return poses


def _mesh(run: RunFolder, field: RadianceField, suffix: str, options: NerfOptions) -> None:
    """Write the surface, if one is wanted."""

    def make() -> Made:
        mesh = field.mesh(resolution=options.mesh_resolution)
        path, facts = run.path / f"mesh{suffix}", {"vertices": len(mesh.vertices), "faces": len(mesh.faces)}
        if not facts["faces"]:
            return Made([], facts)
        io.write_mesh(path, mesh)
        return Made([path], facts)

    inputs = [run.digests("train", "field"), options.mesh_resolution, suffix]
    run.execute("mesh", [Task("mesh", inputs, make)] if options.mesh_resolution else [])


def _warnings(run: RunFolder, scene: nerf.Scene, options: NerfOptions) -> list[str]:
    warnings = []
    if not len(scene.splits.get("test", ())):
        warnings.append("No image is held out: nobody knows how good new views are.")
    if options.mesh_resolution and not run.info("mesh")["mesh"]["faces"]:
        warnings.append("There is no mesh: the field is nowhere dense enough. Train longer, or ask for a finer mesh.")
    return warnings


def _camera(scene: nerf.Scene, number: int) -> Camera:
    return scene.cameras[number if len(scene.cameras) > 1 else 0]


def _bytes(color: np.ndarray) -> np.ndarray:
    return np.rint(color * 255).astype(np.uint8)


def _report(run: RunFolder, scene: nerf.Scene, summary: NerfSummary) -> None:
    """Write ``report.html`` and ``metrics.json``."""
    path, metrics = run.path / "report.html", run.path / "metrics.json"
    stages = [stage for stage in run.seconds() if stage != "report"]
    digests = [[stage, item, run.digests(stage, item)] for stage in stages for item in run.info(stage)]

    def make() -> Made:
        report.write_radiance(_contents(run, scene, summary), path)
        numbers = {name: getattr(summary, name) for name in ("psnr", "ssim", "views", "curve")}
        with io.atomic_write(metrics) as file:
            file.write(json.dumps(numbers, indent=1).encode())
        return Made([path, metrics])

    run.execute("report", [Task("report", [digests, str(summary.options)], make)])


def _contents(run: RunFolder, scene: nerf.Scene, summary: NerfSummary) -> report.Radiance:
    trained = summary.curve[-1]
    quality = "" if summary.psnr is None else f"; new views come to {summary.psnr:.2f} dB"
    figures = [("Held out", f"{len(summary.views)} images")]
    if summary.psnr is not None:
        figures.append(("PSNR", f"{summary.psnr:.2f} dB"))
    if summary.ssim is not None:
        figures.append(("SSIM", f"{summary.ssim:.4f}"))
    return report.Radiance(
        title="/".join(Path(summary.scene).resolve().parts[-2:]),
        lead=f"Trained on {summary.num_images['train']} images in {duration(trained['seconds'])}{quality}.",
        figures=[
            *figures,
            ("Steps", thousands(int(trained["step"]))),
            ("Triangles", thousands(summary.num_faces)),
            ("Peak memory", f"{thousands(round(summary.peak_memory_mb))} MB"),
        ],
        facts={
            "Options": [(name, str(value)) for name, value in summary.options.items() if value is not None],
            "Versions": list(summary.versions.items()),
        },
        warnings=summary.warnings,
        files=list(summary.files.items()),
        curve=summary.curve,
        views=[_view(run, scene, int(number)) for number in scene.splits.get("test", ())],
        turntable=[io.read_photo(run.file("turntable", name, ".png")) for name in run.info("turntable")],
        seconds={stage: seconds for stage, seconds in summary.seconds.items() if stage != "report"},
    )


def _view(run: RunFolder, scene: nerf.Scene, number: int) -> report.RadianceView:
    name = view_name(scene, number)

    def truth() -> np.ndarray:
        image = scene.image(number)
        if image.shape[2] == 3:
            return image
        alpha = image[:, :, 3:] / np.float32(255)
        return np.rint(image[:, :, :3] * alpha + 255 * scene.background * (1 - alpha)).astype(np.uint8)

    facts = run.info("views")[name]
    return report.RadianceView(
        name,
        facts["psnr"],
        facts["ssim"],
        truth,
        lambda: io.read_photo(run.file("views", name, ".png")),
        lambda: io.read_pfm(run.file("depth", name, ".pfm")),
    )
