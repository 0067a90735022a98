# SPDX-License-Identifier: Apache-2.0
"""The encodings as ``torch.nn.Module``. Importing this imports torch, which nothing else here does."""

from __future__ import annotations

from ._torch import HashGridEncoding
from ._torch_encodings import FrequencyEncoding, SphericalHarmonics

__all__ = ["FrequencyEncoding", "HashGridEncoding", "SphericalHarmonics"]
