# SPDX-License-Identifier: Apache-2.0
"""Small networks in numpy float64, layer by layer, with slopes by complex steps (Squire & Trapp 1998)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .network import Mlp

# Of complex numbers too.
ACTIVATIONS: dict[str, Callable[[NDArray], NDArray]] = {
    "none": lambda z: z,
    "relu": lambda z: np.where(z.real <= 0, 0, z),
    "leaky_relu": lambda z: np.where(z.real <= 0, 0.01 * z, z),
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "tanh": np.tanh,
    "exp": np.exp,
    "softplus": lambda z: np.log(1 + np.exp(z)),
    "squareplus": lambda z: (z + np.sqrt(z * z + 4)) / 2,
}


def mlp(inputs: NDArray, parameters: NDArray, net: Mlp) -> NDArray:
    """Outputs (N, outputs) of inputs (N, inputs)."""
    values = inputs
    for (weights, biases), activation in zip(net.split(parameters), net.activations, strict=True):
        values = ACTIVATIONS[activation](values @ weights.T + (0 if biases is None else biases))
    return values


def mlp_vjp(inputs: NDArray, parameters: NDArray, net: Mlp, grad: NDArray) -> tuple[NDArray, NDArray]:
    """Gradients by inputs and parameters from that by the outputs (docs/networks.md)."""
    step, layers = 1e-100j, []
    for (weights, biases), activation in zip(net.split(parameters), net.activations, strict=True):
        sums = inputs @ weights.T + (0 if biases is None else biases)
        layers.append((weights, inputs, ACTIVATIONS[activation](sums + step).imag / step.imag))
        inputs = ACTIVATIONS[activation](sums)
    parts: list[NDArray] = []
    for weights, values, slopes in reversed(layers):
        by_sums = grad * slopes
        parts = [(by_sums.T @ values).ravel(), *([by_sums.sum(0)] if net.bias else []), *parts]
        grad = by_sums @ weights
    return grad, np.concatenate(parts)
