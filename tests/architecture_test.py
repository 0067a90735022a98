# SPDX-License-Identifier: Apache-2.0
"""Holds the layer table of ARCHITECTURE.md: who may include and import what."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted(
    path for top in ("cpp", "cuda") for path in (ROOT / top).rglob("*") if path.suffix in (".cpp", ".h", ".cu", ".cuh")
)
MODULES = sorted((ROOT / "python" / "fastcv").rglob("*.py"))

HOT_ROOMS = {"ba", "meshes", "mvs", "voxels", "nerf", "ode"}
SHARED_ROOMS = {"core", "camera", "geometry"}
# Rooms whose Python composes others; the rest of the Python rooms may not import another room's internals.
APPLICATION = {"pipeline", "report", "cli"}


def includes(path: Path) -> list[str]:
    return re.findall(r'^#\s*include\s*[<"]([^>"]+)[>"]', path.read_text(), re.MULTILINE)


def included_room(include: str) -> str | None:
    """The room that an include belongs to, None for one that is not ours."""
    parts = include.split("/")
    parts = parts[1:] if parts[0] == "cuda" else parts
    return parts[0] if parts[0] in HOT_ROOMS | SHARED_ROOMS | {"bindings"} else None


def foreign(include: str) -> str | None:
    """The library behind an include that a layer may be forbidden to use."""
    for library, pattern in {
        "Eigen": r"Eigen/",
        "Ceres": r"ceres/|glog/",
        "nanobind": r"nanobind/",
        "Python": r"Python\.h",
        "CUDA": r"cuda|cub/|thrust/|cooperative_groups",
        "torch": r"torch/|ATen/|c10/",
    }.items():
        if re.match(pattern, include) and not include.startswith("cuda/"):
            return library
    return None


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_native_layers(path: Path) -> None:
    layer, room = path.relative_to(ROOT).parts[:2]
    libraries = {library for include in includes(path) if (library := foreign(include))}
    rooms = {found for include in includes(path) if (found := included_room(include))}
    if room == "bindings":
        allowed, rooms_allowed = {"nanobind", "Python"}, HOT_ROOMS | SHARED_ROOMS | {"bindings"}
    elif path.name.endswith((".hd.h", ".leaf.h", ".leaf.cpp")):
        allowed, rooms_allowed = set[str](), {"core", "camera", room}
    elif layer == "cuda":
        allowed, rooms_allowed = {"CUDA"}, {"core", "camera", "geometry", room}
    elif "ceres" in path.parts:
        allowed, rooms_allowed = {"Ceres", "Eigen"}, {"core", "camera", "geometry", "ba"}
    elif room == "core":
        allowed, rooms_allowed = set[str](), {"core"}
    else:
        allowed, rooms_allowed = {"Eigen"}, {"core", "camera", "geometry", room}
    assert libraries <= allowed, f"{relative(path)} may not use {libraries - allowed}"
    assert rooms <= rooms_allowed, f"{relative(path)} may not include from {rooms - rooms_allowed}"


@pytest.mark.parametrize("path", [p for p in SOURCES if ".leaf." in p.name or ".hd." in p.name], ids=relative)
def test_leaves_and_device_code_use_no_containers(path: Path) -> None:
    allowed = {"cmath", "type_traits", "cstdint", "cstddef", "cfloat", "climits"}
    standard = {i for i in includes(path) if "/" not in i and not i.endswith(".h")}
    assert standard <= allowed | {"limits"}, f"{relative(path)} includes {standard - allowed}"
    assert not re.search(r"\bstd::(vector|string|map|function|array)\b|\bthrow\b", path.read_text())


def imports(path: Path) -> set[str]:
    """Absolute names of what a module imports, TYPE_CHECKING blocks and function bodies included."""
    package = ["fastcv", *path.relative_to(ROOT / "python" / "fastcv").with_suffix("").parts][:-1]
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            stem = ".".join([*base, *([node.module] if node.module else [])])
            found |= {f"{stem}.{alias.name}" if node.level else stem for alias in node.names}
    return found


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_python_layers(path: Path) -> None:
    parts = path.relative_to(ROOT / "python" / "fastcv").with_suffix("").parts
    room = parts[0]
    found = imports(path)
    if not parts[-1].startswith("_torch"):
        assert not {name for name in found if name.split(".")[0] == "torch"}, "only _torch*.py imports torch"
    native = {name for name in found if re.match(r"fastcv\._(core|cuda|ceres)\b", name)}
    assert not native, f"native modules are reached through _backend, not by {native}"
    if room in APPLICATION | {"io"}:
        private = {name for name in found if re.match(r"fastcv\.(?!_)\w+\._", name) and f"fastcv.{room}." not in name}
        assert not private, f"{relative(path)} uses another room's internals: {private}"
        assert "fastcv._backend" not in {n.rsplit(".", 1)[0] for n in found} or room == "cli"
    if room == "io":
        plain = {"io", "errors", "scene", "mesh", "_extras"}
        rooms = {n.split(".")[1] for n in found if n.startswith("fastcv.")} - plain
        assert not rooms, f"io reads files and knows no rooms, but imports {rooms}"


def test_jax_has_a_process_of_its_own() -> None:
    """It starts threads, and tests fork; arrays_test.py runs the file that imports it."""
    files = {
        path.name for path in (ROOT / "tests").rglob("*.py") if re.search(r"import\w*[ (\"]+jax", path.read_text())
    }
    assert files == {"jax_cases.py"}


def test_every_source_names_its_licence() -> None:
    missing = [
        relative(path)
        for path in [*SOURCES, *MODULES, *(ROOT / "tests").rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py")]
        if "SPDX-License-Identifier: Apache-2.0" not in path.read_text()[:200]
    ]
    assert not missing
