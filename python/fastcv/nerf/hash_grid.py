# SPDX-License-Identifier: Apache-2.0
"""Features of points from a multiresolution hash grid, and their gradients."""

from __future__ import annotations

from typing import Any, NamedTuple

from .._arrays import FLOATS, Call, dtype_name, handle
from .grid import HashGrid


class HashGridGradients(NamedTuple):
    """Gradients by what :func:`hash_grid` was given.

    Parameters
    ----------
    points : (N, D) array
        In the points' dtype; 0 along coordinates that lie beside [0, 1] or are NaN.
    table : (num_entries, features) array
        In the points' dtype, also where the table is in half precision.
    """

    points: Any
    table: Any


def _inputs(call: Call, points: Any, table: Any, grid: HashGrid) -> tuple[Any, Any]:
    points = call.input("points", points, ("N", grid.dims), FLOATS)
    dtype = dtype_name(points)
    dtypes = ("float32", "float16") if dtype == "float32" else (dtype,)
    return points, call.input("table", table, (grid.num_entries, grid.features), dtypes)


def hash_grid(
    points: Any, table: Any, grid: HashGrid, *, max_level: int | None = None, out: Any = None, num_threads: int = 0
) -> Any:
    """Features of points: at each level those of the cell's corners, interpolated; levels side by side.

    Parameters
    ----------
    points : (N, D) float32 or float64 array
        In the unit box. A coordinate beside [0, 1] counts as the nearest in it, NaN as 0; no gradient flows along it.
    table : (num_entries, features) array
        In the points' dtype, or float16 with float32 points: it is stored in half precision then, and all arithmetic is
        done in single.
    grid : HashGrid
        How many levels there are and where they lie in the table.
    max_level : int, optional
        Levels from this one on give 0 and get no gradient: coarse to fine. All count where it is None.
    out : (N, levels * features) array, optional
        Where to write the result, in the points' dtype. No gradients then.
    num_threads : int, optional
        Threads to use; 0 is the default of ``fastcv.set_num_threads``. No result depends on it.

    Returns
    -------
    (N, levels * features) array
        In the points' dtype; the features of level l are columns ``l * features`` and on.

    Raises
    ------
    TypeError, ValueError
        For another dtype or shape, or a ``max_level`` that the grid does not have.

    Notes
    -----
    torch tensors get gradients by the points and the table, and second ones: gradients of the gradient by the points
    (an eikonal loss) flow to the table, the points and what is upstream.

    References
    ----------
    Müller et al. 2022, "Instant neural graphics primitives with a multiresolution hash encoding". docs/encodings.md
    has the formulas.

    Examples
    --------
    >>> from fastcv import nerf
    >>> grid = nerf.HashGrid(dims=2, levels=2, features=1, base_resolution=4)
    >>> table = np.arange(grid.num_entries, dtype=np.float32)[:, None]
    >>> nerf.hash_grid(np.array([[0.5, 0.5]], np.float32), table, grid)
    array([[10., 52.]], dtype=float32)
    """
    call = Call()
    points, table = _inputs(call, points, table, grid)
    execution = call.execution(num_threads)
    if call.is_torch and out is None:
        from . import _torch_hash_grid

        return _torch_hash_grid.hash_grid(points, table, grid, max_level, num_threads)
    if call.is_torch and (points.requires_grad or table.requires_grad):
        raise ValueError("out: expected None where a gradient is required, got a tensor")
    out = call.output("out", out, ("N", grid.width), dtype_name(points))
    call.backend.nerf.hash_grid(grid.packed(max_level), handle(table), handle(points), None, handle(out), execution)
    return call.result(out)


def hash_grid_vjp(
    points: Any,
    table: Any,
    grid: HashGrid,
    grad: Any,
    *,
    max_level: int | None = None,
    out: tuple[Any, Any] | None = None,
    accumulate: bool = False,
    num_threads: int = 0,
) -> HashGridGradients:
    """Gradients by points and table of a number whose gradient by the features is known.

    For arrays whose framework does not differentiate; torch tensors get theirs by ``backward()``.

    Parameters
    ----------
    points, table, grid, max_level, num_threads
        As for :func:`hash_grid`.
    grad : (N, levels * features) array
        The gradient by the features, in the points' dtype.
    out : pair of arrays or None, optional
        Where to write the gradients by the points, (N, D), and by the table, (num_entries, features), in the points'
        dtype. One whose place is None is not computed. Training keeps them: new memory can cost more than the work.
    accumulate : bool, optional
        Add the gradient by the table to what ``out`` holds.

    Returns
    -------
    HashGridGradients
        Nothing here is differentiable further. None for what is not computed.

    Raises
    ------
    TypeError, ValueError
        As for :func:`hash_grid`; for ``accumulate`` without a place for the gradient by the table.

    Examples
    --------
    >>> from fastcv import nerf
    >>> grid = nerf.HashGrid(dims=2, levels=1, features=1, base_resolution=4)
    >>> table = np.arange(grid.num_entries, dtype=np.float32)[:, None]
    >>> points = np.array([[0.5, 0.5]], np.float32)
    >>> nerf.hash_grid_vjp(points, table, grid, np.ones((1, 1), np.float32)).points
    array([[ 3., 12.]], dtype=float32)
    """
    call = Call()
    points, table = _inputs(call, points, table, grid)
    dtype = dtype_name(points)
    grad = call.input("grad", grad, ("N", grid.width), (dtype,))
    layout, execution, native = grid.packed(max_level), call.execution(num_threads), call.backend.nerf
    shapes: list[tuple[int | str, int]] = [("N", grid.dims), (grid.num_entries, grid.features)]
    if out is None:
        by_points, by_table = (call.empty(shape, dtype) for shape in shapes)
    else:
        places = zip(HashGridGradients._fields, out, shapes, strict=True)
        by_points, by_table = (
            None if array is None else call.output(f"out.{name}", array, shape, dtype) for name, array, shape in places
        )
    if accumulate and (out is None or by_table is None):
        raise ValueError("accumulate: expected out with a place for the gradient by the table, got none")
    if by_points is not None:
        native.hash_grid_points_vjp(
            layout, handle(table), handle(points), None, handle(grad), handle(by_points), execution
        )
    if by_table is not None:
        native.hash_grid_table_vjp(layout, handle(points), None, handle(grad), handle(by_table), accumulate, execution)
    return HashGridGradients(*(None if array is None else call.result(array) for array in (by_points, by_table)))
