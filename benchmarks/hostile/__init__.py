"""Files as an attacker or a broken disk makes them, and the readers that must refuse them."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT)]  # what the library's tests make is where mutation begins
