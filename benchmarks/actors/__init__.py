"""Synthetic people with exact truth. They share the demo actor's workshop, ``data/demo``."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "data/demo"))
