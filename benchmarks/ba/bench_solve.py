# SPDX-License-Identifier: Apache-2.0
"""ba.solve on problems in BAL's format against Ceres, pycolmap, gtsam and scipy: seconds to 1 + 1e-4 times the best
cost known.

Every run is a process of its own with two threads, the same start and the same stopping rule; reading the file is not
counted, nor is filling the solver's own structures. Of a peer's linear solvers the one counts that reaches the target
first on this file. pycolmap and gtsam give points behind a camera the residual 0, which makes the cost of problem-49
another one: they are held against the best of that one.

pyceres is missing: its wheel has no cost function for reprojection, pycolmap's, which it can call, are of poses in one
block of seven, for which it has no manifold, and one in Python takes 8 s an iteration on the smallest problem. gtsam is
kept to the small files: on colmap-177 it takes more than 4 GB.
"""

from __future__ import annotations

from functools import partial
from importlib.metadata import version

from benchmarks._harness import Contest, case, data_dir
from benchmarks.ba import problems
from benchmarks.ba.race import VERY_CLOSE, Fastest, Run, run_ceres, run_worker, temporary_folder

from fastcv import io
from fastcv._backend import ceres

VERSIONS = {name: version(name) for name in ("pycolmap", "gtsam", "scipy")}  # raises where one is not installed
LINEAR_SOLVERS = ("dense_schur", "sparse_schur", "explicit_schur", "iterative_schur")


@case
def ladybug_49(contest: Contest) -> None:
    race = Race(contest, "problem-49-7776-pre", rounds=3, limit=30)
    race.against_ceres()
    race.against_pycolmap()
    if not contest.quick:
        race.against_gtsam()


@case
def ladybug_49_scipy(contest: Contest) -> None:
    if not contest.quick:
        Race(contest, "problem-49-7776-pre", rounds=1, limit=60).against_scipy()


@case
def dubrovnik_16(contest: Contest) -> None:
    race = Race(contest, "problem-16-22106-pre", rounds=3, limit=30)
    race.against_ceres()
    race.against_pycolmap()
    if not contest.quick:
        race.against_gtsam()


@case
def long_tracks_177(contest: Contest) -> None:
    if not contest.quick:
        race = Race(contest, "colmap-177-softm", rounds=1, limit=20)
        race.against_ceres()
        race.against_pycolmap()
        race.against_gtsam("")


@case
def tourist_400(contest: Contest) -> None:
    """Synthetic."""
    if not contest.quick:
        race = Race(contest, "synth-tourist-400", rounds=1, limit=30)
        race.against_ceres("sparse_schur", "dense_schur", "explicit_schur", "iterative_schur")
        race.against_pycolmap()


@case
def street_1700(contest: Contest) -> None:
    """Synthetic. A dense Schur complement of 15 300 unknowns takes Ceres 2 GB and minutes an iteration."""
    if not contest.quick:
        race = Race(contest, "synth-street-1700", rounds=1, limit=60)
        race.against_ceres("explicit_schur", "iterative_schur", "sparse_schur")
        race.against_pycolmap()


class Race:
    """One file: our solver, entered at once, and whom it is measured against."""

    def __init__(self, contest: Contest, file: str, *, rounds: int, limit: float) -> None:
        self.bal = io.read_bal(data_dir() / "bal" / f"{file}.txt.xz")
        self.contest, self.file, self.limit = contest, file, limit
        self.folder = temporary_folder()
        problems.save(self.bal, self.folder)
        sizes = {"images": len(self.bal.params), "points": len(self.bal.points)}
        contest.note(file=file, **sizes, observations=len(self.bal.observations), limit_s=limit)
        contest.note(best_cost=problems.BEST_COSTS[file])
        contest.rounds = 1 if contest.quick else rounds
        ours = partial(run_worker, "fastcv", self.folder, solver="native", linear_solver="auto")
        contest.ours(Fastest({"auto": ours}, problems.BEST_COSTS[file], limit))

    def against_ceres(self, *linear_solvers: str) -> None:
        """Ceres in C++ with automatic differentiation, and as ``ba.solve(solver="ceres")`` calls it."""
        variants = {name: partial(run_ceres, name, self.folder) for name in linear_solvers or LINEAR_SOLVERS}
        self._peer("ceres", ceres().version(), variants)
        through_us = partial(run_worker, "fastcv", self.folder, solver="ceres", linear_solver="auto")
        self._peer("fastcv-ceres", ceres().version(), {"auto": through_us})

    def against_pycolmap(self) -> None:
        problems.save_colmap(self.bal, self.folder)
        self._peer("pycolmap", VERSIONS["pycolmap"], {"auto": partial(run_worker, "pycolmap", self.folder)}, True)

    def against_gtsam(self, *eliminations: str) -> None:
        variants = {
            name or "general": partial(run_worker, "gtsam", self.folder, elimination=name)
            for name in eliminations or ("", "Schur")
        }
        self._peer("gtsam", VERSIONS["gtsam"], variants, True)

    def against_scipy(self) -> None:
        self._peer("scipy", VERSIONS["scipy"], {"lsmr": partial(run_worker, "scipy", self.folder)})

    def _peer(self, name: str, release: str, variants: dict[str, partial[Run]], in_front: bool = False) -> None:
        best = (problems.BEST_COSTS_IN_FRONT if in_front else problems.BEST_COSTS)[self.file]
        same_cost = best == problems.BEST_COSTS[self.file]
        self.contest.peer(
            name,
            release,
            Fastest(variants, best, self.limit),
            check=lambda ours, theirs: self._check(ours, theirs, best, same_cost),
        )

    def _check(self, ours: list[Run], theirs: list[Run], best: float, same_cost: bool) -> tuple[str, bool]:
        """Ours must reach the best cost known; both must begin at the same cost, as far as pycolmap prints it."""
        final, peer_final = ours[0].final_cost, min(run.final_cost for run in theirs)
        above = final / problems.BEST_COSTS[self.file] - 1
        name = theirs[0].linear_solver or "it"
        text = f"{name} ends {peer_final / best - 1:+.1e} from the best cost known, ours {above:+.1e}"
        same_start = abs(theirs[0].costs[0] / ours[0].costs[0] - 1) < 1e-6
        return text, above <= VERY_CLOSE and (same_start or not same_cost)
