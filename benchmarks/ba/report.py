# SPDX-License-Identifier: Apache-2.0
"""The record's table in docs/ba.md and its pictures: cost against time, summary, growth."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from benchmarks._readme import MARKS, seconds
from matplotlib.figure import Figure

Facts = dict[str, Any]
# Name in the record: label, colour, marker.
SOLVERS = {
    "fastcv": ("fastcv native", "#d62728", "o"),
    "fastcv-ceres": ("fastcv with Ceres", "#2ca02c", "s"),
    "ceres": ("Ceres in C++", "#1f77b4", "D"),
    "pycolmap": ("pycolmap", "#9467bd", "^"),
    "gtsam": ("gtsam", "#ff7f0e", "v"),
    "scipy": ("scipy", "#7f7f7f", "P"),
}
STYLE = {"svg.fonttype": "none", "svg.hashsalt": "fastcv", "font.size": 8, "axes.grid": True, "grid.alpha": 0.3}


def update(record: dict[str, Any], docs: Path) -> None:
    """Write the table and the pictures of a record; of one without races nothing."""
    files, cities = races(record), growth(record)
    if not files:
        return
    page = docs / "ba.md"
    machine = record["machine"]
    text = f"\n{machine['processor']}, {machine['num_threads']} threads, {record['date']}.\n\n"
    with mpl.rc_context(STYLE):
        figures = [("cost_over_time", "Cost over time", cost_over_time(files))]
        figures.append(("summary", "Seconds and memory", summary(files)))
        if cities:
            figures.append(("growth", "Growth", growth_picture(cities)))
        for name, title, figure in figures:
            figure.savefig(docs / f"ba_{name}.svg", bbox_inches="tight", metadata={"Date": None})
            text += f"![{title}](ba_{name}.svg)\n\n"
    text += table(files) + "\n" + bounds(record)
    page.write_text(MARKS.sub(lambda match: match[1] + text + match[2], page.read_text()))


def races(record: dict[str, Any]) -> dict[str, dict[str, Facts]]:
    """Facts by file and solver; the cases of one file come together."""
    files: dict[str, dict[str, Facts]] = {}
    for row in record["rows"]:
        if "file" in row.get("notes", {}):
            solvers = files.setdefault(row["notes"]["file"], {})
            solvers.setdefault("fastcv", row["facts"]["ours"] | {"notes": row["notes"]})
            solvers[row["peer"]] = row["facts"]["peer"]
    return files


def growth(record: dict[str, Any]) -> dict[str, list[Facts]]:
    """Facts by layout and linear solver, sorted by size."""
    cities: dict[str, list[Facts]] = {}
    for row in record["rows"]:
        notes = row.get("notes", {})
        if "layout" in notes:
            sizes = cities.setdefault(f"{notes['layout']}, {notes['linear_solver']}", [row["facts"]["ours"]])
            sizes.append(row["facts"]["peer"])
    return {name: sorted(sizes, key=lambda facts: facts["observations"]) for name, sizes in cities.items()}


def table(files: dict[str, dict[str, Facts]]) -> str:
    """One line per file and solver. Memory is the peak of the process less what it had before it loaded the problem."""
    lines = [
        "| file | solver | to 1e-4 | to 1 % | all | iterations | ends above the best known | peak memory |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for file, solvers in files.items():
        for name, facts in sorted(solvers.items(), key=lambda item: list(SOLVERS).index(item[0])):
            label = f"{SOLVERS[name][0]}, {facts['linear_solver']}".rstrip(", ")
            times = [
                seconds(facts[key]) if facts[key] is not None else f"not in {seconds(facts['total_s'])}"
                for key in ("seconds_to_1e-4", "seconds_to_1e-2")
            ]
            memory = f"{(facts['peak_bytes'] - facts['base_bytes']) / 1e6:.0f} MB"
            lines.append(
                f"| {file} | {label} | {times[0]} | {times[1]} | {seconds(facts['total_s'])} | {facts['iterations']}"
                f" | {facts['above_best']:.1e} | {memory} |"
            )
    return "\n".join(lines) + "\n"


def bounds(record: dict[str, Any]) -> str:
    """A line per part of the solver: what an observation costs once, and at least, on one thread."""
    lines = ["| part | on | bytes | operations | nanoseconds | bound | of the bound |", "|---|---|---|---|---|---|---|"]
    for row in record["rows"]:
        if row["peer"] == "bound":
            notes, milliseconds = row["notes"], (1e3 * row["ours_s"], 1e3 * row["peer_s"])  # of a million
            work = f"{notes['bytes_per_observation']:.0f} | {notes['flops_per_observation']:.0f}"
            times = " | ".join(f"{value:.3g}" for value in milliseconds)
            lines.append(f"| {row['case']} | {notes['problem']} | {work} | {times} | {row['ratio']:.0%} |")
    return "\n".join(lines) + "\n\n" if len(lines) > 2 else ""


def cost_over_time(files: dict[str, dict[str, Facts]]) -> Figure:
    """A panel per file; Ceres' other linear solvers are thin lines."""
    figure = Figure(figsize=(9, 5.2), layout="constrained")
    panels = figure.subplots(2, -(-(len(files) + 1) // 2), squeeze=False).ravel()
    for axes, (file, solvers) in zip(panels, files.items(), strict=False):
        for name, facts in solvers.items():
            _, color, _ = SOLVERS[name]
            for other in facts.get("others", {}).values():
                axes.step(*above_best(other), where="post", color=color, linewidth=0.6, alpha=0.5)
            width = 2.2 if name == "fastcv" else 1.2
            axes.step(*above_best(facts), where="post", color=color, linewidth=width, zorder=3 if width > 2 else 2)
        for level in (1e-2, 1e-4):
            axes.axhline(level, color="black", linewidth=0.6, linestyle=":")
        axes.set(xscale="log", yscale="log", ylim=(1e-7, 1e2), title=file, xlabel="seconds")
        axes.set_ylabel("cost / best known - 1")
    for axes in panels[len(files) :]:
        axes.axis("off")
    present = [name for name in SOLVERS if any(name in solvers for solvers in files.values())]
    for name in present:
        label, color, _ = SOLVERS[name]
        panels[-1].plot([], [], color=color, label=label, linewidth=2.2 if name == "fastcv" else 1.2)
    panels[-1].legend(loc="center", frameon=False)
    return figure


def above_best(facts: Facts) -> tuple[np.ndarray, np.ndarray]:
    """Seconds, and by what part the cost is above the best known; not below 1e-8, for the logarithm."""
    time, cost = np.array(facts["curve"]).T
    best = facts["final_cost"] / (1 + facts["above_best"])
    return np.maximum(time, 1e-3), np.maximum(cost / best - 1, 1e-8)


def summary(files: dict[str, dict[str, Facts]]) -> Figure:
    """Seconds to 1e-4 above the best cost known, and bytes of memory per observation; not reached: hollow, at the time
    that it was given."""
    figure = Figure(figsize=(9, 0.55 * len(files) + 1.6), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    for row, solvers in enumerate(files.values()):
        count = solvers["fastcv"]["notes"]["observations"]
        for name, facts in solvers.items():
            _, color, marker = SOLVERS[name]
            reached = facts["seconds_to_1e-4"]
            time = facts["total_s"] if reached is None else reached
            left.plot(time, row, marker, color=color, fillstyle="none" if reached is None else "full")
            right.plot((facts["peak_bytes"] - facts["base_bytes"]) / count, row, marker, color=color)
    left.set(xscale="log", xlabel="seconds to 1 + 1e-4 times the best cost known (hollow: not reached by then)")
    left.set_yticks(range(len(files)), list(files))
    left.invert_yaxis()
    right.set(xscale="log", xlabel="peak memory, bytes per observation")
    for name, (label, color, marker) in SOLVERS.items():
        if any(name in solvers for solvers in files.values()):
            left.plot([], [], marker, color=color, label=label)
    figure.legend(loc="outside upper center", ncols=len(SOLVERS), frameon=False)
    return figure


def growth_picture(cities: dict[str, list[Facts]]) -> Figure:
    """Seconds per iteration and memory against the number of observations; dotted lines are proportional to it."""
    figure = Figure(figsize=(9, 3), layout="constrained")
    left, right = figure.subplots(1, 2)
    for (name, sizes), marker in zip(cities.items(), "osD^", strict=False):
        counts = np.array([facts["observations"] for facts in sizes])
        times = np.array([facts["seconds_per_iteration"] for facts in sizes])
        (line,) = left.plot(counts, times, marker=marker, label=name)
        left.plot(counts, times[0] * counts / counts[0], ":", color=line.get_color(), linewidth=0.8)
        right.plot(counts, [facts["bytes_per_observation"] for facts in sizes], marker=marker, label=name)
    left.set(xscale="log", yscale="log", xlabel="observations", ylabel="seconds per iteration")
    right.set(xscale="log", ylim=(0, None), xlabel="observations", ylabel="bytes per observation")
    if cities:
        left.legend(frameon=False)
    return figure
