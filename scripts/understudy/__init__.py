"""Understudy: an animatable avatar of a person from one ordinary video.

``import understudy`` offers what a script needs (``PUBLIC``), each looked up when it is first asked for:

    import understudy
    archive = understudy.load_archive("results/anna/avatar.tar")
    understudy.render_motion(archive, "walk.mp4", understudy.ShowConfig(), motion="walk.bvh")

Imports no library itself, so that a stage loads only those it needs.
"""

import os

# OpenMP's threads spin while they wait and keep the cores from numba's and from other jobs. OpenMP reads this once, when the
# first library that uses it is loaded, and no other module of ours is sure to come before that.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

# Whoever makes one of torch's optimisers gets torch's compiler loaded, which makes a folder for compiled code by a name in
# /tmp that anybody can foresee, and fails where it cannot. Nothing is ever compiled by it here: it gets a folder that is there.
if not os.path.isdir(os.environ.get("TORCHINDUCTOR_CACHE_DIR", "")):
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = os.path.dirname(__file__)

PUBLIC = {
    "AvatarConfig": "avatar.config",
    "Camera": "render.camera",
    "ExportConfig": "export.config",
    "InputError": "errors",
    "PathConfig": "rendering.config",
    "ShapeConfig": "body.config",
    "ShowConfig": "rendering.config",
    "ViewerConfig": "viewer.config",
    "a_pose": "rendering.stage",
    "evaluate_avatar": "avatar.evaluate",
    "export_avatar": "export.run",
    "extract_frames": "video.decode",
    "fit_body": "fitting.fit",
    "import_tracking": "importers.run",
    "load_archive": "avatar.archive",
    "load_body": "body.files",
    "look_at": "render.camera",
    "read_motion": "motion.read",
    "render_act": "rendering.pictures",
    "render_motion": "rendering.render",
    "save_avatar": "avatar.archive",
    "train_avatar": "avatar.training.train",
    "write_page": "viewer.page",
}
"""Name of what the package offers to the module that it comes from."""
__all__ = sorted(PUBLIC)


def __getattr__(name: str) -> object:
    """What ``PUBLIC`` lists, from its module."""
    if name not in PUBLIC:
        raise AttributeError(f"module 'understudy' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"understudy.{PUBLIC[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *PUBLIC})
