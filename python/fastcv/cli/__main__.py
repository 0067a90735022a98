# SPDX-License-Identifier: Apache-2.0
"""``python -m fastcv.cli``: the command ``fastcv`` where it is not on the path."""

from __future__ import annotations

from .main import main

if __name__ == "__main__":
    main()
