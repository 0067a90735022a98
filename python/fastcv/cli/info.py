# SPDX-License-Identifier: Apache-2.0
"""``fastcv info``: what this installation is, or what a file or folder holds."""

from __future__ import annotations

import json as json_module
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro

from .. import io
from ..errors import FormatError

Facts = dict[str, Any]


def info(path: Annotated[Path | None, tyro.conf.Positional] = None, /, json: bool = False) -> int:
    """Say what this installation is and whether it works, or what a file or folder holds.

    Understands run folders of ``reconstruct``, ``mvs``, ``carve``, ``fuse``, ``nerf`` and ``ba``, COLMAP models and
    databases, BAL problems, PLY, PFM, photographs and folders of them. Without a path: versions, processor, CUDA, and
    one op of each room against its reference; exit code 1 where one differs.

    Args:
        path: File or folder.
        json: Print one JSON object on standard output.
    """
    if path is None:
        from .. import doctor

        facts = doctor.run()
        print(json_module.dumps(facts) if json else doctor.report(facts))
        return 0 if facts["ok"] else 1
    facts = describe(path)
    print(json_module.dumps(facts) if json else _text(facts))
    return 0


def describe(path: Path) -> Facts:
    """What a file or folder holds, as values for JSON.

    Raises
    ------
    FileNotFoundError
        There is nothing.
    FormatError
        It is of no kind that fastcv reads, or damaged.
    """
    if not path.exists():
        raise FileNotFoundError(f"{path}: expected a file or folder, got nothing there")
    if path.is_dir():
        return _describe_folder(path)
    readers: dict[tuple[str, ...], Callable[[Path], Facts]] = {
        io.PHOTO_SUFFIXES: _photo,
        (".ply",): _ply,
        (".pfm",): _pfm,
        (".db",): _database,
        (".bin",): _colmap_array,
        (".txt", ".bz2", ".gz", ".xz"): _bal,
    }
    for suffixes, reader in readers.items():
        if path.suffix.lower() in suffixes:
            return reader(path)
    raise FormatError(path, f"expected a file that ends with {', '.join(s for group in readers for s in group)}")


def _describe_folder(path: Path) -> Facts:
    if (path / "manifest.json").exists():
        return _run_folder(path)
    if any((path / f"cameras{suffix}").exists() for suffix in (".bin", ".txt")):
        return _model(path)
    photos = io.list_photos(path)
    if photos:
        return _photos(photos)
    raise FormatError(path, "expected a run folder, a COLMAP model or photographs, found none of them")


def _run_folder(path: Path) -> Facts:
    from ..pipeline import (
        CARVE_STAGES,
        DENSIFY_STAGES,
        FUSE_STAGES,
        NERF_STAGES,
        STAGES,
        folder_command,
        read_manifest,
    )

    command = folder_command(path)
    if command == "ba":
        return {"kind": "run folder of ba"} | _json(path / "result.json", "result")
    stages = read_manifest(path)
    names = {
        "reconstruct": STAGES,
        "mvs": DENSIFY_STAGES,
        "carve": CARVE_STAGES,
        "fuse": FUSE_STAGES,
        "nerf": NERF_STAGES,
    }[command]
    facts: Facts = {"kind": "run folder" if command == "reconstruct" else f"run folder of {command}"}
    for stage in names:
        record = stages.get(stage, {"items": {}, "seconds": 0.0})
        facts[stage] = f"{len(record['items'])} results, {record['seconds']:.1f} s" if record["items"] else "not there"
    return facts | _json(path / "summary.json", "summary")


def _json(path: Path, name: str) -> Facts:
    """What a finished run says about itself."""
    facts: Facts = {"finished": path.exists()}
    if path.exists():
        facts[name] = json_module.loads(path.read_text())
    return facts


def _model(path: Path) -> Facts:
    model = io.read_colmap(path)
    image_ids, _, _ = model.observations()
    errors = model.points3D.error[model.points3D.error >= 0]
    return {
        "kind": "COLMAP model",
        "images": len(model.images),
        "points": len(model.points3D),
        "observations": len(image_ids),
        "mean point error / px": float(errors.mean()) if len(errors) else None,
        "cameras": {
            str(key): f"{camera.model}, {camera.width} x {camera.height} px, "
            + ", ".join(f"{n} {v:.6g}" for n, v in zip(camera.param_names, camera.params, strict=True))
            for key, camera in sorted(model.cameras.items())
        },
    }


def _photos(paths: list[Path]) -> Facts:
    sizes: Counter[str] = Counter()
    cameras: Counter[str] = Counter()
    damaged: dict[str, str] = {}
    for path in paths:
        try:
            photo = io.read_photo_info(path)
        except FormatError as error:
            damaged[path.name] = str(error)
            continue
        sizes[f"{photo.width} x {photo.height} px"] += 1
        focal = f"focal length {photo.focal_length_px:.1f} px" if photo.focal_length_px else "no focal length"
        cameras[", ".join(word for word in (photo.make, photo.model, focal) if word)] += 1
    return {
        "kind": "photographs",
        "photographs": len(paths),
        "sizes": dict(sizes),
        "cameras": dict(cameras),
        "unreadable": damaged,
    }


def _photo(path: Path) -> Facts:
    photo = io.read_photo_info(path)
    return {
        "kind": "photograph",
        "width": photo.width,
        "height": photo.height,
        "focal length / px": photo.focal_length_px,
        "camera": " ".join(word for word in (photo.make, photo.model) if word) or None,
        "taken": photo.captured_at.isoformat() if photo.captured_at else None,
    }


def _ply(path: Path) -> Facts:
    arrays = io.read_ply(path)
    facts: Facts = {"kind": "PLY"} | {name: list(array.shape) for name, array in arrays.items()}
    if len(arrays["xyz"]):
        facts["lowest"], facts["highest"] = arrays["xyz"].min(axis=0).tolist(), arrays["xyz"].max(axis=0).tolist()
    return facts


def _pfm(path: Path) -> Facts:
    return {"kind": "PFM"} | _range(io.read_pfm(path))


def _colmap_array(path: Path) -> Facts:
    return {"kind": "COLMAP dense map"} | _range(io.read_colmap_array(path))


def _range(array: np.ndarray) -> Facts:
    """Size and values; zero stands for none in depth maps."""
    valid = array[np.isfinite(array) & (array != 0)]
    return {
        "height": array.shape[0],
        "width": array.shape[1],
        "values other than 0": f"{valid.size / max(array.size, 1):.1%}",
        "smallest": float(valid.min()) if valid.size else None,
        "median": float(np.median(valid)) if valid.size else None,
        "largest": float(valid.max()) if valid.size else None,
    }


def _database(path: Path) -> Facts:
    database = io.read_colmap_database(path, descriptors=False)
    return {
        "kind": "COLMAP database",
        "cameras": len(database.cameras),
        "images": len(database.images),
        "keypoints": sum(map(len, database.keypoints.values())),
        "matched pairs": len(database.matches),
        "verified pairs": len(database.two_view_geometries),
    }


def _bal(path: Path) -> Facts:
    problem = io.read_bal(path)
    return {
        "kind": "bundle adjustment problem (BAL)",
        "cameras": len(problem.cam_from_world),
        "points": len(problem.points),
        "observations": len(problem.observations),
    }


def _text(facts: Facts, indent: str = "") -> str:
    lines = []
    for name, value in facts.items():
        if isinstance(value, dict):
            lines.append(f"{indent}{name}:" + ("" if value else " none"))
            lines += [_text(value, indent + "  ")] if value else []
        else:
            shown = "unknown" if value is None else json_module.dumps(value) if isinstance(value, list) else value
            lines.append(f"{indent}{name}: {shown}")
    return "\n".join(lines)
