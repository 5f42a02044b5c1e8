"""Understudy: an animatable avatar of a person from one ordinary video.

Imports no library, so that a stage loads only those it needs.
"""

import os

# OpenMP's threads spin while they wait: on a machine with other work that makes a training step ten times slower.
# OpenMP reads this once, when the first library that uses it is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
