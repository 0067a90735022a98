# SPDX-License-Identifier: Apache-2.0
"""Encodings, networks and an optimizer as torch knows them. Importing this imports torch, as nothing else here does."""

from __future__ import annotations

from ._torch_adam import FusedAdam
from ._torch_encodings import FrequencyEncoding, SphericalHarmonics
from ._torch_frequency_field import FrequencyField
from ._torch_hash_field import HashField
from ._torch_hash_grid import HashGridEncoding
from ._torch_mlp import FusedMlp
from ._torch_models import HierarchicalModel, OccupancyModel
from ._torch_radiance import Quality, RadianceField, View
from ._torch_trainer import Trainer
from ._torch_voxel_field import VoxelField

__all__ = [
    "FrequencyEncoding",
    "FrequencyField",
    "FusedAdam",
    "FusedMlp",
    "HashField",
    "HashGridEncoding",
    "HierarchicalModel",
    "OccupancyModel",
    "Quality",
    "RadianceField",
    "SphericalHarmonics",
    "Trainer",
    "View",
    "VoxelField",
]
