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
    "Avatar": "avatar.base",
    "AvatarArchive": "avatar.archive",
    "AvatarConfig": "avatar.config",
    "BakingConfig": "avatar.baking.config",
    "BodyModel": "body.model",
    "BodyTrack": "formats.smpl",
    "Camera": "render.camera",
    "Canonical": "formats.canonical",
    "CanonicalConfig": "canonical.config",
    "Clip": "motion.clip",
    "ComparisonConfig": "comparison.config",
    "EvaluateConfig": "avatar.config",
    "ExportConfig": "export.config",
    "FittingConfig": "fitting.config",
    "Frames": "formats.frames",
    "FramesConfig": "video.config",
    "GaussiansConfig": "avatar.gaussians.config",
    "InstantNvrConfig": "avatar.instant_nvr.config",
    "NeuralCaptureConfig": "avatar.neural_capture.config",
    "Imported": "importers.run",
    "InputError": "errors",
    "Keypoints": "formats.keypoints",
    "KeypointsConfig": "keypoints.config",
    "LiveView": "viewer.live",
    "MeasuredAvatar": "comparison.measured",
    "MattingConfig": "matting.config",
    "NeuralActorConfig": "avatar.neural_actor.config",
    "ParsingConfig": "parsing.config",
    "PathConfig": "rendering.config",
    "Performance": "rendering.performance",
    "Picture": "rendering.pictures",
    "ReadOptions": "importers.config",
    "ShapeConfig": "body.config",
    "ShowConfig": "rendering.config",
    "SilhouettesConfig": "silhouettes.config",
    "Training": "avatar.training.train",
    "ViewerConfig": "viewer.config",
    "a_pose": "rendering.performance",
    "bake_gaussians": "avatar.baking.bake",
    "cut_silhouettes": "silhouettes.segment",
    "detect_keypoints": "keypoints.detect",
    "evaluate_avatar": "avatar.evaluate",
    "export_avatar": "export.run",
    "extract_frames": "video.decode",
    "in_camera_frame": "rendering.performance",
    "find_method": "avatar.registry",
    "fit_body": "fitting.fit",
    "footage_of": "rendering.footage",
    "import_tracking": "importers.run",
    "label_parts": "parsing.label",
    "load_archive": "avatar.archive",
    "load_avatar": "avatar.archive",
    "load_body": "body.files",
    "look_at": "render.camera",
    "make_performance": "rendering.render",
    "open_recording": "layouts.recording",
    "person_finder": "backends.mediapipe",
    "prepare_canonical": "canonical.prepare",
    "read_cameras": "rendering.cameras",
    "read_measured": "comparison.measured",
    "read_motion": "motion.read",
    "refine_mattes": "matting.refine",
    "refined_poses": "avatar.start",
    "render_performance": "rendering.pictures",
    "render_motion": "rendering.render",
    "render_reenactment": "rendering.reenactment",
    "save_archive": "avatar.archive",
    "save_avatar": "avatar.archive",
    "in_world_frame": "rendering.performance",
    "train_avatar": "avatar.training.train",
    "training_config": "methods",
    "write_comparison": "comparison.page",
    "write_dataset": "layouts.run",
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
