"""The configuration, and where each actor's video is."""

import gc
import os
import sys
import time
from functools import cache
from pathlib import Path

import yaml
from snakemake.common.configfile import load_configfile
from snakemake.exceptions import WorkflowError
from snakemake.logging import logger
from snakemake.utils import update_config

sys.path.insert(0, str(Path(workflow.basedir) / "scripts"))

from understudy.avatar.registry import METHODS
from understudy.batch.sheet import add_sheet, read_sheet
from understudy.commands import called
from understudy.errors import InputError, end_with_terminal
from understudy.settings import check_settings, read_scalars
from understudy.text import one_line
from understudy.video.sources import (
    alike,
    list_videos,
    unfit_letters,
    unfit_name,
    unusable_videos,
)
from understudy.weights.manifest import read_manifest

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
    given = read_scalars(workflow.config_settings.config)
    update_config(config, given)
    # what is on top of config.yaml comes first, each by its own name; jobs of their own processes need not look again
    if workflow.is_main_process:
        for path in workflow.config_settings.configfiles:
            check_settings(load_configfile(path), SCHEMA, str(path))
        check_settings(given, SCHEMA, "--config")
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
    method="|".join(METHODS),


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
