# SPDX-License-Identifier: Apache-2.0
"""Dynamic thresholding: estimated data brought back into its range, sample by sample."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._arrays import Call, dtype_name, handle
from ._checks import check_overlap, check_state


def dynamic_threshold(
    data: Any, *, ratio: float = 0.995, maximum: float = np.inf, out: Any = None, num_threads: int = 0
) -> tuple[Any, Any]:
    """Clip every sample to a quantile of its own absolute values, and divide by it.

    A threshold below 1 counts as 1, so that samples within [-1, 1] stay as they are.

    Parameters
    ----------
    data : (B, ...) array
        Estimated data, float64, float32, float16 or (torch) bfloat16.
    ratio : float, optional
        Of the quantile, 0 to 1; between two neighbours in order it is interpolated.
    maximum : float, optional
        The largest threshold, at least 1.
    out : (B, ...) array, optional
        Where to write, of the same dtype; may be ``data``.
    num_threads : int, optional
        Threads to use; 0 is the default of ``fastcv.set_num_threads``.

    Returns
    -------
    out : (B, ...) array
    thresholds : (B,) float64 array
        NaN for a sample that holds one, as are all its elements then.

    Raises
    ------
    TypeError, DeviceError
        Another dtype; arrays on different devices.
    ValueError
        Another shape; a number out of its range.

    References
    ----------
    Saharia et al. 2022, "Photorealistic text-to-image diffusion models with deep language understanding", sec. 2.3.

    Examples
    --------
    >>> from fastcv import ode
    >>> ode.dynamic_threshold(np.array([[0.5, -1.0, 2.0, 4.0]]), ratio=2 / 3)
    (array([[ 0.25, -0.5 ,  1.  ,  1.  ]]), array([2.]))
    """
    if not 0 <= ratio <= 1:
        raise ValueError(f"ratio: expected 0 to 1, got {ratio}")
    if not maximum >= 1:
        raise ValueError(f"maximum: expected 1 or more, got {maximum}")
    call = Call()
    shape = np.shape(data)
    if not shape:
        raise ValueError("data: expected shape (B, ...), got ()")
    data = check_state(call, "data", data, shape)
    out = call.output("out", out, shape, dtype_name(data))
    check_overlap({"data": data}, {"out": out})
    thresholds = call.empty((shape[0],), "float64")
    size = int(np.prod(shape[1:], dtype=np.int64))
    call.backend.ode.dynamic_threshold(
        handle(data),
        handle(out),
        shape[0],
        size,
        float(ratio),
        float(maximum),
        handle(thresholds),
        call.execution(num_threads),
    )
    return out, thresholds
