# SPDX-License-Identifier: Apache-2.0
"""Networks that own their parameters."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ..mlp import mlp
from ..network import Mlp


class FusedMlp(torch.nn.Module):
    """A small fully connected network, all layers in one call.

    Parameters
    ----------
    net : Mlp
        The layers.
    dtype : torch.dtype, optional
        Of the parameters: float32, float64, float16 or bfloat16. Inputs have the same, but under ``torch.autocast``.
    seed : int, optional
        Of the initial parameters, see :meth:`Mlp.initial_parameters`.

    Attributes
    ----------
    params : torch.nn.Parameter
        (num_parameters,); ``net.split(params)`` are the layers' weights and biases.
    """

    def __init__(self, net: Mlp, *, dtype: torch.dtype = torch.float32, seed: int = 0) -> None:
        super().__init__()
        self.net = net
        self.params = torch.nn.Parameter(torch.from_numpy(net.initial_parameters(seed=seed, dtype="float64")).to(dtype))

    @classmethod
    def from_linears(
        cls, linears: Sequence[torch.nn.Linear], *, activation: str = "relu", output_activation: str = "none"
    ) -> FusedMlp:
        """A network with copies of these layers' weights and biases, on their device.

        Raises
        ------
        ValueError
            For layers that do not follow each other, hidden ones of several widths, or biases in some of them.
        """
        if not linears:
            raise ValueError("linears: expected one layer or more, got none")
        first, last = linears[0], linears[-1]
        biases = [linear.bias is not None for linear in linears]
        if len(set(biases)) > 1:
            raise ValueError(f"linears: expected biases in all or in none, got {biases}")
        width = first.out_features if len(linears) > 1 else 1
        sizes = first.in_features, last.out_features, width, len(linears) - 1
        net = Mlp(*sizes, activation, output_activation, biases[0])
        shapes = [(linear.out_features, linear.in_features) for linear in linears]
        if shapes != net.shapes:
            raise ValueError(f"linears: expected weights of shapes {net.shapes}, got {shapes}")
        result = cls(net, dtype=first.weight.dtype).to(first.weight.device)
        with torch.no_grad():
            for (weights, bias), linear in zip(net.split(result.params), linears, strict=True):
                weights.copy_(linear.weight)
                if bias is not None:
                    bias.copy_(linear.bias)
        return result

    def linears(self) -> list[torch.nn.Linear]:
        """Layers of torch with copies of the weights and biases."""
        result = []
        for weights, bias in self.net.split(self.params.detach()):
            rows, columns = weights.shape
            linear = torch.nn.Linear(columns, rows, bias is not None, device=weights.device, dtype=weights.dtype)
            with torch.no_grad():
                linear.weight.copy_(weights)
                if bias is not None:
                    linear.bias.copy_(bias)
            result.append(linear)
        return result

    def forward(self, inputs: Tensor) -> Tensor:
        """Outputs (..., outputs) of inputs (..., inputs); see :func:`fastcv.nerf.mlp`."""
        flat = mlp(inputs.reshape(-1, self.net.inputs), self.params, self.net)
        return flat.reshape(*inputs.shape[:-1], self.net.outputs)

    def extra_repr(self) -> str:
        return str(self.net)
