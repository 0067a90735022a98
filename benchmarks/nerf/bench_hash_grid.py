# SPDX-License-Identifier: Apache-2.0
"""The hash grid against torch, JAX and Dr.Jit: 2^18 points, 16 levels of 2 features, resolutions 16 to 2048.

The peers are what people write, or what libraries fall back to, where there is no GPU. ``gathers`` is how many entries
a run reads or changes at random places, to set beside how many a machine can. Ours writes to arrays that are kept; what
new ones cost is a contestant of its own.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from benchmarks._harness import Check, Contest, case

from fastcv import get_num_threads
from fastcv.nerf import HashGrid, hash_grid, hash_grid_vjp

PRIMES = (1, 2654435761, 805459861)
LEVEL_LOOP = "torch, level by level", torch.__version__
ALL_LEVELS = "torch, all levels", torch.__version__
CORNERS = np.array(list(np.ndindex(2, 2, 2)))


def inputs(contest: Contest, log2_table_size: int) -> tuple[HashGrid, np.ndarray, np.ndarray, np.ndarray]:
    """Grid, points, table and a gradient by the features."""
    grid = HashGrid.between(16, 2048, log2_table_size=log2_table_size)
    rng = np.random.default_rng(0)
    rows = 2**14 if contest.quick else 2**18
    points = rng.random((rows, 3), np.float32) * np.float32(0.999)  # beyond, peers do not wrap dense levels alike
    table = rng.normal(size=(grid.num_entries, 2)).astype(np.float32)
    grad = rng.normal(size=(rows, grid.width)).astype(np.float32)
    contest.note(points=rows, levels=16, features=2, log2_table_size=log2_table_size, table_bytes=table.nbytes)
    contest.note(gathers=rows * 16 * 8, threads=get_num_threads())
    torch.set_num_threads(get_num_threads())
    return grid, points, table, grad


def close(tolerance: float, part: int | None = None) -> Check:
    """All values within a tolerance, relative to the largest; ``part`` of what a peer returns."""

    def check(ours: Any, theirs: Any) -> tuple[str, bool]:
        a, b = np.asarray(ours, np.float64), np.asarray(theirs if part is None else theirs[part], np.float64)
        worst = float(np.abs(a - b).max() / np.abs(b).max())
        return f"max difference {worst:.2g} <= {tolerance:g} of the largest value", worst <= tolerance

    return check


def corner_entries(cell: torch.Tensor, corner: np.ndarray, grid: HashGrid, level: int) -> torch.Tensor:
    """Rows of the table for a corner of cells (N, 3)."""
    x, y, z = (cell[:, d] + int(corner[d]) for d in range(3))
    size = int(grid.sizes[level])
    if grid.hashed[level]:
        number = (x ^ (y * PRIMES[1]) ^ (z * PRIMES[2])) & (size - 1)
    else:
        side = int(grid.resolutions[level])
        number = (x + y * side + z * side * side) % size
    return number + int(grid.offsets[level])


def torch_level_loop(points: torch.Tensor, table: torch.Tensor, grid: HashGrid) -> torch.Tensor:
    """A level at a time, a corner at a time."""
    features = []
    for level in range(grid.levels):
        at = points * float(grid.scales[level]) + 0.5
        cell = at.long()
        t = at - cell
        total = torch.zeros((len(points), 2))
        for corner in CORNERS:
            weight = torch.where(torch.from_numpy(corner) == 1, t, 1 - t).prod(1, keepdim=True)
            total = total + weight * table[corner_entries(cell, corner, grid, level)]
        features.append(total)
    return torch.cat(features, 1)


def torch_all_levels(points: torch.Tensor, table: torch.Tensor, grid: HashGrid) -> torch.Tensor:
    """All levels in one (N, levels, 3) array and successive interpolation, as nerfstudio does without tiny-cuda-nn.

    Unlike nerfstudio's, which hashes them too, coarse levels are dense here, so that results agree.
    """
    at = points[:, None] * torch.from_numpy(grid.scales)[:, None] + 0.5
    cell = at.long()
    t = at - cell

    def look_up(corner: np.ndarray) -> torch.Tensor:
        rows = [corner_entries(cell[:, level], corner, grid, level) for level in range(grid.levels)]
        return table[torch.stack(rows, 1)]

    values = [look_up(corner) for corner in CORNERS]  # z fastest
    along_z = [a + (b - a) * t[..., 2:] for a, b in zip(values[::2], values[1::2], strict=True)]
    along_y = [a + (b - a) * t[..., 1:2] for a, b in zip(along_z[::2], along_z[1::2], strict=True)]
    return (along_y[0] + (along_y[1] - along_y[0]) * t[..., :1]).flatten(1)


def jax_features(grid: HashGrid) -> tuple[Any, Callable]:
    jax = importlib.import_module("jax")
    jnp = jax.numpy

    def features(points: Any, table: Any) -> Any:
        parts = []
        for level in range(grid.levels):
            at = points * np.float32(grid.scales[level]) + np.float32(0.5)
            cell = at.astype(jnp.uint32)
            t = at - cell
            total = 0.0
            for corner in CORNERS:
                weight = jnp.prod(jnp.where(corner == 1, t, 1 - t), axis=1, keepdims=True)
                x, y, z = (cell[:, d] + jnp.uint32(corner[d]) for d in range(3))
                size, side = jnp.uint32(grid.sizes[level]), jnp.uint32(grid.resolutions[level])
                if grid.hashed[level]:
                    number = (x ^ (y * jnp.uint32(PRIMES[1])) ^ (z * jnp.uint32(PRIMES[2]))) & (size - 1)
                else:
                    number = (x + y * side + z * side * side) % size
                total = total + weight * table[number + jnp.uint32(grid.offsets[level])]
            parts.append(total)
        return jnp.concatenate(parts, axis=1)

    return jax, features


def drjit_features(grid: HashGrid, points: np.ndarray) -> tuple[Any, Any, Callable]:
    """Dr.Jit's LLVM backend: one kernel a level, features (levels, 2, N) as its arrays are."""
    dr, ad = importlib.import_module("drjit"), importlib.import_module("drjit.llvm.ad")
    dr.set_thread_count(get_num_threads())
    columns = [ad.Float(np.ascontiguousarray(points[:, d])) for d in range(3)]

    def features(table: Any) -> list[Any]:
        result = []
        for level in range(grid.levels):
            at = [x * float(grid.scales[level]) + 0.5 for x in columns]
            cell = [ad.UInt(a) for a in at]
            t = [a - ad.Float(c) for a, c in zip(at, cell, strict=True)]
            total = [ad.Float(0), ad.Float(0)]
            for corner in CORNERS:
                weight = ad.Float(1)
                for d in range(3):
                    weight *= t[d] if corner[d] else 1 - t[d]
                x, y, z = (cell[d] + int(corner[d]) for d in range(3))
                size, side = int(grid.sizes[level]), int(grid.resolutions[level])
                hashed = (x ^ (y * ad.UInt(PRIMES[1])) ^ (z * ad.UInt(PRIMES[2]))) & (size - 1)
                number = hashed if grid.hashed[level] else (x + y * side + z * side * side) % size
                entry = (number + int(grid.offsets[level])) * 2
                total = [f + weight * dr.gather(ad.Float, table, entry + k) for k, f in enumerate(total)]
            result += total
        return result

    return dr, ad, features


def optional(contest: Contest, name: str, add: Callable[[], None]) -> None:
    """A peer that is not in the extra fastcv[bench]: named in the notes where it cannot be loaded."""
    try:
        add()
    except Exception as error:  # Dr.Jit raises its own kinds where LLVM is not found
        contest.note(**{f"no_{name}": str(error).splitlines()[0]})


def forward(contest: Contest, log2_table_size: int) -> None:
    grid, points, table, _ = inputs(contest, log2_table_size)
    out = np.empty((len(points), grid.width), np.float32)
    contest.bound(read_write_bytes=points.nbytes + out.nbytes)
    contest.ours(lambda: hash_grid(points, table, grid, out=out))
    contest.peer("fastcv, new arrays", "", lambda: hash_grid(points, table, grid), check=close(0))
    half, half_out = table.astype(np.float16), np.empty_like(out)
    # Half precision has 11 bits.
    by_half = "fastcv, float16 table"
    contest.peer(by_half, "", lambda: hash_grid(points, half, grid, out=half_out), check=close(1e-3))
    p, t = torch.from_numpy(points), torch.from_numpy(table)
    contest.peer(*LEVEL_LOOP, lambda: torch_level_loop(p, t, grid), check=close(1e-4))
    contest.peer(*ALL_LEVELS, lambda: torch_all_levels(p, t, grid), check=close(1e-4))

    def add_jax() -> None:
        jax, features = jax_features(grid)
        compiled, args = jax.jit(features), (jax.numpy.asarray(points), jax.numpy.asarray(table))
        compiled(*args)  # compiles
        # XLA contracts positions on the grid, of up to 2048 cells, to other float32 numbers.
        contest.peer("jax", jax.__version__, lambda: compiled(*args).block_until_ready(), check=close(3e-4))

    def add_drjit() -> None:
        dr, ad, features = drjit_features(grid, points)
        flat = ad.Float(table.ravel())

        def run() -> np.ndarray:
            result = features(flat)
            dr.eval(result)
            dr.sync_thread()
            return result

        run()  # compiles
        contest.peer("drjit", dr.__version__, run, check=lambda a, b: close(1e-4)(a, np.stack(b, 1)))

    optional(contest, "jax", add_jax)
    optional(contest, "drjit", add_drjit)


def backward(contest: Contest, log2_table_size: int) -> None:
    """The gradient by the table alone, of features that are there; Dr.Jit's and JAX's runs make them anew."""
    grid, points, table, grad = inputs(contest, log2_table_size)
    contest.bound(read_write_bytes=points.nbytes + grad.nbytes + table.nbytes)
    p, t, g = torch.from_numpy(points), torch.from_numpy(table).requires_grad_(), torch.from_numpy(grad)

    def gradient(run: Callable) -> Callable:
        features = run(p, t, grid)
        return lambda: torch.autograd.grad(features, t, g, retain_graph=True)[0]

    by_table = np.empty_like(table)
    contest.ours(lambda: hash_grid_vjp(points, table, grid, grad, out=(None, by_table)).table)
    contest.peer("fastcv, torch's new arrays", "", gradient(hash_grid), check=close(0))
    contest.peer(*LEVEL_LOOP, gradient(torch_level_loop), check=close(1e-4))
    contest.peer(*ALL_LEVELS, gradient(torch_all_levels), check=close(1e-4))
    both = "fastcv, by points too"
    kept = np.empty_like(points), np.empty_like(table)
    contest.peer(both, "", lambda: hash_grid_vjp(points, table, grid, grad, out=kept), check=close(0, part=1))

    def add_jax() -> None:
        jax, features = jax_features(grid)
        args = [jax.numpy.asarray(a) for a in (points, table, grad)]
        vjp = jax.jit(lambda p, t, g: jax.vjp(lambda table: features(p, table), t)[1](g)[0])
        vjp(*args)  # compiles
        contest.peer("jax", jax.__version__, lambda: vjp(*args).block_until_ready(), check=close(1e-4))

    def add_drjit() -> None:
        dr, ad, features = drjit_features(grid, points)
        columns = [ad.Float(np.ascontiguousarray(grad[:, k])) for k in range(grid.width)]

        def run() -> np.ndarray:
            flat = ad.Float(table.ravel())
            dr.enable_grad(flat)
            dr.backward(sum(f * c for f, c in zip(features(flat), columns, strict=True)))
            result = dr.grad(flat)
            dr.eval(result)
            dr.sync_thread()
            return result

        run()  # compiles
        contest.peer("drjit", dr.__version__, run, check=lambda a, b: close(1e-4)(a, np.reshape(b, (-1, 2))))

    optional(contest, "jax", add_jax)
    optional(contest, "drjit", add_drjit)


@case
def hash_grid_19(contest: Contest) -> None:
    forward(contest, 19)


@case
def hash_grid_16(contest: Contest) -> None:
    forward(contest, 16)


@case
def hash_grid_backward_19(contest: Contest) -> None:
    backward(contest, 19)


@case
def hash_grid_backward_16(contest: Contest) -> None:
    backward(contest, 16)
