# SPDX-License-Identifier: Apache-2.0
"""Small fully connected networks: their outputs and gradients."""

from __future__ import annotations

from typing import Any, NamedTuple

from .._arrays import Call, dtype_name, handle, is_torch
from .network import Mlp

DTYPES = ("float32", "float64", "float16", "bfloat16")


class MlpGradients(NamedTuple):
    """Gradients by what :func:`mlp` was given.

    Parameters
    ----------
    inputs : (N, inputs) array
        In the inputs' dtype.
    parameters : (num_parameters,) array
        In float64 for float64 inputs, else in float32, in which it was added up.
    """

    inputs: Any
    parameters: Any


def _arrays(call: Call, inputs: Any, parameters: Any, net: Mlp) -> tuple[Any, Any]:
    inputs = call.input("inputs", inputs, ("N", net.inputs), DTYPES)
    return inputs, call.input("parameters", parameters, (net.num_parameters,), (dtype_name(inputs),))


def mlp(inputs: Any, parameters: Any, net: Mlp, *, out: Any = None, num_threads: int = 0) -> Any:
    """Outputs of a network for many points, through all layers at once.

    Parameters
    ----------
    inputs : (N, inputs) float32, float64, float16 or bfloat16 array
        In half precision they are stored so; arithmetic is done in float32 (on a GPU, products of what is rounded to
        half precision from layer to layer are added up in float32).
    parameters : (num_parameters,) array
        In the inputs' dtype; layer after layer, see :class:`Mlp`.
    net : Mlp
        How many layers there are, how wide, and their activations.
    out : (N, outputs) array, optional
        Where to write the result, in the inputs' dtype. No gradients then.
    num_threads : int, optional
        Threads to use; 0 is the default of ``fastcv.set_num_threads``. No result depends on it.

    Returns
    -------
    (N, outputs) array
        In the inputs' dtype. What is infinite or NaN goes through as it would through each operation.

    Raises
    ------
    TypeError, ValueError
        For another dtype or shape.

    Notes
    -----
    torch tensors get gradients by the inputs and the parameters, and second ones of both. Under ``torch.autocast``
    float32 and half precision inputs and parameters are cast to the type that is asked for.

    References
    ----------
    Müller et al. 2021, "Real-time neural radiance caching for path tracing", section 4.2 (the fully fused network).
    docs/networks.md has the equations.

    Examples
    --------
    >>> from fastcv import nerf
    >>> net = nerf.Mlp(2, 1, width=2, hidden_layers=1)
    >>> parameters = np.float32([1, -1, -1, 1, 1, 1])  # |x - y|
    >>> nerf.mlp(np.float32([[3, 5], [7, 1]]), parameters, net)
    array([[2.],
           [6.]], dtype=float32)
    """
    if is_torch(inputs) and is_torch(parameters):
        from . import _torch_mlp

        inputs, parameters = _torch_mlp.autocast(inputs, parameters)
    call = Call()
    inputs, parameters = _arrays(call, inputs, parameters, net)
    execution = call.execution(num_threads)
    if call.is_torch and out is None:
        return _torch_mlp.mlp(inputs, parameters, net, num_threads)
    if call.is_torch and (inputs.requires_grad or parameters.requires_grad):
        raise ValueError("out: expected None where a gradient is required, got a tensor")
    out = call.output("out", out, ("N", net.outputs), dtype_name(inputs))
    call.backend.nerf.mlp(net.packed(), handle(parameters), handle(inputs), None, None, handle(out), execution)
    return call.result(out)


def mlp_vjp(inputs: Any, parameters: Any, net: Mlp, grad: Any, *, num_threads: int = 0) -> MlpGradients:
    """Gradients by inputs and parameters of a number whose gradient by the outputs is known.

    For arrays whose framework does not differentiate; torch tensors get theirs by ``backward()``.

    Parameters
    ----------
    inputs, parameters, net, num_threads
        As for :func:`mlp`.
    grad : (N, outputs) array
        The gradient by the outputs, in the inputs' dtype.

    Returns
    -------
    MlpGradients
        Nothing here is differentiable further.

    Raises
    ------
    TypeError, ValueError
        As for :func:`mlp`.

    Examples
    --------
    >>> from fastcv import nerf
    >>> net = nerf.Mlp(2, 1, hidden_layers=0)
    >>> nerf.mlp_vjp(np.float32([[3, 5]]), np.float32([1, 2]), net, np.float32([[1]]))
    MlpGradients(inputs=array([[1., 2.]], dtype=float32), parameters=array([3., 5.], dtype=float32))
    """
    call = Call()
    inputs, parameters = _arrays(call, inputs, parameters, net)
    dtype = dtype_name(inputs)
    grad = call.input("grad", grad, ("N", net.outputs), (dtype,))
    execution = call.execution(num_threads)
    by_inputs = call.empty(("N", net.inputs), dtype)
    by_parameters = call.empty((net.num_parameters,), "float64" if dtype == "float64" else "float32")
    arrays = handle(parameters), handle(inputs), None, None, handle(grad), handle(by_inputs), handle(by_parameters)
    call.backend.nerf.mlp_vjp(net.packed(), *arrays, execution)
    return MlpGradients(call.result(by_inputs), call.result(by_parameters))
