# SPDX-License-Identifier: Apache-2.0
"""Hash grids on torch tensors: first and second gradients, opcheck, torch.compile, torch.func."""

from __future__ import annotations

import numpy as np
import pytest

from fastcv.nerf import HashGrid, hash_grid, hash_grid_vjp

torch = pytest.importorskip("torch")
from fastcv.nerf import _torch_hash_grid as ops  # noqa: E402

SMALL = [(2, 1, "linear"), (2, 2, "smoothstep"), (3, 2, "linear"), (3, 4, "smoothstep"), (4, 1, "smoothstep")]


@pytest.fixture
def dev(device):
    return device.name


@pytest.fixture(params=SMALL, ids=lambda shape: "-".join(map(str, shape)))
def few(request, dev):
    """A grid with a dense and a hashed level, points within cells, and a table."""
    dims, features, interpolation = request.param
    options = {"log2_table_size": 5, "base_resolution": 2, "growth": 3.1, "interpolation": interpolation}
    grid = HashGrid(dims, 2, features, **options)
    assert grid.hashed.tolist() == [False, True]
    generator = torch.Generator().manual_seed(0)
    cells = torch.randint(0, 5, (3, dims), generator=generator)
    # Derivatives jump between cells: a tenth of a cell and more from those of the finer level (scale 5.2).
    points = (cells + torch.rand((3, dims), generator=generator) * 0.8 + 0.1 - 0.5).clamp(0.05, 5.1) / float(
        grid.scales[1]
    )
    table = torch.randn((grid.num_entries, features), generator=generator)
    return grid, *(t.to(dev, torch.float64).requires_grad_() for t in (points, table))


def test_first_and_second_gradients(few):
    grid, points, table = few
    assert torch.autograd.gradcheck(lambda p, t: hash_grid(p, t, grid), (points, table))
    assert torch.autograd.gradgradcheck(lambda p, t: hash_grid(p, t, grid), (points, table))


def test_eikonal_loss(few):
    """A loss of the gradient by the points; its gradients by points and table."""
    grid, points, table = few

    def loss(points, table):
        signed_distance = hash_grid(points, table, grid).sum()
        (gradient,) = torch.autograd.grad(signed_distance, points, create_graph=True)
        return (gradient.norm(dim=1) - 1).square().mean()

    assert torch.autograd.gradcheck(loss, (points, table))


def peer(points, table, grid):
    """The definition in torch's own operations, for hashed linear levels in 3-D alone."""
    result = []
    for level in range(grid.levels):
        at = points * float(grid.scales[level]) + 0.5
        cell = at.floor()
        t, total = at - cell, 0
        for corner in np.ndindex(2, 2, 2):
            bits = torch.tensor(corner)
            x, y, z = (cell.long() + bits).unbind(1)
            entries = (x ^ (y * 2654435761) ^ (z * 805459861)) % int(grid.sizes[level])
            total = (
                total + torch.where(bits == 1, t, 1 - t).prod(1)[:, None] * table[int(grid.offsets[level]) + entries]
            )
        result.append(total)
    return torch.cat(result, 1)


def test_against_torch_s_own_operations():
    grid = HashGrid(3, 4, 2, log2_table_size=9, base_resolution=16, growth=1.4)
    assert grid.hashed.all()
    generator = torch.Generator().manual_seed(1)
    points, table = torch.rand((300, 3), generator=generator), torch.randn((grid.num_entries, 2), generator=generator)
    weights = torch.randn((300, 8), generator=generator)
    results = []
    for run, dtype in ((hash_grid, torch.float32), (hash_grid, torch.float64), (peer, torch.float64)):
        p, t = (x.clone().to(dtype).requires_grad_() for x in (points, table))
        features = run(p, t, grid)
        (features * weights).sum().backward()
        results.append([x.double().numpy() for x in (features.detach(), p.grad, t.grad)])
    single, ours, theirs = results
    for a, b, c, tolerance in zip(single, ours, theirs, (2e-5, 2e-3, 2e-4), strict=True):
        np.testing.assert_allclose(b, c, rtol=0, atol=1e-11)
        np.testing.assert_allclose(a, c, rtol=0, atol=tolerance)  # positions in 60 cells to 4e-6 of one


def test_half_precision(dev):
    grid = HashGrid(2, 3, 2, log2_table_size=6)
    points, grad = torch.rand((50, 2), device=dev, requires_grad=True), torch.randn((50, 6), device=dev)
    table = torch.randn((grid.num_entries, 2), device=dev).half().requires_grad_()
    hash_grid(points, table, grid).backward(grad)
    stored = table.detach().cpu().numpy()
    expected = hash_grid_vjp(points.detach().cpu().numpy(), stored, grid, grad.cpu().numpy())
    assert table.grad.dtype == torch.float16
    tolerance = 0 if dev == "cpu" else 1e-6  # sums as integers on a GPU
    np.testing.assert_allclose(points.grad.cpu(), expected.points, rtol=tolerance)
    np.testing.assert_allclose(table.grad.cpu(), expected.table.astype(np.float16), rtol=1e-3 if tolerance else 0)


def test_opcheck(few):
    grid, points, table = few
    numbers = grid.numbers()
    grad = torch.rand((3, grid.width), dtype=torch.float64, device=points.device, requires_grad=True)
    for op, arrays in ((ops.features, [table]), (ops.points_vjp, [table, grad]), (ops.table_vjp, [grad])):
        torch.library.opcheck(op, (points, None, *arrays, numbers, 0))
        plain = [array.detach() for array in (points, points, *arrays)]
        torch.library.opcheck(op, (*plain, numbers, 0))


def test_compile(few):
    grid, points, table = few

    def loss(points, table):
        return hash_grid(points, table, grid, max_level=1).square().sum()

    results = []
    for run in (loss, torch.compile(loss, fullgraph=True, backend="aot_eager")):
        inputs = [t.detach().clone().requires_grad_() for t in (points, table)]
        value = run(*inputs)
        value.backward()
        results.append([value.detach(), *(t.grad for t in inputs)])
    for eager, compiled in zip(*results, strict=True):
        assert torch.equal(eager, compiled)


def test_func(few):
    """torch.func's gradients, and vmap over batches of points and of gradients."""
    grid, points, table = few
    points, table = points.detach(), table.detach()
    gradient = torch.func.grad(lambda p: hash_grid(p, table, grid).sum())(points)
    expected = hash_grid_vjp(*(t.cpu().numpy() for t in (points, table)), grid, np.ones((3, grid.width)))
    np.testing.assert_allclose(gradient.cpu(), expected.points, rtol=0, atol=1e-12)
    batch = torch.stack([points, points.flip(0)])
    features = torch.func.vmap(lambda p: hash_grid(p, table, grid))(batch)
    assert torch.equal(features, torch.stack([hash_grid(p, table, grid) for p in batch]))
    jacobian = torch.func.jacrev(lambda t: hash_grid(points, t, grid))(table)
    product = (jacobian * table).sum((-2, -1))  # features are linear in the table
    np.testing.assert_allclose(product.cpu(), hash_grid(points, table, grid).cpu(), rtol=0, atol=1e-12)
    tables = torch.stack([table, 2 * table])
    features = torch.func.vmap(lambda t: hash_grid(points, t, grid))(tables)
    assert torch.equal(features[1], 2 * features[0])


def test_autocast_leaves_single_precision_alone(few):
    grid, points, table = few
    points, table = points.detach().float(), table.detach().float()
    with torch.autocast(points.device.type, dtype=torch.bfloat16):
        assert torch.equal(hash_grid(points, table, grid), hash_grid(points, table, grid).float())


def test_out(few):
    grid, points, table = few
    out = torch.empty((3, grid.width), dtype=torch.float64, device=points.device)
    assert hash_grid(points.detach(), table.detach(), grid, out=out) is out
    assert torch.equal(out, hash_grid(points, table, grid))
    with pytest.raises(ValueError, match=r"^out: expected None where a gradient is required, got a tensor$"):
        hash_grid(points, table.detach(), grid, out=out)


def test_third_derivatives_are_refused(few):
    grid, points, table = few
    (first,) = torch.autograd.grad(hash_grid(points, table, grid).sum(), points, create_graph=True)
    (second,) = torch.autograd.grad(first.square().sum(), table, create_graph=True)
    with pytest.raises(NotImplementedError, match=r"^hash_grid: expected first or second derivatives"):
        torch.autograd.grad(second.square().sum(), points)


def test_layouts_and_empty():
    grid = HashGrid(3, 2, 2, log2_table_size=6)
    table = torch.nn.Parameter(torch.randn(grid.num_entries, 2))
    points = torch.rand(3, 20).T.requires_grad_()
    expected = hash_grid(points.contiguous(), table, grid)
    result = hash_grid(points, table, grid)
    assert torch.equal(result, expected)
    result.sum().expand(1).backward()  # an upstream gradient without strides
    assert points.grad.shape == (20, 3)
    assert table.grad.shape == table.shape
    table.grad = None
    hash_grid(points[:0], table, grid).sum().backward()
    assert not table.grad.any()
