"""Configuration, where each actor's video is, and what is told of all of them."""

import gc
import os
import sys
import time
from functools import cache
from pathlib import Path

import yaml
from snakemake.exceptions import WorkflowError
from snakemake.logging import logger

sys.path.insert(0, str(Path(workflow.basedir) / "scripts"))

from understudy.backends.registry import check_files, check_packages, find_backend
from understudy.batch.code import code_digest
from understudy.batch.sheet import add_sheet, read_sheet
from understudy.batch.summary import write_summary
from understudy.commands import called
from understudy.errors import InputError, end_with_terminal
from understudy.settings import actor_settings, check_settings
from understudy.stages import FILES
from understudy.text import one_line
from understudy.video.sources import (
    alike,
    list_videos,
    unfit_letters,
    unfit_name,
    unusable_videos,
)
from understudy.weights.check import vouched_digest
from understudy.weights.manifest import find_weights, read_manifest
from understudy.weights.programs import is_torchscript, read_program

# A plan of thousands of jobs is millions of objects that live on; looking through them for garbage costs an eighth of the time.
gc.set_threshold(200_000, 50, 100)

# Snakemake knows Ctrl-C and SIGTERM alone: a closed terminal would leave its lock behind.
end_with_terminal()


def stop(sentence):
    """End the run with a sentence, in which names and files cannot steer the terminal."""
    sys.exit(one_line(f"error: {sentence}"))


def warn(sentence):
    """A warning, likewise."""
    logger.warning(one_line(sentence))


SCHEMA = yaml.safe_load(
    Path(workflow.basedir, "schemas/config.schema.yaml").read_text()
)
try:
    check_settings(config, SCHEMA)
    MANIFEST = read_manifest(Path(workflow.basedir, "models/manifest.yaml"))
    if config["videos"] is not None:
        listed = read_sheet(config["videos"], SCHEMA)
        check_settings({"actors": listed}, SCHEMA, config["videos"])
        config["actors"] = add_sheet(config, listed)
    VIDEOS = {
        name: str(path) for name, path in list_videos(Path("data/videos")).items()
    }
    # jobs of their own processes need not look again
    LEFT_OUT = unusable_videos(Path("data/videos")) if workflow.is_main_process else {}
except InputError as error:
    stop(error)

VIDEOS |= {
    name: overrides["video"]
    for name, overrides in config["actors"].items()
    if "video" in overrides
}
ACTORS = sorted(VIDEOS)
for name, video in VIDEOS.items():
    why = unfit_name(name) or unfit_letters(video)
    if why:
        stop(
            f"{name}, {video}: this cannot name an actor or a video, for {why}; rename it."
        )
for sentence in LEFT_OUT.values():
    warn(sentence)
if workflow.is_main_process:
    for pair in alike(ACTORS):
        warn(
            f"{' and '.join(pair)} differ in case or in how accents are stored alone; on a disk that does not tell them"
            " apart their results would be one folder: rename one."
        )


wildcard_constraints:
    actor="[^/]+",


def video_name(wildcards):
    """What names the video of an actor, or the end of the run in one sentence."""
    actor = wildcards.actor
    if actor not in VIDEOS:
        there = ", ".join(ACTORS[:20]) or "none yet"
        more = f" and {len(ACTORS) - 20} more" if len(ACTORS) > 20 else ""
        stop(
            f"no video for '{actor}': put {actor}.mp4 (or mov, avi, mkv, webm, gif, or a folder of images) into"
            f" data/videos, or name it in config.yaml under actors. Videos there: {there}{more}."
        )
    return VIDEOS[actor]


def video_of(wildcards):
    """The video of an actor: a file, a folder, or what a storage plugin finds at an address.

    One that is missing is no input, so that the job of this actor alone fails, unless its frames are there.
    """
    name = video_name(wildcards)
    video = stored(name) if "://" in name else name
    if is_there(video):
        return video
    # the missing file, not none: the same input as before, so that the frames stay as they are
    return name if Path("results", wildcards.actor, "frames.json").exists() else []


@cache
def stored(address):
    """A file at an address, which the storage plugin for it brings here when the job begins."""
    try:
        return storage(address)
    except WorkflowError:
        kind = address.split("://")[0].replace("https", "http")
        stop(
            f"Snakemake has no storage plugin here for {address}: {called('pip')} install snakemake-storage-plugin-{kind},"
            " or the one that its plugin catalog names."
        )


@cache
def is_there(video):
    """Whether a video can be had; what else a server may answer than yes and no counts as no."""
    if "storage_object" not in getattr(video, "flags", ()):
        there = Path(video).exists()
        if there and Path(video).stat().st_mtime > time.time() + 60:
            warn(
                f"{video} is dated in the future; Snakemake keeps nothing that is older than what it was made of: touch it."
            )
        return there
    try:
        return video.flags["storage_object"].exists()
    except Exception as error:
        warn(error)
        return False


def code_of(script, stage=None):
    """Params function: a digest of the library code that a script reaches, since Snakemake watches the script alone.

    Of a stage with backends, that of the actor's own counts too.
    """

    @cache
    def digest(*modules):
        return code_digest(Path(workflow.basedir, "scripts", script), modules)

    def of_job(wildcards):
        return (
            digest()
            if stage is None
            else digest(f"understudy.{backend_of(stage, wildcards).module}")
        )

    return of_job


def backend_of(stage, wildcards):
    """What does a stage's work for an actor."""
    name = actor_settings(config, stage, wildcards.actor)["backend"]
    return find_backend(stage, name)


def env_of(stage):
    """Conda function: the environment of the backend that does a stage's work."""

    def of_actor(wildcards):
        return f"../envs/{backend_of(stage, wildcards).env or stage}.yaml"

    return of_actor


def weights_file(stage):
    """Input function: the backend's weights, or none where it takes none; what it lacks ends the run in one sentence."""

    def of_actor(wildcards):
        return lookup_backend(stage, wildcards)[0]

    return of_actor


def given_files(stage):
    """Input function: the folder of another program's files that the backend reads, or none where it reads none."""

    def of_actor(wildcards):
        return lookup_backend(stage, wildcards)[1]

    return of_actor


def vouched_weights(stage):
    """Params function: SHA-256 of weights that are a program, for which somebody vouches; None for others."""

    def of_actor(wildcards):
        return lookup_backend(stage, wildcards)[2]

    return of_actor


def lookup_backend(stage, wildcards):
    """The files of weights and of another program that a stage's backend takes, each a path, or an empty list for none;
    and the checksum of weights that are a program.
    """
    options = actor_settings(config, stage, wildcards.actor)
    return found_backend(
        stage, options["backend"], options.get("weights"), options["files"]
    )


@cache
def found_backend(stage, name, weights, files):
    """As ``lookup_backend``; jobs of an environment of their own may have packages that are not here."""
    backend = find_backend(stage, name)
    try:
        if not workflow.deployment_settings.deployment_method:
            check_packages(stage, name)
        if backend.weights is not None:
            weights = find_weights(
                MANIFEST,
                f"{stage}.backend {name!r}",
                backend.weights,
                weights,
                Path(workflow.basedir),
            )
        check_files(stage, name, weights and Path(weights), files and Path(files))
        vouched = vouched_for(Path(weights)) if backend.runs else None
    except InputError as error:
        stop(error)
    return (
        [] if backend.weights is None else str(weights),
        files if backend.reads else [],
        vouched,
    )


def vouched_for(weights):
    """SHA-256 of weights that are a program, for which the manifest or the user vouches; None for others."""
    if not is_torchscript(weights):
        return None
    folders = [Path("models"), Path(workflow.basedir, "models")]
    vouched = vouched_digest(weights, MANIFEST, folders)
    read_program(weights, vouched)
    return vouched


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
        why = unfit_letters(path)
        if why:
            stop(
                f"config.yaml, render.motions: {path} cannot name a motion, for {why}; rename it."
            )
        if name in ("turntable", "reenactment") or named.get(name, path) != path:
            stop(
                f"config.yaml, render.motions: {path} would be written to renders/{name}.mp4, which is taken;"
                " rename it."
            )
        named[name] = path
    return named


def motion_file(wildcards):
    """The file of a motion that is to be rendered, or the end of the run in one sentence."""
    motions = motions_of(wildcards.actor)
    if wildcards.motion not in motions:
        there = ", ".join(motions) or "none yet"
        stop(
            f"no motion '{wildcards.motion}': add its file to render.motions in config.yaml. Motions there: {there}."
        )
    return model_file("render.motions", motions[wildcards.motion])


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
    return actor_settings(config, "smpl", wildcards.actor)["height_m"] is not None


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


@cache
def model_file(option, path):
    """A file that an option names: in the working folder, else beside the workflow."""
    for place in (Path(path), Path(workflow.basedir, path)):
        if place.exists():
            return str(place)
    stop(f"config.yaml, {option}: there is no file {path}.")


def scaled_mem(mem_mb):
    """Resource function: memory that grows with each attempt."""

    def of_attempt(wildcards, attempt):
        return mem_mb * attempt

    return of_attempt


def scaled_time(minutes):
    """Resource function: minutes that grow with each attempt."""

    def of_attempt(wildcards, attempt):
        return minutes * attempt

    return of_attempt


def gpus(stage):
    """Resource function: how many GPUs a stage works on; none where its device is the CPU."""

    def of_actor(wildcards):
        options = actor_settings(config, stage, wildcards.actor)
        return 0 if options["device"] == "cpu" else options.get("gpus", 1)

    return of_actor


def backend_gpus(stage):
    """Resource function: the GPU of the backend that does a stage's work, if it uses one."""

    def of_actor(wildcards):
        return int(backend_of(stage, wildcards).uses_gpu)

    return of_actor


def backend_mem(stage):
    """Resource function: memory of the backend that does a stage's work; it grows with each attempt."""

    def of_attempt(wildcards, attempt):
        return backend_of(stage, wildcards).mem_mb * attempt

    return of_attempt


def backend_time(stage):
    """Resource function: minutes of the backend that does a stage's work; they grow with each attempt."""

    def of_attempt(wildcards, attempt):
        return backend_of(stage, wildcards).minutes * attempt

    return of_attempt


def everything(wildcards):
    """Input function: all files of all actors; a function, so that asking for one of them does not list all."""
    # named one by one, since Snakemake lets a finished target stand when something in between was deleted
    return [
        f"results/{actor}/{file}"
        for actor in ACTORS
        for file in (*FILES, *(f"renders/{motion}.mp4" for motion in motions_of(actor)))
    ]


def summarize(at_work=False, failed=False):
    """Write results/summary.tsv and results/index.html; after a failure, say where to look."""
    try:
        count = write_summary(Path("results"), ACTORS, at_work, LEFT_OUT)
    except (OSError, InputError) as error:
        warn(f"No results/summary.tsv was written: {error}")
        return
    if failed:
        logger.error(
            f"{count} of {len(ACTORS) + len(LEFT_OUT)} videos failed; see results/summary.tsv and results/index.html for the reasons."
        )
    elif LEFT_OUT and not at_work:
        warn(
            f"{len(LEFT_OUT)} videos were left out because of their names; see results/summary.tsv for which and why."
        )
