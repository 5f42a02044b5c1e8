"""Where things are in the checkout."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "scripts"
LIBRARY = SCRIPTS / "understudy"
BODY_FILE = ROOT / "models/understudy_body.npz"
