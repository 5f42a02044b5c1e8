"""Understudy: an animatable avatar of a person from one ordinary video.

Imports no library, so that a stage loads only those it needs.
"""

import os

# OpenMP's threads spin while they wait and keep the cores from numba's and from other jobs. OpenMP reads this once, when the
# first library that uses it is loaded, and no other module of ours is sure to come before that.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
