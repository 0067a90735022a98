# SPDX-License-Identifier: Apache-2.0
"""Encodings and networks as ``torch.nn.Module``. Importing this imports torch, which nothing else here does."""

from __future__ import annotations

from ._torch import HashGridEncoding
from ._torch_mlp import FusedMlp

__all__ = ["FusedMlp", "HashGridEncoding"]
