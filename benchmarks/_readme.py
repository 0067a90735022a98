# SPDX-License-Identifier: Apache-2.0
"""Writes the measurements in README.md and docs/ from the newest record of each room."""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RECORDS = ROOT / "benchmarks" / "records"
MARKS = re.compile(r"(<!-- figures: python -m benchmarks readme -->\n).*?(<!-- end of figures -->)", re.DOTALL)


def seconds(value: float) -> str:
    """Three significant digits with the unit that suits."""
    return f"{value:.3g} s" if value >= 1 else f"{1e3 * value:.3g} ms"


def figures() -> str:
    """The table: one line per case and peer, from full (not quick) records."""
    lines = []
    for path in sorted(RECORDS.glob("*/*.json")):
        record = json.loads(path.read_text())
        machine = record["machine"]
        where = f"{machine['gpu'] or machine['processor']}, {machine['num_threads']} threads, {record['date']}"
        lines += [f"\n{path.stem} ({where})\n"]
        lines += ["| case | against | ours | theirs | ratio | checked |", "|---|---|---|---|---|---|"]
        for row in record["rows"]:
            peer, ours, theirs = f"{row['peer']} {row['peer_version']}", seconds(row["ours_s"]), seconds(row["peer_s"])
            beyond = "" if row.get("peer_reached", True) else "> "
            ratio = f"{beyond}{row['ratio']:.3g}×"
            lines += [f"| {row['case']} | {peer} | {ours} | {beyond}{theirs} | {ratio} | {row['check']} |"]
    return "\n".join(lines) + "\n\n"


def updated(readme: str) -> str:
    return MARKS.sub(lambda match: match[1] + figures() + match[2], readme)


def update_readme() -> None:
    """README's table, and what a room with a ``report`` module shows in docs/."""
    path = ROOT / "README.md"
    path.write_text(updated(path.read_text()))
    for record in sorted(RECORDS.glob("*/*.json")):
        if (ROOT / "benchmarks" / record.stem / "report.py").exists():
            report = importlib.import_module(f"benchmarks.{record.stem}.report")
            report.update(json.loads(record.read_text()), ROOT / "docs")
