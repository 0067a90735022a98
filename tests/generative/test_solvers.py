# SPDX-License-Identifier: Apache-2.0
"""Every solver: its order on closed forms, the papers' formulas written out as loops, its guards."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from fastcv import ode
from fastcv.generative import SOLVERS, Path, Sampler, make_table, scaled_linear_betas

from .models import ENDS, PATHS, exact, gaussian_data, mixture_data, predictor

ORDERS: list[tuple[str, dict[str, Any], int]] = [
    ("euler", {}, 1),
    ("heun", {}, 2),
    ("midpoint", {}, 2),
    ("rk4", {}, 4),
    ("euler", {"variable": "noise"}, 1),
    ("heun", {"variable": "noise"}, 2),
    ("midpoint", {"variable": "noise"}, 2),
    ("rk4", {"variable": "noise"}, 4),
    ("adams_bashforth", {"order": 1}, 1),
    ("adams_bashforth", {"order": 2}, 2),
    ("adams_bashforth", {"order": 3}, 3),
    ("adams_bashforth", {"order": 4}, 4),
    ("adams_bashforth", {"order": 3, "variable": "noise"}, 3),
    ("adams_bashforth", {"order": 4, "variable": "noise"}, 4),
    ("ddim", {}, 1),
    ("dpm_solver", {"order": 1}, 1),
    ("dpm_solver", {"order": 2}, 2),
    ("dpm_solver", {"order": 3}, 3),
    ("dpm_solver", {"order": 3, "published": True}, 2),
    ("unipc", {"order": 1}, 2),
    ("unipc", {"order": 2}, 3),
    ("unipc", {"order": 3}, 3),  # 4 from some 150 steps on
    ("unipc", {"order": 2, "variant": "bh1"}, 3),
]


# Calls of the model for eight steps, and arrays beside x: the table in docs/ode.md.
COSTS: list[tuple[str, dict[str, Any], int, int]] = [
    ("euler", {}, 8, 0),
    ("heun", {}, 16, 2),
    ("midpoint", {}, 16, 1),
    ("rk4", {}, 32, 4),
    ("adams_bashforth", {"order": 4}, 8, 4),
    ("ddim", {}, 8, 0),
    ("ddpm", {}, 8, 0),
    ("euler_ancestral", {}, 8, 0),
    ("dpm_solver", {"order": 3}, 8, 3),
    ("dpm_solver_sde", {"order": 2}, 8, 2),
    ("unipc", {"order": 3}, 8, 4),
]


@pytest.mark.parametrize(("solver", "options", "calls", "kept"), COSTS)
def test_costs(solver, options, calls, kept):
    table = make_table(Path.vp(), np.linspace(0.9, 0.1, 9), solver=solver, prediction="epsilon", **options)
    assert (table.num_model_calls, len(table.names) - 1, table.num_steps) == (calls, kept, 8)
    assert all(len(stage.rows) <= 3 and len(stage.reads) <= 7 for stage in table.stages)


def graded(path: Path, start: float, end: float, n: int) -> np.ndarray:
    """A grid even in the logarithm of the noise level, its first and last four steps so short that their low order does
    not show: n^-2 of the whole."""
    short = np.arange(5) / 4 / n**2
    u = np.r_[short, np.linspace(short[-1], 1 - short[-1], n + 1)[1:], 1 - short[-2::-1]]
    first, last = np.log(path.noise_ratio(np.array([start, end])))
    times = path.time_at(np.exp(first + (last - first) * u))
    times[[0, -1]] = start, end
    return times


@pytest.mark.parametrize(("solver", "options", "order"), ORDERS)
def test_order(path_name, x, solver, options, order):
    """Errors at 60 and 240 steps fall as the order says, or faster."""
    path, (start, end) = PATHS[path_name], ENDS[path_name]
    errors = []
    for n in (60, 240):
        sampler = Sampler(path, graded(path, start, end, n), solver=solver, prediction="epsilon", **options)
        result = sampler.sample(predictor(path, "epsilon"), x)
        errors.append(np.abs(result - exact(path, x, start, end)).max())
    assert errors[0] / errors[1] > 4 ** (order - 0.4)
    assert errors[1] < 0.01


def test_mixture(path_name, x):
    """Two modes, against scipy's integrator of the same velocity."""
    path, (start, end) = PATHS[path_name], ENDS[path_name]
    velocity = predictor(path, "velocity", mixture_data)
    truth = solve_ivp(
        lambda t, y: velocity(y[None], np.array([t]))[0], (start, end), x.ravel(), "DOP853", rtol=1e-10, atol=1e-10
    ).y[:, -1]
    model = predictor(path, "data", mixture_data)
    times = graded(path, start, end, 120)
    multistep: dict[str, Any] = {"adams_bashforth": {"order": 3, "variable": "noise"}, "rk4": {}}
    for solver in ("rk4", "unipc", "dpm_solver", "adams_bashforth"):
        options = multistep.get(solver, {"order": 3})
        result = Sampler(path, times, solver=solver, prediction="data", **options).sample(model, x)
        assert np.abs(result.ravel() - truth).max() < 2e-3


@pytest.mark.parametrize("prediction", ["epsilon", "data", "v", "velocity", "score"])
@pytest.mark.parametrize("solver", SOLVERS)
def test_every_prediction_says_the_same(path_name, x, solver, prediction):
    path, (start, end) = PATHS[path_name], ENDS[path_name]
    times = graded(path, start, end, 12)
    results = [
        Sampler(path, times, solver=solver, prediction=kind).sample(predictor(path, kind), x, seed=3)
        for kind in ("data", prediction)
    ]
    # The velocity's formula cancels where the path bends; VP's derivative is differenced nowhere here.
    np.testing.assert_allclose(results[1], results[0], rtol=1e-8, atol=1e-8)


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_grid_for_each_sample(path_name, x, solver):
    """Samples on grids of their own get what each gets alone, to the last bit."""
    path, (start, end) = PATHS[path_name], ENDS[path_name]
    grids = np.stack([graded(path, start * (1 + 0.01 * b), end, 6) for b in range(4)])
    options = {"prediction": "epsilon", "solver": solver}
    together = Sampler(path, grids, **options).sample(predictor(path, "epsilon"), x, seed=9)
    for b in range(4):
        alone = Sampler(path, grids[b], **options)
        result = alone.sample(predictor(path, "epsilon"), x[b : b + 1], seed=9, sample_ids=[b])
        np.testing.assert_array_equal(result[0], together[b])


@pytest.mark.parametrize("solver", ["euler", "heun", "rk4", "adams_bashforth", "ddim", "dpm_solver", "unipc"])
def test_inversion(path_name, x, solver):
    """The reversed grid leads back: from data's side to noise, and what the closed form says is there."""
    path, (start, end) = PATHS[path_name], ENDS[path_name]
    times = graded(path, start, end, 150)[::-1]
    result = Sampler(path, times, solver=solver, prediction="epsilon").sample(predictor(path, "epsilon"), x)
    truth = exact(path, x, end, start)
    assert np.abs(result - truth).max() < 0.05 * np.abs(truth).max()


# ---------------------------------------------------------------------------- the papers' formulas, as plain loops

STEPS = np.r_[np.arange(901, 0, -100.0), -1.0]
DISCRETE = Path.from_betas(scaled_linear_betas())
KEPT = np.r_[1.0, np.cumprod(1 - scaled_linear_betas())]  # ᾱ of t = -1, 0 …


def epsilon(x: np.ndarray, t: Any) -> np.ndarray:
    """Some smooth network: no closed form helps here."""
    return 0.7 * np.sin(x) + 0.2 * x + 0.1 * np.cos(np.reshape(t, (-1, 1)) / 100)


def kept_at(t: float) -> float:
    return float(KEPT[int(t) + 1])


def sample(x: np.ndarray, solver: str, **options: Any) -> np.ndarray:
    return Sampler(DISCRETE, STEPS, solver=solver, prediction="epsilon", **options).sample(epsilon, x, seed=5)


def noise_of(x: np.ndarray, n: int) -> np.ndarray:
    return ode.normals(x.shape, seed=5, number=n, out=np.empty_like(x))


@pytest.mark.parametrize("eta", [0.0, 0.4, 1.0])
def test_ddim_as_published(x, eta):
    """Song, Meng, Ermon 2021, eqs. 12 and 16."""
    result = sample(x, "ddim", eta=eta)
    for n, (t, s) in enumerate(itertools.pairwise(STEPS)):
        kept, kept_next, e = kept_at(t), kept_at(s), epsilon(x, t)
        deviation = eta * np.sqrt((1 - kept_next) / (1 - kept)) * np.sqrt(1 - kept / kept_next)
        data = (x - np.sqrt(1 - kept) * e) / np.sqrt(kept)
        x = np.sqrt(kept_next) * data + np.sqrt(1 - kept_next - deviation**2) * e + deviation * noise_of(x, n)
    np.testing.assert_allclose(result, x, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("variance", "clip"), [("small", None), ("small", 1.0), ("large", None), ("large", 0.5)])
def test_ddpm_as_published(x, variance, clip):
    """Ho et al. 2020, eqs. 6 and 7, for strided steps, the estimate of data clipped."""
    result = sample(x, "ddpm", variance=variance, clip=clip)
    for n, (t, s) in enumerate(itertools.pairwise(STEPS)):
        kept, kept_next = kept_at(t), kept_at(s)
        beta = 1 - kept / kept_next
        data = (x - np.sqrt(1 - kept) * epsilon(x, t)) / np.sqrt(kept)
        data = data if clip is None else np.clip(data, -clip, clip)
        mean = np.sqrt(kept_next) * beta / (1 - kept) * data + np.sqrt(1 - beta) * (1 - kept_next) / (1 - kept) * x
        chosen = beta * (1 - kept_next) / (1 - kept) if variance == "small" else beta
        x = mean + (np.sqrt(chosen) * noise_of(x, n) if s >= 0 else 0)
    np.testing.assert_allclose(result, x, rtol=1e-12, atol=1e-12)


def test_euler_ancestral_as_published(x):
    """k-diffusion's form in x / α, whose noise level is σ / α: the same numbers as DDIM with eta 1."""
    result = sample(x, "euler_ancestral")
    y = x / np.sqrt(kept_at(STEPS[0]))
    for n, (t, s) in enumerate(itertools.pairwise(STEPS)):
        level, level_next = (np.sqrt((1 - kept_at(u)) / kept_at(u)) for u in (t, s))
        up = np.sqrt(level_next**2 * (level**2 - level_next**2) / level**2)
        down = np.sqrt(level_next**2 - up**2)
        y = y + (down - level) * epsilon(y * np.sqrt(kept_at(t)), t) + up * noise_of(y, n)
    np.testing.assert_allclose(result, y, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("churn", [0.0, 2.0])
def test_heun_as_published(x, churn):
    """Karras et al. 2022, algorithm 2 with s(t) = 1, σ(t) = t; Euler into σ = 0."""
    path = Path.ve(80.0)
    levels = np.r_[np.geomspace(40.0, 0.05, 9), 0.0]
    options = {"churn": churn, "churn_min": 0.1, "churn_max": 30.0, "churn_noise": 1.01}
    sampler = Sampler(path, levels, solver="heun", prediction="data", variable="noise", **options)
    result = sampler.sample(predictor(path, "data"), x, seed=5)
    number = 0
    for t, t_next in itertools.pairwise(levels):
        if churn:
            gamma = min(churn / 9, 2**0.5 - 1) if 0.1 <= t <= 30 else 0.0
            raised = t + gamma * t
            x = x + np.sqrt(raised**2 - t**2) * 1.01 * noise_of(x, number)
            t, number = raised, number + 1
        d = (x - gaussian_data(path, x, t)) / t
        moved = x + (t_next - t) * d
        number += 1
        if t_next > 0:
            d = (d + (moved - gaussian_data(path, moved, t_next)) / t_next) / 2
            moved = x + (t_next - t) * d
            number += 1
        x = moved
    np.testing.assert_allclose(result, x, rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("stochastic", [False, True])
def test_dpm_solver_2m_as_published(x, stochastic):
    """Lu et al. 2022, DPM-Solver++, algorithm 2 and the SDE's; into clean data the first order."""
    result = sample(x, "dpm_solver_sde" if stochastic else "dpm_solver", order=2)
    data: list[np.ndarray] = []
    level = [0.5 * np.log(kept_at(t) / (1 - kept_at(t))) if t >= 0 else np.inf for t in STEPS]
    for n, (t, s) in enumerate(itertools.pairwise(STEPS)):
        data.append((x - np.sqrt(1 - kept_at(t)) * epsilon(x, t)) / np.sqrt(kept_at(t)))
        h, alpha, sigma = level[n + 1] - level[n], np.sqrt(kept_at(s)), np.sqrt(1 - kept_at(s))
        estimate = data[n]
        if n > 0 and s >= 0:
            estimate = estimate + h / (level[n] - level[n - 1]) / 2 * (data[n] - data[n - 1])
        ratio = sigma / np.sqrt(1 - kept_at(t))
        if stochastic:
            noise = sigma * np.sqrt(1 - np.exp(-2 * h)) * noise_of(x, n)
            x = ratio * np.exp(-h) * x + alpha * (1 - np.exp(-2 * h)) * estimate + noise
        else:
            x = ratio * x - alpha * np.expm1(-h) * estimate
    np.testing.assert_allclose(result, x, rtol=1e-11, atol=1e-11)


def test_unipc_2_as_published(x):
    """Zhao et al. 2023, algorithms 1 and 2 with B(h) = e^h - 1 on data: the weights of order 2 in closed form."""
    result = sample(x, "unipc", order=2)
    level = [0.5 * np.log(kept_at(t) / (1 - kept_at(t))) if t >= 0 else np.inf for t in STEPS]
    alpha, sigma = np.sqrt([kept_at(t) for t in STEPS]), np.sqrt([1 - kept_at(t) for t in STEPS])
    data: list[np.ndarray] = []
    start, predicted = x, x
    for n in range(len(STEPS) - 1):
        estimate = (predicted - sigma[n] * epsilon(predicted, STEPS[n])) / alpha[n]
        corrected = predicted
        if n > 0:
            h = level[n] - level[n - 1]
            change = -alpha[n] * np.expm1(-h)  # α B(h), of the sign that x grows by
            base = sigma[n] / sigma[n - 1] * start + change * data[-1]
            if n == 1:
                corrected = base + change * 0.5 * (estimate - data[-1])
            else:
                r = (level[n - 2] - level[n - 1]) / h
                phi1 = np.expm1(-h) / -h - 1
                b1, b2 = phi1 / np.expm1(-h), 2 * (phi1 / -h - 0.5) / np.expm1(-h)
                rho1, rho2 = np.linalg.solve([[1, 1], [r, 1]], [b1, b2])
                corrected = base + change * (rho1 * (data[-2] - data[-1]) / r + rho2 * (estimate - data[-1]))
        data.append(estimate)
        start = corrected
        h = level[n + 1] - level[n]
        change = -alpha[n + 1] * np.expm1(-h)
        predicted = sigma[n + 1] / sigma[n] * start + change * estimate
        if 0 < n < len(STEPS) - 2:
            r = (level[n - 1] - level[n]) / h
            predicted = predicted + change * 0.5 * (data[-2] - estimate) / r
    np.testing.assert_allclose(result, predicted, rtol=1e-10, atol=1e-10)


def test_from_pure_noise_to_clean_data(x):
    """α = 0 at the start and σ = 0 at the end are where formulas in λ are infinite."""
    path = Path.conditional_ot()
    times = np.linspace(0, 1, 41)
    for solver in ("euler", "heun", "rk4", "adams_bashforth", "ddim", "ddpm", "dpm_solver", "unipc"):
        table = make_table(path, times, solver=solver, prediction="velocity")
        assert all(np.isfinite(stage.coefficients).all() for stage in table.stages)
        if solver != "ddpm":
            result = Sampler(path, times, solver=solver, prediction="velocity").sample(_velocity, x)
            assert np.abs(result - (0.7 + 0.4 * x)).max() < 0.06


def _velocity(x: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Of the straight path to N(0.7, 0.4²), finite at both of its ends."""
    t = np.asarray(t)[:, None]
    variance = (0.4 * t) ** 2 + (1 - t) ** 2
    return 0.7 + (0.16 * t - (1 - t)) / variance * (x - 0.7 * t)


@pytest.mark.parametrize(
    ("solver", "options"), [("ddpm", {}), ("dpm_solver_sde", {"order": 1}), ("ddim", {"eta": 0.6})]
)
def test_noise_leads_to_the_distribution(solver, options):
    """10,000 samples of the closed form: mean and deviation of the data within 4 standard errors, and the grid's own
    error, which halves as steps double (0.018 at 150)."""
    path = Path.vp()
    times = np.r_[graded(path, 0.999, 0.02, 600), 0.0]
    x = ode.normals((10_000, 1), seed=1, number=2**32 - 1, out=np.empty((10_000, 1)))
    model = predictor(path, "data")
    result = Sampler(path, times, solver=solver, prediction="data", **options).sample(model, x, seed=1)
    assert abs(result.mean() - 0.7) < 4 * 0.4 / 100 + 0.003
    assert abs(result.std() - 0.4) < 4 * 0.4 / 141 + 0.006


# ---------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"solver": "unicp"}, "solver: expected .* got 'unicp'; did you mean unipc"),
        ({"prediction": "epsylon"}, "prediction: expected .* did you mean epsilon"),
        ({"ordr": 2}, "option of unipc: expected .* did you mean order"),
        ({"grid": 2}, "option of unipc: expected"),
        ({"order": 4}, "order: expected 1 to 3, got 4"),
        ({"variant": "bh3"}, "variant: expected bh1, bh2"),
        ({"times": [0.1, 0.5, 0.5, 0.9]}, "times: expected distinct neighbours, got the same time at places 1 and 2"),
        ({"times": [0.1, 0.5, 0.4]}, "times: expected times that only rise or only fall"),
        ({"times": [[0.1, 0.5], [0.5, 0.1]]}, "only rise or only fall"),
        ({"times": [0.1, np.nan]}, "times: expected finite"),
        ({"times": [-0.1, 0.5]}, "times: expected numbers from 0 to 1, got -0.1 to 0.5"),
        ({"times": [0.5]}, "times: expected shape"),
        ({"times": [0.0, 0.5]}, "times: expected none with alpha = 0 where epsilon must give data; got t = 0"),
        ({"times": [1.0, 0.5], "prediction": "data"}, "times: expected sigma > 0 wherever a step starts"),
        ({"solver": "ddim", "eta": -1.0}, "eta: expected 0 or more"),
        ({"solver": "ddpm", "times": [0.9, 0.1]}, "times: expected times towards data"),
        ({"solver": "ddpm", "variance": "learned"}, "variance: expected small, large"),
        ({"solver": "dpm_solver_sde", "times": [0.9, 0.1]}, "times: expected times towards data"),
        ({"solver": "dpm_solver_sde", "order": 3}, "order: expected 1 to 2, got 3"),
        ({"solver": "adams_bashforth", "order": 5}, "order: expected 1 to 4, got 5"),
        ({"solver": "euler", "variable": "sigma"}, "variable: expected time, noise"),
        ({"solver": "euler", "churn": 1.0}, "churn: expected 0 with variable='time'"),
        ({"solver": "euler", "variable": "noise", "churn": -1.0}, "churn: expected 0 or more"),
        (
            {"solver": "heun", "variable": "noise", "times": [0.0, 0.5], "prediction": "velocity"},
            "alpha > 0 everywhere",
        ),
    ],
)
def test_guards(change, message):
    arguments = {"times": [0.1, 0.5, 0.9], "solver": "unipc", "prediction": "epsilon"} | change
    with pytest.raises(ValueError, match=message):
        make_table(Path.conditional_ot(), arguments.pop("times"), **arguments)
