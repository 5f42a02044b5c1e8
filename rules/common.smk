"""Configuration, and where each actor's video is."""

import sys
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(workflow.basedir) / "scripts"))

from understudy.errors import InputError
from understudy.settings import actor_settings, check_settings
from understudy.video.sources import list_videos

try:
    check_settings(
        config,
        yaml.safe_load(
            Path(workflow.basedir, "schemas/config.schema.yaml").read_text()
        ),
    )
except InputError as error:
    sys.exit(f"error: {error}")

VIDEOS = {name: str(path) for name, path in list_videos(Path("data/videos")).items()}
VIDEOS |= {
    name: overrides["video"]
    for name, overrides in config["actors"].items()
    if "video" in overrides
}
ACTORS = sorted(VIDEOS)

# Named one by one, since Snakemake lets a finished target stand when something in between was deleted.
FILES = (
    "frames.json",
    "keypoints.npz",
    "alpha",
    "smpl.npz",
    "matte",
    "trimap",
    "parsing",
    "canonical.npz",
    "avatar.tar",
    "metrics.json",
    "renders/turntable.mp4",
    "report.html",
)


wildcard_constraints:
    actor="[^/]+",


def video_of(wildcards):
    """The video of an actor, or the end of the run in one sentence."""
    actor = wildcards.actor
    if actor not in VIDEOS:
        there = ", ".join(ACTORS) or "none yet"
        sys.exit(
            f"error: no video for '{actor}': put {actor}.mp4 (or mov, avi, mkv, webm, gif, or a folder of images) into"
            f" data/videos, or name it in config.yaml under actors. Videos there: {there}."
        )
    if not Path(VIDEOS[actor]).exists():
        sys.exit(
            f"error: config.yaml, actors.{actor}.video: there is no file {VIDEOS[actor]}."
        )
    return VIDEOS[actor]


def settings(stage):
    """Params function: the options of one stage with the actor's own on top."""

    def of_actor(wildcards):
        return actor_settings(config, stage, wildcards.actor)

    return of_actor


def motions_of(actor):
    """Motions to render of an actor: name of the video to the motion's file."""
    named = {}
    for path in actor_settings(config, "render", actor)["motions"]:
        # results/anna/smpl.npz is anna's motion
        name = (
            Path(path).parent.name if Path(path).name == "smpl.npz" else Path(path).stem
        )
        if name in ("turntable", "reenactment") or named.get(name, path) != path:
            sys.exit(
                f"error: config.yaml, render.motions: {path} would be written to renders/{name}.mp4, which is taken;"
                " rename it."
            )
        named[name] = path
    return named


def motion_file(wildcards):
    """The file of a motion that is to be rendered, or the end of the run in one sentence."""
    motions = motions_of(wildcards.actor)
    if wildcards.motion not in motions:
        there = ", ".join(motions) or "none yet"
        sys.exit(
            f"error: no motion '{wildcards.motion}': add its file to render.motions in config.yaml. Motions there: {there}."
        )
    return model_file("render.motions", motions[wildcards.motion])


def motion_inputs(stage):
    """Input function: the files of the motions that an option of the stage lists."""

    def of_actor(wildcards):
        paths = actor_settings(config, stage, wildcards.actor)["motions"]
        return [model_file(f"{stage}.motions", path) for path in paths]

    return of_actor


def look(wildcards):
    """Params function: how renders look, without the list of motions, which does not change those there are."""
    options = actor_settings(config, "render", wildcards.actor)
    return {name: value for name, value in options.items() if name != "motions"}


def hold_out(wildcards):
    """Which frames neither the texture nor the avatar may learn from."""
    return actor_settings(config, "avatar", wildcards.actor)["hold_out"]


def body_file(wildcards):
    """The body model's file of an actor."""
    return model_file(
        "body.path", actor_settings(config, "body", wildcards.actor)["path"]
    )


def regressor_file(wildcards):
    """The pose regressor's weights of an actor, or no input where the configuration names none."""
    path = actor_settings(config, "smpl", wildcards.actor)["regressor"]
    return [] if path is None else model_file("smpl.regressor", path)


def model_file(option, path):
    """A file that an option names: in the working folder, else beside the workflow."""
    for place in (Path(path), Path(workflow.basedir, path)):
        if place.exists():
            return str(place)
    sys.exit(f"error: config.yaml, {option}: there is no file {path}.")


def scaled_mem(mem_mb):
    """Resource function: memory that grows with each attempt."""

    def of_attempt(wildcards, attempt):
        return mem_mb * attempt

    return of_attempt
