"""Understudy: an animatable avatar of a person from one ordinary video.

Imports no library, so that a stage loads only those it needs.
"""

import os

# OpenMP's threads spin while they wait and keep the cores from numba's and from other jobs. OpenMP reads this once, when the
# first library that uses it is loaded, and no other module of ours is sure to come before that.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# Whoever makes one of torch's optimisers gets torch's compiler loaded, which makes a folder for compiled code by a name in
# /tmp that anybody can foresee, and fails where it cannot. Nothing is ever compiled by it here: it gets a folder that is there.
if not os.path.isdir(os.environ.get("TORCHINDUCTOR_CACHE_DIR", "")):
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = os.path.dirname(__file__)
