# SPDX-License-Identifier: Apache-2.0
"""What a model predicts, and how one prediction is computed from another."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..ode import step
from ._names import known
from .path import Path

Floats = NDArray[np.float64]

PREDICTIONS = ("epsilon", "data", "v", "velocity", "score")


def prediction_row(path: Path, t: Floats, prediction: str) -> tuple[Floats, Floats, Floats]:
    """(p, q, r) with r · prediction = p · data + q · noise."""
    alpha, sigma = path.at(t)
    zero, one = np.zeros_like(alpha), np.ones_like(alpha)
    if prediction == "epsilon":
        return zero, one, one
    if prediction == "data":
        return one, zero, one
    if prediction == "v":
        return -sigma, alpha, one
    if prediction == "score":
        return zero, -one, sigma
    return *path.derivatives(t), one


def conversion(path: Path, t: ArrayLike, prediction: str, target: str) -> tuple[Floats, Floats]:
    """(a, b) with target = a x + b prediction, at times t.

    With x = α data + σ noise and r · prediction = p · data + q · noise, both unknowns follow from the two equations.

    Parameters
    ----------
    path : Path
    t : array_like
        Times.
    prediction, target : {"epsilon", "data", "v", "velocity", "score"}
        The noise; the data; α noise - σ data; dx/dt; -noise / σ.

    Returns
    -------
    a, b : float64 arrays of the shape of t
        Not finite where the prediction does not say what the target is: epsilon says nothing of the data at α = 0.

    Examples
    --------
    >>> from fastcv.generative import Path, conversion
    >>> a, b = conversion(Path.conditional_ot(), 0.25, "velocity", "data")
    >>> float(a), float(b)  # data = x + (1 - t) velocity
    (1.0, 0.75)
    """
    times = np.asarray(t, np.float64)
    alpha, sigma = path.at(times)
    if known("prediction", prediction, PREDICTIONS) == known("target", target, PREDICTIONS):
        return np.zeros_like(times), np.ones_like(times)
    p, q, r = prediction_row(path, times, prediction)
    p_target, q_target, r_target = prediction_row(path, times, target)
    with np.errstate(divide="ignore", invalid="ignore"):
        determinant = (alpha * q - sigma * p) * r_target
        return (p_target * q - q_target * p) / determinant, (q_target * alpha - p_target * sigma) * r / determinant


def convert_prediction(output: Any, x: Any, t: ArrayLike, path: Path, prediction: str, target: str) -> Any:
    """A model's output as another prediction.

    Parameters
    ----------
    output : (B, ...) array
        What the model predicted, numpy, torch or CuPy.
    x : (B, ...) array
        What it was given.
    t : float or (B,) array_like
        Times, one for all samples or one for each.
    path : Path
    prediction, target : str
        As in ``conversion``.

    Returns
    -------
    (B, ...) array of x's dtype

    Raises
    ------
    ValueError
        The conversion is undefined at one of the times.

    Examples
    --------
    >>> from fastcv.generative import Path, convert_prediction
    >>> noise, data = np.ones((1, 2)), np.full((1, 2), 5.0)
    >>> convert_prediction(data - noise, 0.75 * noise + 0.25 * data, 0.25, Path.conditional_ot(), "velocity", "data")
    array([[5., 5.]])
    """
    rows = np.stack(conversion(path, t, prediction, target), -1)
    if not np.isfinite(rows).all():
        raise ValueError(f"t: expected times at which {prediction} determines {target}, got others")
    return step([x, output], rows[..., None, :])[0]
