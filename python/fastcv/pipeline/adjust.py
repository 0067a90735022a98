# SPDX-License-Identifier: Apache-2.0
"""From a file with a bundle adjustment problem to the solution, its numbers and a report."""

from __future__ import annotations

import errno
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from .. import ba, io, report
from .adjust_options import AdjustOptions
from .adjust_report import gather
from .adjust_source import Source, problem_errors, read_source
from .adjust_summary import FILES, LIBRARIES, AdjustSummary, describe_errors, problem_sizes
from .claim import claim
from .manifest import refuse_foreign_folder
from .progress import Progress, ProgressCallback
from .record import peak_memory_mb, plain_values, versions

ADJUST_STAGES = ("read", "adjust", "write", "report")
SOLUTION, NUMBERS, REPORT = "adjusted", "result.json", "report.html"


class AdjustInterrupted(KeyboardInterrupt):
    """Ctrl-C during the solve: the best state so far was written as a finished one is, and ``summary`` tells of it."""

    def __init__(self, summary: AdjustSummary):
        super().__init__("bundle adjustment was interrupted")
        self.summary = summary


def adjust(
    problem: str | os.PathLike[str],
    out: str | os.PathLike[str],
    options: AdjustOptions | None = None,
    *,
    progress: ProgressCallback | None = None,
    callback: Callable[[ba.Iteration], None] | None = None,
) -> AdjustSummary:
    """Adjust the bundle of a BAL file or a COLMAP model.

    Parameters
    ----------
    problem : path-like
        BAL problem (``.txt``, plain or with ``.xz``, ``.bz2``, ``.gz``), or folder of a COLMAP model.
    out : path-like
        Folder for the results: created, or one of an earlier ``adjust``, whose results stay until there are new ones.
        The solution is in ``adjusted/``, in the format of the problem, the numbers in ``result.json``, and
        ``report.html`` shows both.
    options : AdjustOptions, optional
    progress : callable, optional
        Receives ``Progress`` of the stages ``ADJUST_STAGES``.
    callback : callable, optional
        Receives each ``fastcv.ba.Iteration``.

    Returns
    -------
    AdjustSummary

    Raises
    ------
    FileNotFoundError
        There is no such file, or no model in the folder.
    FormatError
        It is damaged.
    AdjustError
        It is whole, but no problem that can be solved.
    FileExistsError
        ``out`` holds something else.
    FolderInUseError
        Another process works in ``out``.
    AdjustInterrupted
        Ctrl-C. The best state is in ``out``.
    OSError
        A file cannot be written (disk full). What was there stays.

    Examples
    --------
    >>> from fastcv import io, pipeline
    >>> from fastcv.synthetic import make_tracks
    >>> io.write_colmap(make_tracks("ring", num_images=5, num_points=100, noise_px=0.5).reconstruction, "model")
    >>> summary = pipeline.adjust("model", "out")
    >>> summary.termination, summary.final_cost < summary.initial_cost
    ('converged', True)
    >>> len(io.read_colmap("out/adjusted").images)
    5
    """
    path, folder, options = Path(problem), Path(out), options or AdjustOptions()
    refuse_foreign_folder(folder, "ba")
    stages = _Stages(progress or (lambda _: None))
    with stages.run("read"), problem_errors(path):
        source = read_source(path, options)
        before = ba.solve(source.problem, max_iterations=0, num_threads=options.num_threads).residuals
    with claim(folder, "ba"):
        _require_room(folder, path)
        with problem_errors(path):
            result, interrupted = _solve(source, options, stages, callback)
        with stages.run("write"), io.atomic_directory(folder / SOLUTION) as new:
            source.write(new, result)
            # They tell of the solution that is about to be replaced.
            for name in (NUMBERS, REPORT):
                (folder / name).unlink(missing_ok=True)
        summary = _summarize(path, folder, options, source, before, result, stages.seconds)
        summary.write(folder / NUMBERS)
        with stages.run("report"):
            report.write_adjustment(gather(summary, source, before, result), folder / REPORT)
    if interrupted:
        raise AdjustInterrupted(summary)
    return summary


class _Stages:
    """Times the stages and tells the caller of them."""

    def __init__(self, progress: ProgressCallback):
        self.progress, self.seconds = progress, dict[str, float]()

    @contextmanager
    def run(self, stage: str, total: int = 1) -> Iterator[Callable[[int], None]]:
        """Yields what to call with the number of steps done."""
        start, done = time.perf_counter(), 0

        def step(count: int) -> None:
            nonlocal done
            done = count
            self.progress(Progress(stage, done, max(total, done + 1), time.perf_counter() - start))

        step(0)
        yield step
        self.seconds[stage] = time.perf_counter() - start
        self.progress(Progress(stage, max(done, 1), max(done, 1), self.seconds[stage]))


def _require_room(folder: Path, problem: Path) -> None:
    """Raise before the work rather than after it where there is no room for a solution of about the problem's size."""
    files = list(problem.iterdir()) if problem.is_dir() else [problem]
    if shutil.disk_usage(folder).free < sum(file.stat().st_size for file in files):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder / SOLUTION))


def _solve(
    source: Source, options: AdjustOptions, stages: _Stages, callback: Callable[[ba.Iteration], None] | None
) -> tuple[ba.Result, bool]:
    """The solution, and whether Ctrl-C made it that."""
    with stages.run("adjust", options.max_iterations) as step:

        def report_iteration(iteration: ba.Iteration) -> None:
            if callback:
                callback(iteration)
            step(iteration.iteration)

        try:
            return ba.solve(source.problem, **options.solver_options(), callback=report_iteration), False
        except ba.SolveInterrupted as error:
            if not error.result.iterations:
                raise  # nothing has happened yet
            return error.result, True


def _summarize(
    path: Path,
    folder: Path,
    options: AdjustOptions,
    source: Source,
    before: np.ndarray,
    result: ba.Result,
    seconds: dict[str, float],
) -> AdjustSummary:
    return AdjustSummary(
        problem=str(path),
        out=str(folder),
        format=source.format,
        sizes=problem_sizes(source.problem),
        initial_cost=result.initial_cost,
        final_cost=result.final_cost,
        errors={
            "before": describe_errors(np.linalg.norm(before, axis=1)),
            "after": describe_errors(np.linalg.norm(result.residuals, axis=1)),
        },
        termination=result.termination,
        message=result.message,
        solver=result.solver,
        linear_solver=result.linear_solver,
        iterations=[plain_values(iteration) for iteration in result.iterations],
        seconds=dict(seconds),
        peak_memory_mb=peak_memory_mb(),
        warnings=list(source.warnings),
        files=FILES,
        options=plain_values(options),
        versions=versions(*LIBRARIES),
    )
