"""Compiled kernels: the process that compiles one computes what those compute that find it on disk."""

import os
import subprocess
import sys

from tests.support.paths import SCRIPTS

PROJECT = """
import hashlib
import numpy as np
from understudy.render import jit, numba_project
rng = np.random.default_rng(0)
means = (0.3 * rng.normal(size=(500, 3)) + [0, 0, 3]).astype(np.float32)
quats, scales = rng.normal(size=(500, 4)).astype(np.float32), rng.uniform(0.005, 0.03, (500, 3)).astype(np.float32)
K, size = np.float32([[300, 0, 80], [0, 300, 100], [0, 0, 1]]), (np.float32(160), np.float32(200))
with jit.threads(2):
    splats = numba_project.project_forward(
        means, quats, scales, np.ones(500, np.float32), K, np.eye(4, dtype=np.float32), *size, np.float32(1 / 255), 16
    )
print(hashlib.sha256(splats.tobytes()).hexdigest())
"""


def test_the_first_process_computes_what_later_ones_do(tmp_path):
    environment = {**os.environ, "PYTHONPATH": str(SCRIPTS), "NUMBA_CACHE_DIR": str(tmp_path)}
    compiled, kept = (
        subprocess.run(
            [sys.executable, "-c", PROJECT], env=environment, capture_output=True, text=True, check=True
        ).stdout
        for _ in range(2)
    )
    assert compiled == kept and compiled
    assert any(tmp_path.rglob("*.nbc"))
