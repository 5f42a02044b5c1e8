"""Files that lie beside the page, as links."""

import os
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

from understudy.report.costs import size

OPENED_BY = {
    "avatar.glb": "rigged, textured, with motions: Blender, Unity, Unreal, Godot, three.js",
    "avatar.vrm": "VRM 1.0 avatar: three-vrm, UniVRM",
    "avatar.ply": "Gaussians in one pose: SuperSplat, Postshot, Blender 5.3",
    "avatar.spz": "the same, small: Spark, Babylon.js, Scaniverse",
    "splats.glb": "the same as glTF: CesiumJS",
    "mesh.obj": "mesh in one pose with texture and normal map: nearly everything",
    "mesh.ply": "mesh with colours: MeshLab, CloudCompare",
    "avatar.tar": "the avatar itself: understudy render, export, view",
    "baked.tar": "Gaussians in its likeness, of which the page and the other files are made: understudy export, view",
}
"""What a file is, and what opens it."""


def file_links(page: str | Path, files: Iterable[Path]) -> list[dict[str, str]]:
    """Address relative to the page, name, size and use of the files that people open; parts of these are passed over."""
    named = {path.name: path for path in files}
    return [
        {"href": address(page, named[name]), "name": name, "size": size(named[name].stat().st_size / 1e6), "use": use}
        for name, use in OPENED_BY.items()
        if name in named
    ]


def address(page: str | Path, path: str | Path) -> str:
    """Address of a file relative to a page."""
    return quote(Path(os.path.relpath(path, Path(page).parent)).as_posix())
