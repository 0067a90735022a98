# SPDX-License-Identifier: Apache-2.0
"""Small photographs with truth, and a run of the pipeline on them that nothing disturbed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from fastcv import pipeline, synthetic

OPTIONS = pipeline.Options(quality="low")


def killed(signal: str, moment: str, *words: str | Path) -> list[str]:
    """The command that runs ``fastcv`` with these words and sends it a signal at a moment, see killed_run.py."""
    script = Path(__file__).with_name("killed_run.py")
    return [sys.executable, str(script), signal, *moment.split(), "--", *map(str, words)]


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``photos/`` and ``truth/`` of five views of the courtyard, 320 x 240."""
    folder = tmp_path_factory.mktemp("courtyard")
    synthetic.write_dataset(synthetic.make_dataset("courtyard", num_views=5, width=320, height=240), folder)
    return folder


@pytest.fixture(scope="session")
def photos(dataset: Path) -> Path:
    return dataset / "photos"


@pytest.fixture(scope="session")
def undisturbed(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run folder; not to be changed."""
    out = tmp_path_factory.mktemp("undisturbed")
    pipeline.reconstruct(photos, out, OPTIONS)
    return out
