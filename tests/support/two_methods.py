"""A checkout with a second method of avatars, the textured mesh of the tests, as a user's own method would be added."""

import os
import shutil
import subprocess
import sys

from tests.support.paths import ROOT

SHARED = ("Snakefile", "rules", "envs", "models", "profiles", "report", "data", "tools")
SECTION = """    Section("mesh", "what a textured mesh learns", (MeshConfig,)),\n    Section("evaluate","""
CONFIG = '''"""Options of the method ``mesh``."""

from dataclasses import dataclass
from typing import ClassVar

from understudy.avatar.config import MethodConfig


@dataclass(frozen=True)
class MeshConfig(MethodConfig):
    """What a textured mesh learns."""

    training: ClassVar = {"steps": 40}

    lr_texture: float = 0.1
    """Learning rate of the colours' logits; 0 keeps the texture."""
'''


def checkout(folder):
    """The checkout's workflow in a folder, with a line in the registry, a section and a folder for the method ``mesh``."""
    folder.mkdir()
    for name in SHARED:
        (folder / name).symlink_to(ROOT / name) if name not in ("Snakefile", "rules", "tools") else _copy(name, folder)
    shutil.copytree(ROOT / "scripts", folder / "scripts", ignore=shutil.ignore_patterns("__pycache__", "*.nb?"))
    (folder / "schemas").mkdir()
    library = folder / "scripts/understudy"
    _add(library / "avatar/registry.py", '}\n"""Name', '    "mesh": "understudy.avatar.mesh.method.MeshMethod",\n')
    _replace(library / "sections.py", '    Section("evaluate",', SECTION)
    _add(library / "sections.py", "from understudy.body.", "from understudy.avatar.mesh.config import MeshConfig\n")
    (library / "avatar/mesh").mkdir()
    (library / "avatar/mesh/__init__.py").touch()
    (library / "avatar/mesh/config.py").write_text(CONFIG)
    shutil.copy(ROOT / "tests/support/mesh_method.py", library / "avatar/mesh/method.py")
    environment = {**os.environ, "PYTHONPATH": str(folder / "scripts")}
    subprocess.run([sys.executable, folder / "tools/write_config.py"], check=True, env=environment)
    return folder


def _copy(name, folder):
    copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
    copy(ROOT / name, folder / name)


def _add(path, before, text):
    """Put a line before the first that begins so."""
    _replace(path, before, text + before)


def _replace(path, old, new):
    content = path.read_text()
    assert old in content, path
    path.write_text(content.replace(old, new, 1))
