# SPDX-License-Identifier: Apache-2.0
"""Checks of array arguments and allocation of results in the caller's framework: numpy, torch, CuPy or JAX."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any

import numpy as np

from ._backend import backend
from .errors import DeviceError

FLOATS = ("float32", "float64")

Shape = Sequence[int | str | None]


def framework(array: Any) -> str:
    """``"numpy"``, ``"torch"``, ``"cupy"`` or ``"jax"``; what is none of them counts as numpy."""
    root = type(array).__module__.partition(".")[0]
    return {"torch": "torch", "cupy": "cupy", "jax": "jax", "jaxlib": "jax"}.get(root, "numpy")


def is_torch(array: Any) -> bool:
    """Whether the array is a torch tensor (a Parameter or another subclass too), without importing torch."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(array, torch.Tensor)


def dtype_name(array: Any) -> str:
    """``"float32"`` and so on, for every framework."""
    return str(array.dtype).removeprefix("torch.")


def device_of(array: Any) -> str:
    """``"cpu"``, ``"cuda"``, or another framework's own word for its device."""
    if is_torch(array):
        return array.device.type
    kind = framework(array)
    if kind == "cupy":
        return "cuda"
    if kind == "jax":
        platform = next(iter(array.devices())).platform
        return "cuda" if platform in ("gpu", "cuda") else platform
    return "cpu"


def _check_jax(name: str, array: Any) -> None:
    """Raise for a JAX array without values, or on a GPU: results need buffers, and JAX lets nobody write to its own."""
    if isinstance(array, sys.modules["jax"].core.Tracer):
        raise TypeError(f"{name}: expected an array with values, got a tracer: call outside of jit, grad and vmap")
    if device_of(array) != "cpu":
        raise DeviceError(f"{name}: expected a JAX array on cpu, got one on {device_of(array)}: share it with torch")


def check(
    name: str, array: Any, shape: Shape, dtypes: Sequence[str] | None = None, dims: dict[str, int] | None = None
) -> None:
    """Raise unless the array has this shape and one of these dtypes.

    A string in ``shape`` names a dimension; the same name must have the same size in every array that is checked with
    the same ``dims``. None stands for any size.
    """
    got = tuple(array.shape)
    dims = {} if dims is None else dims
    wanted = [dims.get(d, d) if isinstance(d, str) else d for d in shape]
    fits = len(got) == len(shape) and all(not isinstance(w, int) or w == g for w, g in zip(wanted, got, strict=True))
    if not fits:
        spec = ", ".join("*" if d is None else str(d) for d in shape) + ("," if len(shape) == 1 else "")
        known = ", ".join(f"{d} = {dims[d]}" for d in shape if isinstance(d, str) and d in dims)
        raise ValueError(f"{name}: expected shape ({spec})" + (f" with {known}" if known else "") + f", got {got}")
    if dtypes is not None and dtype_name(array) not in dtypes:
        raise TypeError(f"{name}: expected dtype {' or '.join(dtypes)}, got {dtype_name(array)}")
    dims.update({d: g for d, g in zip(shape, got, strict=True) if isinstance(d, str)})


class Call:
    """The arrays of one call: checks them, keeps them on one device and in one framework, allocates results.

    Examples
    --------
    >>> call = Call()
    >>> points = call.input("points", np.ones((4, 3)), ("N", 3), FLOATS)
    >>> out = call.output("out", None, ("N", 2), "float64")
    >>> out.shape
    (4, 2)
    """

    def __init__(self) -> None:
        self.dims: dict[str, int] = {}
        self.framework = ""
        self.device = ""
        self._first: Any = None

    def input(self, name: str, array: Any, shape: Shape, dtypes: Sequence[str]) -> Any:
        """The array, checked and C-contiguous (copied only where it is not); a list becomes a numpy array."""
        if not hasattr(array, "shape"):
            array = np.asarray(array)
        check(name, array, shape, dtypes, self.dims)
        self._join(name, array)
        if framework(array) == "jax":
            return np.asarray(array)
        return array.contiguous() if is_torch(array) else self._namespace().ascontiguousarray(array)

    def output(self, name: str, out: Any, shape: Sequence[int | str], dtype: str) -> Any:
        """``out`` checked for shape, dtype, device and contiguity, or a new array where it is None."""
        if out is None:
            return self.empty(shape, dtype)
        check(name, out, shape, (dtype,), self.dims)
        self._join(name, out)
        if self.framework == "jax":
            raise TypeError(f"{name}: expected None, got a JAX array, which cannot be written to")
        contiguous = out.is_contiguous() if is_torch(out) else out.flags.c_contiguous
        writeable = is_torch(out) or self.framework == "cupy" or out.flags.writeable
        if not (contiguous and writeable):
            raise ValueError(f"{name}: expected a writeable C-contiguous array, got one that is not")
        return out

    def empty(self, shape: Sequence[int | str], dtype: str) -> Any:
        """A new uninitialised array in the inputs' framework, on their device."""
        sizes = tuple(self.dims[d] if isinstance(d, str) else d for d in shape)
        if is_torch(self._first):
            return self._first.new_empty(sizes, dtype=getattr(sys.modules["torch"], dtype))
        if self.framework == "jax":
            return np.empty(sizes, dtype)
        return self._namespace().empty(sizes, dtype)

    def place(self, array: np.ndarray) -> Any:
        """A table made on the host, where the inputs are: itself on a CPU, else a copy in the inputs' framework."""
        if self.device == "cpu":
            return array
        if self.is_torch:
            return sys.modules["torch"].as_tensor(array, device=self._first.device)
        return self._namespace().asarray(array)

    def fetch(self, array: Any) -> np.ndarray:
        """An array of ``empty`` as numpy knows it: without a copy on a CPU."""
        if is_torch(array):
            return array.cpu().numpy()
        return array.get() if self.framework == "cupy" else array

    def result(self, array: Any) -> Any:
        """An output array as the caller's framework wants it: JAX takes over the buffer, others get it as it is."""
        if self.framework == "jax":
            return sys.modules["jax"].dlpack.from_dlpack(array)
        return array

    @property
    def is_torch(self) -> bool:
        return self.framework == "torch"

    @property
    def namespace(self) -> ModuleType:
        """The module whose functions take the inputs: torch, cupy or numpy."""
        return sys.modules["torch"] if self.is_torch else self._namespace()

    @property
    def backend(self) -> ModuleType:
        """The native module for the inputs' device."""
        return backend(self.device)

    def execution(self, num_threads: int = 0) -> int:
        """How the native call runs: its number of threads on a CPU (0 = default), its stream on a GPU."""
        if num_threads < 0:
            raise ValueError(f"num_threads: expected 0 (default) or more, got {num_threads}")
        if self.device == "cpu":
            return num_threads
        backend(self.device)  # raises where no native module serves this device
        return current_stream(self._first)

    def _join(self, name: str, array: Any) -> None:
        kind = "torch" if is_torch(array) else framework(array)
        if kind == "jax":
            _check_jax(name, array)
        device = device_of(array)
        if self._first is None:
            self.framework, self.device, self._first = kind, device, array
        elif kind != self.framework:
            raise TypeError(f"{name}: expected a {self.framework} array as the arguments before it, got {kind}")
        elif device != self.device:
            raise DeviceError(f"{name}: expected an array on {self.device}, got one on {device}")

    def _namespace(self) -> ModuleType:
        return sys.modules["cupy"] if self.framework == "cupy" else np


def current_stream(array: Any) -> int:
    """The CUDA stream that the array's framework currently uses, as an integer handle."""
    if is_torch(array):
        return sys.modules["torch"].cuda.current_stream(array.device).cuda_stream
    if framework(array) == "cupy":
        return sys.modules["cupy"].cuda.get_current_stream().ptr
    return 0


def handle(array: Any) -> Any:
    """What to pass to a native function: a DLPack capsule for torch (1 µs, ``__dlpack__`` takes 11), else the array."""
    if is_torch(array):
        return sys.modules["torch"].utils.dlpack.to_dlpack(array.detach())
    return array
