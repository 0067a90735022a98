# SPDX-License-Identifier: Apache-2.0
"""Every instruction set gives the same bits."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

SCRIPT = """
import hashlib, numpy as np
from fastcv import Camera
from fastcv.camera import project_jacobian, undistort_image, unproject
from fastcv.scene import CAMERA_MODELS

values = dict(f=500, fx=500, fy=510, cx=321, cy=239, omega=0.9, k=-0.05, k1=-0.05, k2=0.02, k3=-0.003, k4=0.001)
values |= dict(k0=0.03, p0=0.001, s0=0.001, s1=-0.002, s2=0.0015, s3=0.0005, alpha=0.6, beta=1.1, w=640, h=480)
values |= dict(k5=0.002, k6=0.001, p1=0.002, p2=-0.003, sx1=0.001, sy1=-0.002)
rng, digest = np.random.default_rng(0), hashlib.sha256()
for dtype in (np.float32, np.float64):
    points = rng.uniform([-1, -1, 1], [1, 1, 3], (1001, 3)).astype(dtype)
    pinhole = Camera("PINHOLE", 640, 480, [500, 500, 320, 240])
    for model, (_, names) in CAMERA_MODELS.items():
        camera = Camera(model, 640, 480, [values[name] for name in names])
        results = project_jacobian(points, camera)
        for array in (*results, unproject(results[0], camera)):
            digest.update(array.tobytes())
        image = rng.integers(0, 256, (480, 640), np.uint8)
        digest.update(undistort_image(image, camera, pinhole=pinhole)[0].tobytes())
print(digest.hexdigest())
"""


def digest(isa: str | None) -> str:
    environment = {**os.environ, **({"FASTCV_ISA": isa} if isa else {})}
    run = subprocess.run([sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=True)
    return run.stdout


@pytest.mark.parametrize("isa", ["v2", "v3"])
def test_same_bits(isa):
    assert digest(isa) == digest(None)
