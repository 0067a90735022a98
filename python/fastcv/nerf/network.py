# SPDX-License-Identifier: Apache-2.0
"""The description of a small fully connected network, and how its parameters are laid out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

ACTIVATIONS = ("none", "relu", "leaky_relu", "sigmoid", "tanh", "exp", "softplus", "squareplus")
MAX_WIDTH = 256
MAX_HIDDEN_LAYERS = 8


def _check(name: str, value: Any, rule: str, holds: bool) -> None:
    if not holds:
        raise ValueError(f"{name}: expected {rule}, got {value}")


@dataclass(frozen=True)
class Mlp:
    """Hidden layers of one width, then a layer of outputs.

    Each layer multiplies by a matrix, adds biases where there are any, and applies its activation.

    Parameters
    ----------
    inputs, outputs : int
        1 or more, each.
    width : int, optional
        Values of a hidden layer: 1 to 256. Multiples of 16 waste nothing.
    hidden_layers : int, optional
        0 to 8. Without any, the network is one layer.
    activation : str, optional
        Of hidden layers: ``"none"``, ``"relu"``, ``"leaky_relu"`` (slope 0.01), ``"sigmoid"``, ``"tanh"``, ``"exp"``,
        ``"softplus"`` (``log(1 + exp(z))``) or ``"squareplus"`` (``(z + sqrt(z * z + 4)) / 2``).
    output_activation : str, optional
        Of the outputs, likewise.
    bias : bool, optional
        Whether layers have biases.

    Raises
    ------
    TypeError, ValueError
        For a value that is not as described.

    Notes
    -----
    Parameters are one flat array, layer after layer: the weights as a (rows, columns) matrix, row after row, then the
    biases (rows,). ``torch.nn.Linear`` has the same matrices, and so has tiny-cuda-nn, with rows and columns rounded up
    to multiples of 16 there, and without biases.

    Examples
    --------
    >>> from fastcv.nerf import Mlp
    >>> net = Mlp(32, 16, width=64, hidden_layers=2)
    >>> net.shapes, net.num_parameters
    ([(64, 32), (64, 64), (16, 64)], 7168)
    >>> [weights.shape for weights, _ in net.split(net.initial_parameters())]
    [(64, 32), (64, 64), (16, 64)]
    """

    inputs: int
    outputs: int
    width: int = 64
    hidden_layers: int = 2
    activation: str = "relu"
    output_activation: str = "none"
    bias: bool = False

    def __post_init__(self) -> None:
        for name in ("inputs", "outputs", "width", "hidden_layers"):
            value = getattr(self, name)
            if not isinstance(value, int):
                raise TypeError(f"{name}: expected an int, got {type(value).__name__}")
        _check("inputs", self.inputs, "1 or more", self.inputs >= 1)
        _check("outputs", self.outputs, "1 or more", self.outputs >= 1)
        _check("width", self.width, f"1 to {MAX_WIDTH}", 1 <= self.width <= MAX_WIDTH)
        layers = self.hidden_layers
        _check("hidden_layers", layers, f"0 to {MAX_HIDDEN_LAYERS}", 0 <= layers <= MAX_HIDDEN_LAYERS)
        for name in ("activation", "output_activation"):
            _check(name, getattr(self, name), " or ".join(ACTIVATIONS), getattr(self, name) in ACTIVATIONS)

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """(rows, columns) of each layer's weights."""
        sizes = [self.inputs, *[self.width] * self.hidden_layers, self.outputs]
        return list(zip(sizes[1:], sizes[:-1], strict=True))

    @property
    def num_parameters(self) -> int:
        """Weights and biases of all layers."""
        return sum(rows * (columns + self.bias) for rows, columns in self.shapes)

    @property
    def activations(self) -> list[str]:
        """Of each layer."""
        return [self.activation] * self.hidden_layers + [self.output_activation]

    def split(self, parameters: Any) -> Iterator[tuple[Any, Any]]:
        """Each layer's weights (rows, columns) and biases (rows,) or None, as parts of a flat array or tensor."""
        begin = 0
        for rows, columns in self.shapes:
            end = begin + rows * columns
            weights = parameters[begin:end].reshape(rows, columns)
            begin = end + rows * self.bias
            yield weights, parameters[end:begin] if self.bias else None

    def initial_parameters(self, *, seed: int = 0, dtype: str = "float32") -> NDArray:
        """New parameters: weights uniform in ±sqrt(6 / (rows + columns)), biases 0 (Glorot & Bengio 2010, eq. 16)."""
        generator = np.random.Generator(np.random.Philox(seed))
        parameters = np.zeros(self.num_parameters)
        for weights, _ in self.split(parameters):
            limit = np.sqrt(6 / sum(weights.shape))
            weights[:] = generator.uniform(-limit, limit, weights.shape)
        return parameters.astype(dtype)

    def numbers(self) -> list[int]:
        """What native code reads (cpp/bindings/nerf_mlp.h), as integers, which torch.compile can follow."""
        activations = (ACTIVATIONS.index(name) for name in (self.activation, self.output_activation))
        return [self.inputs, self.outputs, self.width, self.hidden_layers, int(self.bias), *activations]

    def packed(self) -> NDArray[np.int64]:
        """The same as an array, kept for the next call."""
        kept = self.__dict__.get("_packed")
        if kept is None:
            kept = self.__dict__["_packed"] = np.array(self.numbers(), np.int64)
        return kept
