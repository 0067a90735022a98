# SPDX-License-Identifier: Apache-2.0
"""What this installation is and whether it works: versions, processor, CUDA, one op per room against its reference."""

from __future__ import annotations

import importlib
import importlib.metadata
import platform
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from . import cuda, threads
from ._backend import backend, ceres
from .errors import MissingDependencyError
from .scene import Camera

# Libraries whose versions matter in a bug report: required, optional, and what shares a process with us.
LIBRARIES = (
    "numpy",
    "nanobind-backend",
    "opencv-python-headless",
    "pillow",
    "viser",
    "torch",
    "pycolmap",
    "cupy",
    "jax",
)


@dataclass(frozen=True)
class Check:
    """One op against its numpy reference: the largest difference found and the largest allowed."""

    op: str
    device: str
    error: float
    tolerance: float

    @property
    def ok(self) -> bool:
        return bool(self.error <= self.tolerance)


def run() -> dict[str, Any]:
    """Inspect the installation and run one op per room on every device against its reference.

    Returns
    -------
    dict
        ``fastcv``, ``python``, ``system``, ``libraries``, ``isa``, ``num_threads``, ``ceres``, ``cuda`` and
        ``checks``, all plain values that JSON takes; ``ok`` is True where every check passed.

    Examples
    --------
    >>> import fastcv
    >>> fastcv.doctor.run()["ok"]
    True
    """
    checks = [check(device) for check, devices in CHECKS for device in devices if device in _devices()]
    return {
        "fastcv": importlib.metadata.version("fastcv"),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "libraries": {name: version for name in LIBRARIES if (version := _version(name))},
        "isa": backend("cpu").isa(),
        "num_threads": threads.get_num_threads(),
        "ceres": _ceres_version(),
        "cuda": _cuda_facts(),
        "checks": [{**asdict(check), "ok": check.ok} for check in checks],
        "ok": all(check.ok for check in checks),
    }


def report(facts: dict[str, Any] | None = None) -> str:
    """The facts of ``run`` as text for a person."""
    facts = run() if facts is None else facts
    gpu = facts["cuda"]
    lines = [
        f"fastcv {facts['fastcv']}, Python {facts['python']}, {facts['system']}",
        f"instruction set {facts['isa']}, {facts['num_threads']} threads, Ceres {facts['ceres'] or 'not built'}",
        "CUDA " + (f"runtime {gpu['runtime']}, driver {gpu['driver'] or 'none'}" if gpu["built"] else "not built"),
        *(f"  device {i}: {name}" for i, name in enumerate(gpu["devices"])),
        "libraries: " + ", ".join(f"{name} {version}" for name, version in facts["libraries"].items()),
        *(
            f"  {'ok    ' if check['ok'] else 'FAILED'} {check['op']} on {check['device']}:"
            f" differs from its reference by {check['error']:.2g} (allowed {check['tolerance']:.2g})"
            for check in facts["checks"]
        ),
    ]
    return "\n".join(lines)


def _devices() -> list[str]:
    return ["cpu", "cuda"] if cuda.is_available() else ["cpu"]


def _on(device: str, array: Any) -> Any:
    """The array where the device's kernels can read it; GPU checks go through torch."""
    return array if device == "cpu" else importlib.import_module("torch").from_numpy(array).to(device)


def _difference(result: Any, reference: Any) -> float:
    """Largest difference, infinite where only one of them is finite."""
    result = np.asarray(result.cpu() if hasattr(result, "cpu") else result, np.float64)
    both = np.isfinite(result) & np.isfinite(reference)
    if not np.array_equal(np.isfinite(result), np.isfinite(reference)):
        return float("inf")
    return float(np.abs(result - reference)[both].max(initial=0.0))


def _camera(device: str) -> Check:
    from .camera import _reference, project

    camera = Camera("OPENCV", 640, 480, np.array([500.0, 510.0, 320.0, 240.0, -0.1, 0.01, 1e-3, -1e-3]))
    points = np.random.default_rng(0).uniform([-1, -1, 2], [1, 1, 4], (1000, 3))
    error = _difference(project(_on(device, points), camera), _reference.project(points, camera))
    return Check("camera.project", device, error, 1e-9)


def _geometry(device: str) -> Check:
    from .geometry import _reference, sampson_errors

    rng = np.random.default_rng(0)
    points1, points2, fundamental = (
        rng.uniform(0, 640, (1000, 2)),
        rng.uniform(0, 640, (1000, 2)),
        rng.normal(size=(3, 3)),
    )
    error = _difference(
        sampson_errors(_on(device, points1), _on(device, points2), _on(device, fundamental)),
        _reference.sampson_errors(points1, points2, fundamental),
    )
    return Check("geometry.sampson_errors", device, error, 1e-6)


def _ba(device: str) -> Check:
    from .ba import Problem, _reference, linearize
    from .synthetic import make_tracks

    problem = Problem.from_reconstruction(make_tracks("ring", num_images=6, num_points=50, noise_px=0.5).reconstruction)
    return Check("ba.linearize", device, _difference(linearize(problem).residuals, _reference.residuals(problem)), 1e-9)


def _ba_solve(device: str) -> Check:
    """Observations without noise: what is left of the residuals, in pixels."""
    from .ba import Problem, solve
    from .synthetic import make_tracks

    problem = Problem.from_reconstruction(make_tracks("ring", num_images=6, num_points=50).reconstruction)
    problem.points += np.random.default_rng(0).normal(0, 0.01, problem.points.shape)
    result = solve(problem, device=device, function_tolerance=0)
    return Check("ba.solve", device, float(np.abs(result.residuals).max()), 1e-6)


def _mvs(device: str) -> Check:
    from .mvs import View, _sweep_reference, plane_sweep

    images = np.random.default_rng(0).integers(0, 256, (2, 48, 64, 3), np.uint8)
    k = np.array([[64.0, 0, 32], [0, 64, 24], [0, 0, 1]])
    poses = np.array([np.eye(3, 4), np.eye(3, 4)])
    poses[1, :2, 3] = 1 / 16
    views = [View(_on(device, image), k, pose) for image, pose in zip(images, poses, strict=True)]
    plain = [View(image, k, pose) for image, pose in zip(images, poses, strict=True)]
    # Disparities of 4, 3 and 1/2 pixels: samples that the kernel need not round, so that float32 arithmetic remains.
    depths = np.array([1.0, 4 / 3, 8.0])
    costs = plane_sweep(views[0], views[1:], depths, cost="ncc")
    expected, _ = _sweep_reference.plane_sweep(plain[0], plain[1:], depths)
    error = _difference(costs, expected)
    return Check("mvs.plane_sweep", device, error, 1e-6)


def _voxels(device: str) -> Check:
    from .voxels import VoxelGrid, _reference, carve

    masks = np.random.default_rng(0).random((3, 40, 50)) < 0.9
    k = np.array([[61.7, 0, 25.3], [0, 60.9, 20.6], [0, 0, 1]])  # no voxel projects onto an edge between pixels
    cameras = np.stack([k @ np.c_[np.eye(3), [0.1 * i, 0, 2]] for i in range(3)])
    grid = VoxelGrid([-0.51, -0.52, -0.53], 1 / 30, (30, 30, 30))
    dense = carve([_on(device, mask) for mask in masks], cameras, grid).to_dense()
    return Check("voxels.carve", device, _difference(dense, _reference.carve(list(masks), cameras, grid)), 0.0)


def _nerf(device: str) -> Check:
    from .nerf import HashGrid, hash_grid
    from .nerf._reference_hash_grid import hash_grid as reference

    grid = HashGrid(levels=4, log2_table_size=8, base_resolution=4)
    points, table = np.random.default_rng(0).random((500, 3)), grid.initial_table(dtype="float64")
    result = hash_grid(_on(device, points), _on(device, table), grid)
    return Check("nerf.hash_grid", device, _difference(result, reference(points, table, grid)), 1e-15)


def _networks(device: str) -> Check:
    from .nerf import Mlp, _reference_mlp, mlp

    net = Mlp(8, 4, width=32, activation="softplus", bias=True)
    inputs, parameters = np.random.default_rng(0).random((500, 8)), net.initial_parameters(dtype="float64")
    result = mlp(_on(device, inputs), _on(device, parameters), net)
    return Check("nerf.mlp", device, _difference(result, _reference_mlp.mlp(inputs, parameters, net)), 1e-14)


def _ode(device: str) -> Check:
    """Noise included: what the formula's own rounding leaves."""
    from .ode import _reference, step

    x, v = np.random.default_rng(0).standard_normal((2, 8, 1001))
    (result,) = step([_on(device, x), _on(device, v)], [[0.9, -0.1]], noise=[0.5], seed=7)
    z = _reference.normals(1001, 7, np.arange(8), 0)
    return Check("ode.step", device, _difference(result, _reference.step([x, v], [[0.9, -0.1]], [0.5], z=z)[0]), 2e-6)


# Ops, and the devices that have them.
CHECKS: tuple[tuple[Callable[[str], Check], tuple[str, ...]], ...] = (
    (_camera, ("cpu", "cuda")),
    (_geometry, ("cpu", "cuda")),
    (_ba, ("cpu",)),
    (_ba_solve, ("cpu", "cuda")),
    (_mvs, ("cpu", "cuda")),
    (_voxels, ("cpu", "cuda")),
    (_nerf, ("cpu", "cuda")),
    (_networks, ("cpu", "cuda")),
    (_ode, ("cpu", "cuda")),
)


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _ceres_version() -> str | None:
    try:
        return ceres().version()
    except MissingDependencyError:
        return None


def _cuda_facts() -> dict[str, Any]:
    if not cuda.is_built():
        return {"built": False, "devices": []}
    module = backend("cuda")
    return {
        "built": True,
        "runtime": module.runtime_version(),
        "driver": module.driver_version(),
        "devices": [cuda.device_name(i) for i in range(cuda.device_count())],
    }
