# SPDX-License-Identifier: Apache-2.0
"""Blocks of bits to dense volumes and back."""

from __future__ import annotations

import re

import numpy as np
import pytest

from fastcv.voxels import Occupancy, VoxelGrid


def grid_of(*shape):
    return VoxelGrid([0, 0, 0], 1.0, shape)


@pytest.mark.parametrize("shape", [(1, 1, 1), (8, 8, 8), (9, 16, 23), (24, 7, 8), (5, 17, 33)])
@pytest.mark.parametrize("fraction", [0.0, 0.001, 0.5, 1.0])
def test_round_trip(shape, fraction):
    dense = np.random.default_rng(0).random(shape) < fraction
    dense[:, 8:16] = True  # a slab of full blocks
    occupancy = Occupancy.from_dense(dense, grid_of(*shape))
    np.testing.assert_array_equal(occupancy.to_dense(), dense)
    assert occupancy.num_occupied == dense.sum()
    assert occupancy.shape == shape


def test_bits_and_states_of_one_block():
    dense = np.zeros((8, 16, 24), bool)
    dense[3, 4, 8 + 5] = True
    dense[:, 8:, :8] = True
    occupancy = Occupancy.from_dense(dense, grid_of(8, 16, 24))
    np.testing.assert_array_equal(occupancy.states, [[[0, 2, 0], [1, 0, 0]]])
    np.testing.assert_array_equal(occupancy.blocks, [[0, 0, 1]])
    expected = np.zeros((1, 8, 8), np.uint8)
    expected[0, 3, 4] = 1 << 5
    np.testing.assert_array_equal(occupancy.bits, expected)
    assert occupancy.nbytes == 6 + 64


def test_empty_and_full_space_cost_a_byte_a_block():
    states = np.zeros((256, 256, 256), np.uint8)
    states[:128] = 1
    occupancy = Occupancy(grid_of(2047, 2048, 2048), states, np.empty((0, 8, 8), np.uint8))
    assert occupancy.num_occupied == 1024 * 2048 * 2048
    assert occupancy.nbytes == 256**3
    states[:] = 1
    assert occupancy.num_occupied == 2047 * 2048 * 2048


def test_strided_and_read_only_volumes():
    dense = np.random.default_rng(1).random((10, 20, 30)) < 0.5
    dense.flags.writeable = False
    for view in (dense, dense[::-1, :, ::2], np.asfortranarray(dense)):
        np.testing.assert_array_equal(Occupancy.from_dense(view, grid_of(*view.shape)).to_dense(), view)


@pytest.mark.parametrize("dev", ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)])
@pytest.mark.parametrize("shape", [(1, 1, 1), (9, 16, 23), (5, 17, 33)])
def test_to_and_from_torch(shape, dev):
    torch = pytest.importorskip("torch")
    if dev == "cuda" and not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    dense = np.random.default_rng(0).random(shape) < 0.3
    dense[:, 8:16] = True  # a slab of full blocks
    occupancy = Occupancy.from_dense(torch.tensor(dense, device=dev), grid_of(*shape))
    expected = Occupancy.from_dense(dense, grid_of(*shape))
    np.testing.assert_array_equal(occupancy.states, expected.states)
    np.testing.assert_array_equal(occupancy.bits, expected.bits)
    tensor = occupancy.to_torch(dev)
    assert tensor.dtype == torch.bool
    assert tensor.device.type == dev
    np.testing.assert_array_equal(tensor.cpu().numpy(), dense)
    with pytest.raises(TypeError, match="dense: expected dtype bool, got uint8"):
        Occupancy.from_dense(tensor.byte(), grid_of(*shape))


def test_bad_input():
    grid, states, bits = grid_of(8, 8, 9), np.zeros((1, 1, 2), np.uint8), np.empty((0, 8, 8), np.uint8)
    with pytest.raises(ValueError, match=re.escape("dense: expected the grid's shape (8, 8, 9), got (8, 8, 8)")):
        Occupancy.from_dense(np.zeros((8, 8, 8), bool), grid)
    with pytest.raises(TypeError, match="dense: expected dtype bool, got float64"):
        Occupancy.from_dense(np.zeros((8, 8, 9)), grid)
    with pytest.raises(ValueError, match=re.escape("states: expected shape (1, 1, 2), got (1, 2, 2)")):
        Occupancy(grid, np.zeros((1, 2, 2), np.uint8), bits)
    with pytest.raises(ValueError, match=re.escape("bits: expected shape (1, 8, 8), got (0, 8, 8)")):
        Occupancy(grid, states + np.array([0, 2], np.uint8), bits)


def test_a_volume_beyond_memory_is_named_with_its_size():
    grid = grid_of(8 * 32, 8 * 2**20, 8 * 2**20)
    states = np.broadcast_to(np.uint8(0), (32, 2**20, 2**20))
    occupancy = object.__new__(Occupancy)  # counting the blocks of so many would take hours
    for name, value in (("grid", grid), ("states", states)):
        object.__setattr__(occupancy, name, value)
    with pytest.raises(ValueError, match=r"grid: expected a size .* got an array \(256, .* of 18014398.5 GB"):
        occupancy.to_dense()
