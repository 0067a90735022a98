# SPDX-License-Identifier: Apache-2.0
"""The benchmark harness: interleaving, checks, and README's figures being those of the records."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
from benchmarks.__main__ import table
from benchmarks._harness import Contest, Timing, agree_to
from benchmarks._readme import RECORDS, ROOT, updated


def test_contestants_take_turns_and_are_checked() -> None:
    calls: list[str] = []
    contest = Contest("room", "case", quick=True)
    contest.peer("good", "1", lambda: calls.append("good") or np.ones(3), check=agree_to(0))
    contest.peer("bad", "2", lambda: calls.append("bad") or np.zeros(3), check=agree_to(0.5))
    contest.ours(lambda: calls.append("ours") or np.ones(3))
    good, bad = contest.measure(seconds=0.5, rounds=(3, 3))
    assert calls == ["ours", "good", "bad"] * 4
    assert (good["ok"], bad["ok"]) == (True, False)
    assert len(good["samples"]["ours"]) == len(good["samples"]["peer"]) == 3
    assert good["ratio"] == good["peer_s"] / good["ours_s"]


def test_a_long_first_round_counts() -> None:
    contest = Contest("room", "case", quick=True)
    contest.ours(lambda: 1.0)
    contest.peer("peer", "1", lambda: 1.0, check=agree_to(0))
    (row,) = contest.measure(seconds=0.0)
    assert len(row["samples"]["ours"]) == 1


def test_a_run_that_keeps_its_own_time() -> None:
    contest = Contest("room", "case", quick=True, rounds=2)
    contest.ours(lambda: Timing(0.25, 1.0, facts={"iterations": 3}))
    contest.peer("peer", "1", lambda: Timing(2.0, 1.0, reached=False), check=agree_to(0))
    (row,) = contest.measure(seconds=0.0)
    assert (row["ours_s"], row["peer_s"], row["ratio"]) == (0.25, 2.0, 8.0)
    assert row["samples"] == {"ours": [0.25, 0.25], "peer": [2.0, 2.0]}
    assert row["facts"] == {"ours": {"iterations": 3}}
    assert (row["peer_reached"], row["ok"]) == (False, True)
    assert "> 2000.000ms >  8.00×" in table([row])


def test_ours_must_arrive() -> None:
    contest = Contest("room", "case", quick=True, rounds=1)
    contest.ours(lambda: Timing(0.25, 1.0, reached=False))
    contest.peer("peer", "1", lambda: Timing(2.0, 1.0), check=agree_to(0))
    assert [row["ok"] for row in contest.measure(seconds=0.0)] == [False]


def run(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *words]
    return subprocess.run(command, check=False, cwd=ROOT, env=os.environ | variables, capture_output=True, text=True)


def test_a_peer_that_is_not_installed_is_named() -> None:
    code = "import sys; sys.modules['cv2'] = None; sys.argv = ['', 'camera']; import benchmarks.__main__ as b; b.main()"
    result = run("-c", code)
    assert result.returncode == 1
    assert result.stderr == "benchmarks of camera need cv2; install the peers with: pip install 'fastcv[bench]'\n"


def test_missing_data_are_named(tmp_path: Path) -> None:
    result = run("-m", "benchmarks", "sfm", "--quick", FASTCV_DATA=str(tmp_path / "nowhere"))
    assert result.returncode == 1
    assert result.stderr.startswith(f"no data at {tmp_path / 'nowhere'}: set FASTCV_DATA")


def test_a_case_that_is_too_long_for_a_quick_run() -> None:
    result = run("-m", "benchmarks", "sfm", "--quick", "--case", "fountain_11")
    assert result.returncode == 2
    assert result.stderr == "no quick case 'fountain_11' in sfm\n"


def test_agreement_sees_shape_nan_and_size() -> None:
    check = agree_to(1e-3)
    assert check(np.ones(2), np.ones(2) + 1e-4)[1]
    assert not check(np.ones(2), np.ones(3))[1]
    assert not check(np.ones(2), np.array([1.0, np.nan]))[1]
    assert not check(np.ones(2), np.ones(2) + 1e-2)[1]


def test_readme_shows_the_records() -> None:
    readme = (ROOT / "README.md").read_text()
    assert updated(readme) == readme, "run: python -m benchmarks readme"


def test_records_hold_only_checked_rows() -> None:
    for path in RECORDS.glob("*/*.json"):
        record = json.loads(path.read_text())
        assert record["rows"], path
        assert all(row["ok"] and row["check"] for row in record["rows"]), path
        assert not record["quick"], path
