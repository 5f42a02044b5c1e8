"""What a script imports, and what an environment pins."""

import ast
import sys

import yaml

from tests.support.paths import ROOT
from understudy.batch.code import reached_modules

DISTRIBUTION = {
    "PIL": "pillow",
    "llvmlite": "numba",
    "ai_edge_litert": "ai-edge-litert",
    "cv2": "opencv-python-headless",
    "yaml": "pyyaml",
    "skimage": "scikit-image",
    "segment_anything": "segment-anything",
}


OPTIONAL = {"gsplat", "snakemake", "anny"}
"""Imported only where present, or for type checkers."""


def imports_of(script, *modules):
    """Third-party modules that a script and the library modules it reaches import."""
    found = set()
    for path in (script, *reached_modules(script, modules)):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found.add(node.module.split(".")[0])
    return found - set(sys.stdlib_module_names) - OPTIONAL - {"understudy"}


def pins_of(env):
    """Pinned distributions of an env file, lower case: version."""
    content = yaml.safe_load((ROOT / env).read_text())
    pip = next(entry["pip"] for entry in content["dependencies"] if isinstance(entry, dict))
    return dict(line.lower().split("==") for line in pip)
