# SPDX-License-Identifier: Apache-2.0
"""Arrays of occupancy grids as torch tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


def place(array: Any, device: str) -> Tensor:
    """A numpy array as a tensor of its own on a device."""
    return torch.tensor(array, device=device)


def without_gradients(function: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """The function, whose results nobody differentiates."""
    return torch.no_grad()(function)
