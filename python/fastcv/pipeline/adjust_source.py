# SPDX-License-Identifier: Apache-2.0
"""Files that hold a bundle adjustment problem: read as one, and written with the solution in their own format."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .. import ba, io
from ..errors import FastcvError
from ..scene import Camera, Reconstruction
from .adjust_options import AdjustOptions


class AdjustError(FastcvError, ValueError):
    """What the file holds cannot be adjusted; the message names the image, point or observation at fault."""


@dataclass(frozen=True)
class Source:
    """A problem that came from files.

    Parameters
    ----------
    format : {"BAL", "COLMAP"}
    problem : Problem
    rgb : (N, 3) uint8 array or None
        Colours of the problem's points, where the file has them.
    warnings : sequence of str
        What is left as it is, and why.
    write : callable
        Writes a solution into a folder.
    """

    format: str
    problem: ba.Problem
    rgb: NDArray[np.uint8] | None
    warnings: Sequence[str]
    write: Callable[[Path, ba.Result], None]


def read_source(path: Path, options: AdjustOptions) -> Source:
    """Read a BAL problem, or the COLMAP model in a folder.

    Raises
    ------
    FileNotFoundError
        There is no such file, or no model in the folder.
    FormatError
        It is damaged.
    AdjustError
        It is whole, but no problem that can be solved.
    """
    source = _read_colmap(path) if path.is_dir() else _read_bal(path)
    masks, rigs = [_fixed_params(camera, options) for camera in source.problem.cameras], source.problem.rigs
    if rigs is not None and not options.refine_rigs:
        rigs = replace(rigs, fixed_sensors=np.ones(rigs.num_sensors, bool))
    with problem_errors(path):
        return replace(source, problem=replace(source.problem, fixed_params=masks, rigs=rigs))


@contextmanager
def problem_errors(path: Path) -> Iterator[None]:
    """What ``fastcv.ba`` says about its arguments is, for a file, about the file."""
    try:
        yield
    except FastcvError:
        raise
    except ValueError as error:
        raise AdjustError(f"{path}: {error}") from error


def _read_bal(path: Path) -> Source:
    bal = io.read_bal(path)

    def write(folder: Path, result: ba.Result) -> None:
        params = np.array([camera.params for camera in result.cameras])
        solution = replace(bal, cam_from_world=result.cam_from_world, params=params, points=result.points)
        io.write_bal(folder / path.name, solution)

    with problem_errors(path):
        problem = ba.Problem.from_bal(bal)
    alone = int(problem.fixed_points.sum())
    warnings = [f"{alone} points are seen by fewer than two images and stay where they are"] if alone else []
    return Source("BAL", problem, None, warnings, write)


def _read_colmap(path: Path) -> Source:
    model = io.read_colmap(path)
    used = _connected_images(model)
    if not used:
        raise AdjustError(f"{path}: expected points that two images or more observe, got none")
    with problem_errors(path):
        problem = ba.Problem.from_reconstruction(model, used)

    def write(folder: Path, result: ba.Result) -> None:
        problem.update_reconstruction(model, result)
        io.write_colmap(model, folder)

    warnings = []
    if len(used) < len(model.images):
        names = [image.name for image_id, image in sorted(model.images.items()) if image_id not in used]
        more = f" and {len(names) - 3} more" if len(names) > 3 else ""
        warnings.append(f"{', '.join(names[:3])}{more}: share no point with another image and stay where they are")
    if problem.num_points < len(model.points3D):
        count = len(model.points3D) - problem.num_points
        warnings.append(f"{count} points are seen by fewer than two images and stay where they are")
    rows = model.points3D.rows(np.asarray(problem.point_ids))
    return Source("COLMAP", problem, model.points3D.rgb[rows], warnings, write)


def _connected_images(model: Reconstruction) -> set[int]:
    """Images that see a point which another image sees too."""
    image_ids, _, rows = model.observations()
    pairs = np.unique(np.column_stack([image_ids, rows]), axis=0)  # an image may see a point twice
    counts = np.bincount(pairs[:, 1], minlength=len(model.points3D))
    return set(pairs[counts[pairs[:, 1]] >= 2, 0].tolist())


def _fixed_params(camera: Camera, options: AdjustOptions) -> NDArray[np.bool_]:
    """Which parameters stay. The size of a panorama always does."""
    fixed = np.full(len(camera.params), camera.is_spherical or not options.refine_distortion)
    fixed[list(camera.focal_indices)] = not options.refine_focal
    fixed[list(camera.principal_point_indices)] = not options.refine_principal_point
    return fixed
