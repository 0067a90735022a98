# SPDX-License-Identifier: Apache-2.0
"""BAL files: costs that Ceres measured on real problems, round trips, and damage."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fastcv import FormatError
from fastcv.io import BalProblem, read_bal, write_bal

SMALL = "2 1 2\n0 0 1.5 -2\n1 0 3 4e0\n" + "\n".join(map(str, range(18))) + "\n1\n2\n-5\n"


def cost(problem: BalProblem) -> float:
    """Half the squared residuals in our frame, (1/2) Σ |f (1 + k1 r² + k2 r⁴) P.xy / P.z - observation|²."""
    pose = problem.cam_from_world[problem.camera_indices]
    in_camera = np.einsum("kij,kj->ki", pose[:, :, :3], problem.points[problem.point_indices]) + pose[:, :, 3]
    xy = in_camera[:, :2] / in_camera[:, 2:]
    r2 = np.sum(xy**2, axis=1)
    f, k1, k2 = problem.params[problem.camera_indices].T
    residual = (f * (1 + k1 * r2 + k2 * r2**2))[:, None] * xy - problem.observations
    return 0.5 * np.sum(residual**2)


@pytest.mark.parametrize(
    ("name", "sizes", "expected"),
    [  # costs that Ceres 2.1 reports on the raw files
        ("problem-49-7776-pre.txt.xz", (49, 7776, 31843), 850912.460681),
        ("problem-16-22106-pre.txt.xz", (16, 22106, 83718), 4185659.518250),
        pytest.param("synth-street-1700.txt.xz", (1700, 149992, 777914), 22963539.178344, marks=pytest.mark.slow),
    ],
)
def test_cost_is_that_of_ceres(data_dir: Path, name: str, sizes: tuple[int, int, int], expected: float) -> None:
    problem = read_bal(data_dir / "bal" / name)
    assert (len(problem.params), len(problem.points), len(problem.observations)) == sizes
    # Six printed decimals, and the sum's order.
    assert cost(problem) == pytest.approx(expected, rel=1e-11)


def test_frame_has_z_forward_and_y_down(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("1 1 1\n0 0 2.5 4\n" + "0\n" * 6 + "500\n0.1\n0.2\n" + "1\n2\n-5\n")
    problem = read_bal(tmp_path / "a.txt")
    np.testing.assert_array_equal(problem.cam_from_world[0], np.diag([1.0, -1.0, -1.0]) @ np.eye(3, 4))
    np.testing.assert_array_equal(problem.observations, [[2.5, -4.0]])
    np.testing.assert_array_equal(problem.params, [[500, 0.1, 0.2]])


@pytest.mark.parametrize("suffix", [".txt", ".xz", ".bz2", ".gz"])
def test_round_trip(tmp_path: Path, suffix: str) -> None:
    rng = np.random.default_rng(1)
    (tmp_path / "start").write_text(SMALL)
    problem = replace(
        read_bal(tmp_path / "start"), observations=rng.normal(size=(2, 2)), points=rng.normal(size=(1, 3))
    )
    path = tmp_path / f"a{suffix}"
    write_bal(path, problem)
    again = read_bal(path)
    for name in ("params", "points", "observations", "camera_indices", "point_indices"):
        np.testing.assert_array_equal(getattr(again, name), getattr(problem, name))
    # Rotations pass through angle-axis vectors.
    np.testing.assert_allclose(again.cam_from_world, problem.cam_from_world, atol=1e-14)


@pytest.mark.parametrize(("suffix", "pack"), [(".xz", lzma.compress), (".bz2", bz2.compress), (".gz", gzip.compress)])
def test_compressed_files_are_unpacked(tmp_path: Path, suffix: str, pack: Callable[[bytes], bytes]) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(pack(SMALL.encode()))
    np.testing.assert_array_equal(read_bal(path).points, [[1, 2, -5]])
    for data in (path.read_bytes()[:-9], b"no archive", b""):
        path.write_bytes(data)
        with pytest.raises(FormatError):
            read_bal(path)
    path.write_bytes(pack(SMALL.encode() + b" " * 10_000_000))
    with pytest.raises(FormatError, match="100 times"):
        read_bal(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "expected 3 numbers"),
        ("1 1\n", "expected 3 numbers"),
        ("1 1 1.5\n", "line 1: expected three whole numbers"),
        ("-1 1 1\n", "line 1: expected three whole numbers"),
        ("1e18 1 1\n", "line 1: expected three whole numbers"),
        ("2000000000 2000000000 2000000000\n1 2\n", "cannot fit"),
        (SMALL.replace("1.5", "nan"), "observation 0: expected finite"),
        (SMALL.replace("\n7\n", "\ninf\n"), "camera 0: expected finite"),
        (SMALL.replace("\n10\n", "\n1e300\n"), "camera 1: expected finite"),
        (SMALL.replace("-5", "1e999"), "point 0: expected finite"),
        (SMALL.replace("1.5", "1.5x"), "line 2: expected a number, got '1.5x'"),
        (SMALL.replace("\n17\n", "\nseven\n"), "line 21: expected a number, got 'seven'"),
        (SMALL.replace("4e0", "4\0"), "line 3: expected a number"),
        (SMALL.replace("1 0 3", "2 0 3"), r"observation 1: expected a camera index in \[0, 2\), got 2"),
        (SMALL.replace("1 0 3", "1 -1 3"), r"observation 1: expected a point index in \[0, 1\), got -1"),
        (SMALL.replace("1 0 3", "0.5 0 3"), "observation 1: expected a camera index"),
        (SMALL + "1\n", "expected 29 numbers, got 30"),
        (SMALL[:-3], "expected 29 numbers, got 28"),
        (SMALL + "end\n", "expected a number, got 'end'"),
    ],
)
def test_damage_is_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "a.txt").write_text(text)
    with pytest.raises(FormatError, match=message):
        read_bal(tmp_path / "a.txt")


def test_random_damage(tmp_path: Path, survives_damage: Callable[..., None]) -> None:
    path = tmp_path / "a.txt"
    path.write_text(SMALL)
    survives_damage(path, lambda: read_bal(path), flips=200, lengths=range(len(SMALL) - 2))


@pytest.mark.parametrize("suffix", [".xz", ".bz2", ".gz"])
def test_random_damage_to_packed_files(tmp_path: Path, suffix: str, survives_damage: Callable[..., None]) -> None:
    path = tmp_path / f"a.txt{suffix}"
    (tmp_path / "start").write_text(SMALL)
    write_bal(path, read_bal(tmp_path / "start"))
    # A flip may hit what the formats do not check, such as gzip's time stamp; a cut never passes.
    survives_damage(path, lambda: read_bal(path), flips=200, lengths=range(path.stat().st_size))


def test_a_name_that_lies_about_its_packing(tmp_path: Path) -> None:
    packed = tmp_path / "a.txt.gz"
    packed.write_bytes(lzma.compress(SMALL.encode()))
    with pytest.raises(FormatError, match=r"expected \.gz data that unpacks"):
        read_bal(packed)
    (tmp_path / "a.txt").write_bytes(bz2.compress(SMALL.encode()))
    with pytest.raises(FormatError, match="expected"):
        read_bal(tmp_path / "a.txt")


def test_problem_checks_its_arrays(tmp_path: Path) -> None:
    (tmp_path / "a").write_text(SMALL)
    good = read_bal(tmp_path / "a")
    with pytest.raises(TypeError, match="camera_indices: expected dtype int32, got int64"):
        replace(good, camera_indices=np.zeros(2, np.int64))
    with pytest.raises(ValueError, match=r"points: expected shape \(1, 3\), got \(1, 2\)"):
        replace(good, points=np.zeros((1, 2)))
    with pytest.raises(ValueError, match=r"point_indices: expected values in \[0, 1\), got 0 to 1"):
        replace(good, point_indices=np.array([0, 1], np.int32))
    with pytest.raises(ValueError, match="params: expected finite values, got 6"):
        replace(good, params=np.full((2, 3), np.nan))
    with pytest.raises(ValueError, match="rotation 0: expected orthonormal"):
        write_bal(tmp_path / "b", replace(good, cam_from_world=np.zeros((2, 3, 4))))
    assert not (tmp_path / "b").exists()
