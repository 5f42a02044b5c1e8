"""An actor's options, and the files that options name."""

from functools import cache
from pathlib import Path

from understudy.avatar.registry import WITH_GAUSSIANS
from understudy.batch.motions import motion_names
from understudy.errors import InputError
from understudy.avatar.config import REFINING, takes_refined
from understudy.methods import avatar_of, folder_of, training_settings
from understudy.settings import actor_settings


def settings(stage, without=()):
    """Params function: the options of one stage with the actor's own on top, but for those that are inputs of the rule."""

    def of_actor(wildcards):
        options = actor_settings(config, stage, wildcards.actor)
        return {name: value for name, value in options.items() if name not in without}

    return of_actor


def method_of(wildcards):
    """The method of avatars that a job is about: the one that its files name, else the actor's own.

    The actor's own has its files in the actor's folder; asking for them again under its name ends the run.
    """
    own = actor_settings(config, "avatar", wildcards.actor)["method"]
    method = wildcards.get("method", own)
    if method == own and "method" in wildcards.keys():
        stop(
            f"{method} is avatar.method of {wildcards.actor}, so its avatar is results/{wildcards.actor}/avatar.tar; ask for that."
        )
    return method


def method_options(wildcards):
    """Params function: the options of a job's method of avatars."""
    return actor_settings(config, method_of(wildcards), wildcards.actor)


def training_options(wildcards):
    """Params function: how an avatar is trained, with the method's own defaults where the configuration leaves them to it."""
    options = actor_settings(config, "avatar", wildcards.actor)
    return training_settings(options, method_of(wildcards))


def refined_avatar(wildcards):
    """Input function: the avatar that another one's poses are taken from, or no input where it starts from the fit."""
    options = actor_settings(config, "avatar", wildcards.actor)
    if not takes_refined(method_of(wildcards), options):
        return []
    return avatar_of(wildcards.actor, REFINING, options["method"])


def is_baked(actor):
    """Whether Gaussians have to be made of an actor's avatar, for its method has none."""
    return actor_settings(config, "avatar", actor)["method"] not in WITH_GAUSSIANS


def gaussians_file(wildcards):
    """Input function: the avatar where it is made of Gaussians, else those that are made of it."""
    name = "baked" if is_baked(wildcards.actor) else "avatar"
    return f"results/{wildcards.actor}/{name}.tar"


def baked_files(wildcards):
    """Input function: the Gaussians that are made of an actor's avatar, if any are."""
    return [gaussians_file(wildcards)] if is_baked(wildcards.actor) else []


def compared(file):
    """Input function: a file of the avatar of each method that is compared."""

    def of_actor(wildcards):
        own = actor_settings(config, "avatar", wildcards.actor)["method"]
        methods = actor_settings(config, "comparison", wildcards.actor)["methods"]
        return [
            f"{folder_of(wildcards.actor, method, own)}/{file}"
            for method in dict.fromkeys(methods)
        ]

    return of_actor


def motions_of(actor):
    """Motions to render of an actor: name of the video to the motion's file."""
    try:
        return motion_names(actor_settings(config, "motion", actor)["motions"])
    except InputError as error:
        stop(f"config.yaml, motion.motions: {error}")


def motion_file(wildcards):
    """The file of a motion that is to be rendered, or the end of the run in one sentence."""
    motions = motions_of(wildcards.actor)
    if wildcards.motion not in motions:
        there = ", ".join(motions) or "none yet"
        stop(
            f"no motion '{wildcards.motion}': add its file to motion.motions in config.yaml. Motions there: {there}."
        )
    return model_file("motion.motions", motions[wildcards.motion])


def motion_inputs(stage):
    """Input function: the files of the motions that an option of the stage lists."""

    def of_actor(wildcards):
        paths = actor_settings(config, stage, wildcards.actor)["motions"]
        return [model_file(f"{stage}.motions", path) for path in paths]

    return of_actor


def motion_videos(wildcards):
    """Input function: the videos of the motions that are to be rendered."""
    return [
        f"results/{wildcards.actor}/renders/{motion}.mp4"
        for motion in motions_of(wildcards.actor)
    ]


def height_given(wildcards):
    """Params function: whether the person's height is known."""
    return actor_settings(config, "fitting", wildcards.actor)["height_m"] is not None


def lens_distorts(wildcards):
    """Params function: whether the frames are free of a lens distortion that the video has."""
    return bool(actor_settings(config, "frames", wildcards.actor)["distortion"])


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
    path = actor_settings(config, "fitting", wildcards.actor)["regressor"]
    return [] if path is None else model_file("fitting.regressor", path)


@cache
def model_file(option, path):
    """A file that an option names: in the working folder, else beside the workflow."""
    for place in (Path(path), Path(workflow.basedir, path)):
        if place.exists():
            return str(place)
    stop(f"config.yaml, {option}: there is no file {path}.")
