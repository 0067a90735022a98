# SPDX-License-Identifier: Apache-2.0
"""Encodings, networks and an optimizer as torch knows them. Importing this imports torch, as nothing else here does."""

from __future__ import annotations

from ._torch_adam import FusedAdam
from ._torch_encodings import FrequencyEncoding, SphericalHarmonics
from ._torch_hash_grid import HashGridEncoding
from ._torch_mlp import FusedMlp

__all__ = [
    "FrequencyEncoding",
    "FusedAdam",
    "FusedMlp",
    "HashGridEncoding",
    "SphericalHarmonics",
]
