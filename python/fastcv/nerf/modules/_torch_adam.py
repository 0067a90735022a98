# SPDX-License-Identifier: Apache-2.0
"""Adam as a torch optimiser."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

from ..adam import adam_step, mark_nonfinite


class FusedAdam(torch.optim.Optimizer):
    """AdamW in one pass over memory, with float32 masters for parameters of half precision.

    Updates are those of ``torch.optim.AdamW`` to rounding, and so is the state (``step``, ``exp_avg``, ``exp_avg_sq``;
    for half precision also ``master``). What is beyond it can be chosen for each group of parameters.

    Parameters
    ----------
    params : iterable
        Parameters or groups of them: contiguous, float32, float16 or bfloat16.
    lr : float or Tensor, optional
        The learning rate; a tensor of one number may change between replays of a CUDA graph.
    betas, eps, weight_decay : optional
        As in ``torch.optim.AdamW``; here the default of ``weight_decay`` is 0, so that it is ``torch.optim.Adam``.
    skip_untouched : bool, optional
        Leave rows of 2-D parameters alone whose gradients are all 0: see :func:`fastcv.nerf.adam_step`.
    zero_gradients : bool, optional
        Set gradients to 0 in the same pass.
    skip_nonfinite : bool, optional
        Do nothing in a step in which a gradient is infinite or NaN, one of any group with this option.

    Notes
    -----
    ``torch.amp.GradScaler`` hands over its scale and whether it found such gradients; unscaling is part of the pass
    then. Nothing waits for a GPU, and a CUDA graph may capture a step after the first.

    Examples
    --------
    >>> import torch
    >>> from fastcv.nerf.modules import FusedAdam
    >>> x = torch.nn.Parameter(torch.ones(2))
    >>> optimiser = FusedAdam([x], lr=0.5)
    >>> x.sum().backward()
    >>> optimiser.step()
    >>> x.data
    tensor([0.5000, 0.5000])
    """

    _step_supports_amp_scaling = True

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Tensor = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        *,
        skip_untouched: bool = False,
        zero_gradients: bool = False,
        skip_nonfinite: bool = False,
    ) -> None:
        options = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        skip = {"skip_untouched": skip_untouched, "skip_nonfinite": skip_nonfinite}
        super().__init__(params, {**options, **skip, "zero_gradients": zero_gradients})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> Any:
        """One step; ``closure`` as for every optimiser."""
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        found = self._nonfinite()
        scale, found_inf = getattr(self, "grad_scale", None), getattr(self, "found_inf", None)
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    signal = found.get(parameter.device) if group["skip_nonfinite"] else found_inf
                    self._move(parameter, group, _number(scale, parameter), _number(signal, parameter))
        return loss

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Also one of ``torch.optim.Adam`` or ``AdamW``; half precision keeps its state in float32."""
        super().load_state_dict(state_dict)
        for group in self.param_groups:
            for name, value in self.defaults.items():
                group.setdefault(name, value)
        saved = [number for group in state_dict["param_groups"] for number in group["params"]]
        own = [parameter for group in self.param_groups for parameter in group["params"]]
        for number, parameter in zip(saved, own, strict=True):
            for name, value in state_dict["state"].get(number, {}).items():
                self.state[parameter][name] = torch.as_tensor(value).to(parameter.device, torch.float32, copy=True)

    def _nonfinite(self) -> dict[torch.device, Tensor]:
        """On each device, whether a gradient there is not finite; of groups that are asked."""
        found: dict[torch.device, Tensor] = {}
        for group in self.param_groups:
            for parameter in group["params"] if group["skip_nonfinite"] else ():
                if parameter.grad is not None:
                    device = parameter.device
                    mark_nonfinite(parameter.grad, found.setdefault(device, torch.zeros(1, device=device)))
        return found

    def _move(self, parameter: Tensor, group: dict[str, Any], scale: Tensor | None, found_inf: Tensor | None) -> None:
        state = self.state[parameter]
        if parameter.grad.is_sparse:
            raise TypeError("gradients: expected a dense tensor, got a sparse one")
        if not state:
            state["step"] = torch.zeros((), device=parameter.device)
            for name in ("exp_avg", "exp_avg_sq"):
                state[name] = torch.zeros_like(parameter, dtype=torch.float32)
            if parameter.dtype != torch.float32:
                state["master"] = parameter.detach().float()
        master, rate = state.get("master"), group["lr"]
        adam_step(
            parameter.detach() if master is None else master,
            parameter.grad,
            state["exp_avg"],
            state["exp_avg_sq"],
            state["step"].view(1),
            rate=_number(rate, parameter) if isinstance(rate, Tensor) else rate,
            betas=group["betas"],
            eps=group["eps"],
            decay=group["weight_decay"],
            skip_untouched=group["skip_untouched"] and parameter.dim() == 2,
            zero_gradients=group["zero_gradients"],
            copy=None if master is None else parameter.detach(),
            scale=scale,
            found_inf=found_inf,
        )


def _number(tensor: Tensor | None, parameter: Tensor) -> Tensor | None:
    """One number, where the parameter is."""
    return None if tensor is None else tensor.to(parameter.device, torch.float32).view(1)
