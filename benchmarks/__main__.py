# SPDX-License-Identifier: Apache-2.0
"""Runs the benchmarks of a room, prints a table and writes a record.

python -m benchmarks ROOM [--case NAME] [--quick] [--json FILE]
python -m benchmarks compare OLD.json NEW.json
python -m benchmarks readme
"""

from __future__ import annotations

import argparse
import datetime
import importlib
import json
import sys
from pathlib import Path
from typing import Any

from ._harness import Contest
from ._machine import fingerprint
from ._readme import update_readme

HERE = Path(__file__).parent


def rooms() -> list[str]:
    return sorted({path.parent.name for path in HERE.glob("*/bench_*.py")})


def cases(room: str) -> dict[str, Any]:
    """Case functions of a room, by name. Exits where a peer is not installed."""
    found: dict[str, Any] = {}
    for path in sorted((HERE / room).glob("bench_*.py")):
        try:
            module = importlib.import_module(f"benchmarks.{room}.{path.stem}")
        except ModuleNotFoundError as error:
            sys.exit(f"benchmarks of {room} need {error.name}; install the peers with: pip install 'fastcv[bench]'")
        found.update({name: value for name, value in vars(module).items() if getattr(value, "is_case", False)})
    return found


def table(rows: list[dict[str, Any]]) -> str:
    """Rows as text, one line each."""
    lines = [f"{'case':32} {'peer':20} {'ours':>11}  {'peer':>11}  {'ratio':>7}  check"]
    for row in rows:
        mark = "ok" if row["ok"] else "FAILED"
        beyond = " " if row.get("peer_reached", True) else ">"
        lines.append(
            f"{row['room'] + '.' + row['case']:32} {row['peer'] + ' ' + row['peer_version']:20}"
            f" {1e3 * row['ours_s']:9.3f}ms {beyond}{1e3 * row['peer_s']:9.3f}ms {beyond}{row['ratio']:6.2f}×"
            f"  {mark}: {row['check']}"
        )
    return "\n".join(lines)


def run(arguments: argparse.Namespace) -> int:
    selected = rooms() if arguments.room == "all" else [arguments.room]
    rows: list[dict[str, Any]] = []
    skipped = 0
    for room in selected:
        for name, prepare in cases(room).items():
            if arguments.case not in (None, name):
                continue
            contest = Contest(room, name, arguments.quick, named=arguments.case == name)
            prepare(contest)
            if contest.skipped:
                skipped += 1
                print(f"{room}.{name}: skipped, {contest.skipped}", file=sys.stderr)
            if not contest.contestants:  # too long for a quick run
                continue
            new = contest.measure(seconds=2 if arguments.quick else 15)
            print(table(new), flush=True)
            rows += new
    if not rows and skipped:
        return 0
    if not rows:
        kind = "quick case" if arguments.quick else "case"
        print(f"no {kind} {arguments.case!r} in {', '.join(selected)}", file=sys.stderr)
        return 2
    if arguments.json:
        date = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
        record = {"date": date, "quick": arguments.quick, "machine": fingerprint(), "rows": rows}
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(record, indent=1) + "\n")
    return 0 if all(row["ok"] for row in rows) else 1


def compare(old: Path, new: Path) -> int:
    """Print how each case of two records changed; ratios to a peer carry over between machines better than seconds."""
    before, after = (
        {(row["room"], row["case"], row["peer"]): row for row in json.loads(path.read_text())["rows"]}
        for path in (old, new)
    )
    for key in sorted(before.keys() & after.keys()):
        a, b = before[key], after[key]
        print(
            f"{'.'.join(key[:2]):32} {key[2]:16} ours {1e3 * a['ours_s']:9.3f} → {1e3 * b['ours_s']:9.3f} ms"
            f" ({a['ours_s'] / b['ours_s']:5.2f}×)   ratio to peer {a['ratio']:6.2f} → {b['ratio']:6.2f}"
        )
    for key in sorted(before.keys() ^ after.keys()):
        print(f"{'.'.join(key[:2]):32} {key[2]:16} only in {old if key in before else new}")
    return 0


def main() -> int:
    if sys.argv[1:2] == ["readme"]:
        update_readme()
        return 0
    if sys.argv[1:2] == ["compare"]:
        parser = argparse.ArgumentParser(prog="python -m benchmarks compare")
        parser.add_argument("old", type=Path)
        parser.add_argument("new", type=Path)
        arguments = parser.parse_args(sys.argv[2:])
        return compare(arguments.old, arguments.new)
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("room", choices=[*rooms(), "all"])
    parser.add_argument("--case", help="one case instead of all of the room")
    parser.add_argument("--quick", action="store_true", help="small sizes and few rounds, under a minute")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write a record")
    return run(parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
