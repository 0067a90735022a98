# SPDX-License-Identifier: Apache-2.0
"""What a running reconstruction tells its caller."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """One step of a stage.

    Parameters
    ----------
    stage : str
        A name of ``STAGES``.
    done, total : int
        Finished tasks of this stage, those of earlier runs included, and all of them. ``done == 0`` starts a stage
        that has everything to do; ``done == total`` ends it.
    seconds : float
        Time this run has spent in the stage so far.
    item : str
        What was finished: the name of a photograph, or empty.
    detail : str
        What a long task is at right now; ``done`` has not changed then.
    """

    stage: str
    done: int
    total: int
    seconds: float
    item: str = ""
    detail: str = ""


# Called from the thread that called reconstruct(); an exception it raises stops the run, which can be resumed.
ProgressCallback = Callable[[Progress], None]
