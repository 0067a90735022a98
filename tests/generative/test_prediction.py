# SPDX-License-Identifier: Apache-2.0
"""Conversions between predictions: any to any, on every path, by their definitions."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fastcv.generative import PREDICTIONS, Path, conversion, convert_prediction

from .models import ENDS, PATHS


def definitions(path: Path, t: np.ndarray, data: np.ndarray, noise: np.ndarray) -> dict[str, np.ndarray]:
    """Every prediction as the docs define it, for (B, D) arrays."""
    (alpha, sigma), (alpha_dot, sigma_dot) = (
        [value[:, None] for value in values] for values in (path.at(t), path.derivatives(t))
    )
    return {
        "data": data,
        "epsilon": noise,
        "v": alpha * noise - sigma * data,
        "velocity": alpha_dot * data + sigma_dot * noise,
        "score": -noise / sigma,
    }


@pytest.mark.parametrize("target", PREDICTIONS)
@pytest.mark.parametrize("prediction", PREDICTIONS)
def test_any_to_any(path_name, prediction, target):
    path = PATHS[path_name]
    t = np.linspace(*ENDS[path_name], 7)
    data, noise = np.random.default_rng(0).standard_normal((2, 7, 5))
    x = path.alpha(t)[:, None] * data + path.sigma(t)[:, None] * noise
    every = definitions(path, t, data, noise)
    result = convert_prediction(every[prediction], x, t, path, prediction, target)
    np.testing.assert_allclose(result, every[target], rtol=1e-10, atol=1e-10)


def test_one_time_and_torch():
    path = PATHS["straight"]
    x, velocity = torch.ones((3, 2)), torch.full((3, 2), 2.0)
    data = convert_prediction(velocity, x, 0.25, path, "velocity", "data")
    assert torch.equal(data, torch.full((3, 2), 2.5))


@pytest.mark.parametrize(("prediction", "t"), [("epsilon", 0.0), ("score", 0.0), ("data", 1.0)])
def test_where_a_prediction_says_nothing(prediction, t):
    """Noise says nothing of data at α = 0, data nothing of noise at σ = 0; v and velocity always say both."""
    path = Path.conditional_ot()
    target = "epsilon" if prediction == "data" else "data"
    assert not np.isfinite(conversion(path, t, prediction, target)).all()
    with pytest.raises(ValueError, match=f"t: expected times at which {prediction} determines {target}"):
        convert_prediction(np.ones((1, 2)), np.ones((1, 2)), t, path, prediction, target)
    for everywhere in ("v", "velocity"):
        assert np.isfinite(conversion(path, t, everywhere, target)).all()


def test_guards():
    for prediction, target in (("noise", "data"), ("data", "velocty")):
        with pytest.raises(ValueError, match="expected epsilon, data, v, velocity, score"):
            conversion(Path.vp(), 0.5, prediction, target)
