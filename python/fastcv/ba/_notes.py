# SPDX-License-Identifier: Apache-2.0
"""What a caller should know of a problem that was solved although something about it is odd."""

from __future__ import annotations

import numpy as np

from .._backend import backend
from ._arrays import ProblemArrays
from ._gauge import fixed_frames
from ._values import count_rows
from .problem import Problem

_POINTS_FOR_A_POSE = 3
_NAMED = 5  # rows, at most


def notes(problem: Problem, solved: ProblemArrays, moved: bool) -> list[str]:
    """A sentence for everything that had to be treated in a way of its own (the table in docs/ba.md)."""
    num_components, num_behind = backend("cpu").ba.inspect(solved)
    found = ["the start was moved as a whole onto its priors"] if moved else []
    if num_components > 1:
        found.append(f"{num_components} components share no point: solved together, each may drift")
    if num_behind:
        found.append(f"{num_behind} observations of points behind their camera: projected as their opposite in front")
    frames = problem.image_frames
    of_images = count_rows(problem.image_indices, problem.num_images)
    counts = np.bincount(frames, of_images, minlength=len(solved.pose_free))
    few = np.flatnonzero(~fixed_frames(problem)[frames].all(axis=1) & (counts[frames] < _POINTS_FOR_A_POSE))
    if len(few):
        found.append(f"images {_some(few)} see fewer than {_POINTS_FOR_A_POSE} points: what these leave open stays")
    idle = np.setdiff1d(np.arange(len(problem.cameras)), problem.image_cameras)
    if len(idle):
        found.append(f"cameras {_some(idle)} took no image: they keep their parameters")
    if problem.rigs is not None:
        still = np.flatnonzero(~problem.rigs.fixed_sensors & ~solved.rigs.sensor_free.any(axis=1))
        if len(still):
            found.append(f"sensors {_some(still)} keep their pose: their images do not tell where they are on the rig")
    return found


def _some(rows: np.ndarray) -> str:
    return ", ".join(map(str, rows[:_NAMED])) + (f" and {len(rows) - _NAMED} more" if len(rows) > _NAMED else "")
