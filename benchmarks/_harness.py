# SPDX-License-Identifier: Apache-2.0
"""Interleaved measurements with a correctness check: what every bench_<op>.py is written with.

A case is a function that gets a Contest, prepares its inputs, names its contestants and says how results are checked::

    @case
    def project_1m(contest):
        points = ...
        contest.ours(lambda: fastcv.camera.project(points, camera))
        contest.peer("opencv", cv2.__version__, lambda: cv2.projectPoints(...), check=agree_to(1e-9))

A check takes (ours, theirs) and returns (how it was verified, whether it holds). No row comes without one. A case that
is too long for a quick run names no contestants then.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

Check = Callable[[Any, Any], tuple[str, bool]]


@dataclass(frozen=True)
class Timing:
    """How long a run took. One that keeps its own time, such as a solver in a process of its own, returns a Timing.

    ``reached`` is False where it did not get there: ``seconds`` then says how long was waited. ``facts`` go to the row.
    """

    seconds: float
    result: Any
    reached: bool = True
    facts: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Contestant:
    name: str
    version: str
    run: Callable[[], Any]
    check: Check | None = None


@dataclass
class Contest:
    """One case: our implementation and the peers it is measured against, in interleaved rounds.

    ``rounds`` is set by cases whose runs are processes of their own: so many, and the first counts.
    """

    room: str
    case: str
    quick: bool
    rounds: int = 0
    contestants: list[Contestant] = field(default_factory=list)
    work: dict[str, float] = field(default_factory=dict)
    notes: dict[str, Any] = field(default_factory=dict)
    skipped: str = ""
    named: bool = False  # on the command line: cases of minutes run only then

    def skip(self, reason: str) -> None:
        """This machine cannot run the case; it names no contestants."""
        self.skipped = reason

    def ours(self, run: Callable[[], Any]) -> None:
        """Name our implementation; call it once, first."""
        self.contestants.insert(0, Contestant("fastcv", "", run))

    def peer(self, name: str, version: str, run: Callable[[], Any], *, check: Check) -> None:
        """Add a peer and the check that compares our result with its result."""
        self.contestants.append(Contestant(name, version, run, check))

    def bound(self, *, read_write_bytes: float = 0, flops: float = 0) -> None:
        """The work of one run at least, for the distance to the physical limit."""
        self.work = {"bytes": read_write_bytes, "flops": flops}

    def note(self, **facts: Any) -> None:
        """Facts for the record: sizes, accuracy, memory."""
        self.notes.update(facts)

    def measure(self, *, seconds: float, rounds: tuple[int, int] = (3, 30)) -> list[dict[str, Any]]:
        """Rows of this case: every contestant once a round, until the time is used up.

        The first round warms up and is not counted, unless it alone took longer than the time: a run of minutes needs
        no warm-up.
        """
        first = [timed(contestant.run) for contestant in self.contestants]
        samples: list[list[Timing]] = [[] for _ in self.contestants]
        if self.rounds or sum(timing.seconds for timing in first) > seconds:
            samples = [[timing] for timing in first]
            for _ in range(self.rounds - 1):
                self._round(samples)
        else:
            deadline = time.perf_counter() + seconds
            while len(samples[0]) < rounds[0] or (time.perf_counter() < deadline and len(samples[0]) < rounds[1]):
                self._round(samples)
        return [
            self._row(contestant, first[0], samples[0], theirs, times)
            for contestant, theirs, times in zip(self.contestants[1:], first[1:], samples[1:], strict=True)
        ]

    def _round(self, samples: list[list[Timing]]) -> None:
        for contestant, times in zip(self.contestants, samples, strict=True):
            times.append(replace(timed(contestant.run), result=None))  # the first is checked; others would fill memory

    def _row(
        self, peer: Contestant, ours: Timing, our_times: list[Timing], theirs: Timing, peer_times: list[Timing]
    ) -> dict[str, Any]:
        assert peer.check is not None
        how, ok = peer.check(ours.result, theirs.result)
        ours_s, peer_s = (statistics.median(t.seconds for t in times) for times in (our_times, peer_times))
        facts = {name: timing.facts for name, timing in (("ours", ours), ("peer", theirs)) if timing.facts}
        return {
            "room": self.room,
            "case": self.case,
            "peer": peer.name,
            "peer_version": peer.version,
            "ours_s": ours_s,
            "peer_s": peer_s,
            "ratio": peer_s / ours_s,
            **({} if all(t.reached for t in peer_times) else {"peer_reached": False}),
            "samples": {"ours": [t.seconds for t in our_times], "peer": [t.seconds for t in peer_times]},
            "check": how,
            "ok": bool(ok) and all(t.reached for t in our_times),
            **({"work": self.work} if self.work else {}),
            **({"notes": self.notes} if self.notes else {}),
            **({"facts": facts} if facts else {}),
        }


def data_dir() -> Path:
    """Folder of real data: FASTCV_DATA, else ../shared/data beside the checkout. Exits where there is none."""
    path = Path(os.environ.get("FASTCV_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")
    if not path.is_dir():
        sys.exit(f"no data at {path}: set FASTCV_DATA to the folder that holds sfm/, bal/, …")
    return path


def timed(run: Callable[[], Any]) -> Timing:
    """Seconds that a call took, and its result."""
    start = time.perf_counter()
    result = run()
    return result if isinstance(result, Timing) else Timing(time.perf_counter() - start, result)


def case(function: Callable[[Contest], None]) -> Callable[[Contest], None]:
    """Marks a function of a bench file as a benchmark case; its name is the case's name."""
    function.is_case = True  # type: ignore[attr-defined]
    return function


def agree_to(tolerance: float, *, relative: bool = False) -> Check:
    """Check that two arrays differ by at most ``tolerance`` everywhere."""

    def check(ours: Any, theirs: Any) -> tuple[str, bool]:
        a, b = np.asarray(ours, np.float64), np.asarray(theirs, np.float64)
        if a.shape != b.shape:
            return f"shapes {a.shape} and {b.shape}", False
        error = np.abs(a - b) / (np.maximum(np.abs(b), 1e-300) if relative else 1.0)
        worst = float(error.max(initial=0.0))
        return f"max {'relative ' if relative else ''}difference {worst:.2g} <= {tolerance:g}", worst <= tolerance

    return check
