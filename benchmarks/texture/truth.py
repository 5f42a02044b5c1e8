"""How near the texture comes to that of the true poses, without part labels and with them.

python -m benchmarks.texture.truth RESULTS                       the demo actor, after `make avatar`
python -m benchmarks.texture.truth RESULTS FOLDER --actor kofi   a synthetic person of benchmarks.poses.truth FOLDER

RESULTS is an actor's folder with frames, smpl.npz, matte and parsing; of a synthetic person the truth is made again,
which needs the package anny. Both textures are of the same pictures and silhouettes. --off turns the arms of the true
poses by up to so many degrees that change slowly, in place of the fit, and labels are made again for those poses.
"""

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.demo.true_track import true_track
from benchmarks.support.actors import clips
from benchmarks.support.actors.cast import CAST
from benchmarks.support.actors.figures import make_figure
from benchmarks.support.actors.rig import bone_transforms
from benchmarks.support.runs import REPOSITORY
from benchmarks.support.truth import Truth, load_free_body
from understudy.body.model import PARTS, BodyModel
from understudy.canonical.config import CanonicalConfig
from understudy.canonical.prepare import prepare_canonical
from understudy.files.arrays import read_npz
from understudy.formats.canonical import Canonical
from understudy.formats.frames import Frames, held_out_frames
from understudy.formats.smpl import BodyTrack
from understudy.parsing.label import label_parts
from understudy.textures.atlas import make_atlas
from understudy.threads import use_threads

HOLD_OUT = 8
MARKER_STEP = 5
"""Every so many vertices one is a marker that the true poses are fitted to."""
WELL_SEEN = 100
"""Of 255: texels that the true poses see at least this well are compared."""
PLACES = {
    "all": PARTS,
    "head": ("inside", "hair", "face", "neck"),
    "torso": ("torso",),
    "arms": ("left_arm", "right_arm"),
    "hands": ("left_hand", "right_hand"),
    "legs": ("left_leg", "right_leg"),
    "feet": ("left_foot", "right_foot"),
}
MOVED = ("left_shoulder", "right_shoulder", "left_elbow", "right_elbow")


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results", type=Path)
    parser.add_argument("folder", type=Path, nargs="?", help="folder of the synthetic people")
    parser.add_argument("--actor", choices=[actor.name for actor in CAST], help="which of them")
    parser.add_argument("--motions", type=Path, default=Path("data/motions"), help="folder of BVH files")
    parser.add_argument("--off", type=float, default=0.0, metavar="DEGREES", help="turn the true poses' arms")
    options = parser.parse_args()
    use_threads(2)
    body, results = load_free_body(), options.results
    frames = Frames.load(results / "frames.json", results / "frames")
    if options.actor:
        truth = actor_truth(options.actor, options.folder, options.motions, body)
    else:
        truth = dict(np.load(REPOSITORY / "data/demo/truth/truth.npz"))
    true = true_track(body, truth).track
    with tempfile.TemporaryDirectory() as temporary:
        track, labels = BodyTrack.load(results / "smpl.npz"), results / "parsing"
        if options.off:
            track, labels = with_arms_off(body, true, options.off), Path(temporary, "parsing")
            label_parts(frames, results / "matte", track, body, labels)
        reference, plain, labelled = (
            prepare_canonical(
                frames,
                results / "matte",
                poses,
                body,
                CanonicalConfig(),
                held_out_frames(len(frames), HOLD_OUT),
                folder,
            )
            for poses, folder in ((true, None), (track, None), (track, labels))
        )
    print("| part | without labels | with labels |\n|---|--:|--:|")
    for name, *errors in rows(body, reference, plain, labelled):
        print(f"| {name} | " + " | ".join(f"{error:.2f}" for error in errors) + " |")


def rows(body: BodyModel, reference: Canonical, *measured: Canonical) -> Iterator[tuple]:
    """For each part, and each of ``measured``, the mean difference of well seen texels from ``reference``, of 255."""
    atlas = make_atlas(body.vt, body.ft, len(reference.texture))
    well = reference.texture_seen.ravel()[atlas.texel] > WELL_SEEN
    true, *colours = (one.texture.reshape(-1, 3)[atlas.texel].astype(float) for one in (reference, *measured))
    for name, parts in PLACES.items():
        some = well & np.isin(body.parts[atlas.face], [PARTS.index(part) for part in parts])
        yield name, *(np.abs(colour - true)[some].mean() for colour in colours)


def with_arms_off(body: BodyModel, track: BodyTrack, degrees: float) -> BodyTrack:
    """The same motion with shoulders and elbows turned about all axes."""
    phase = np.random.default_rng(0).uniform(0, 2 * np.pi, (len(MOVED), 3))
    time = 6 * np.pi * np.arange(len(track)) / len(track)
    pose = track.body_pose.reshape(len(track), -1, 3).copy()
    for joint, start in zip(MOVED, phase, strict=True):
        pose[:, body.joint(joint) - 1] += np.radians(degrees) * np.sin(time[:, None] + start)
    return replace(track, body_pose=pose.reshape(len(track), -1))


def actor_truth(name: str, folder: Path, motions: Path, model: BodyModel) -> Truth:
    """A synthetic person's truth with markers [T,M,3] that the true poses are fitted to."""
    actor = next(actor for actor in CAST if actor.name == name)
    truth = read_npz(clips.truth_folder(folder, name) / "truth.npz")
    body = clips.body_of_stature(actor)
    file = clips.find_motion(actor.motion, motions) if actor.recorded else None
    motion = clips._motion(actor, body, make_figure(body, actor.look, actor.seed), file, model)
    some = np.arange(0, len(body.vertices), MARKER_STEP)
    markers = [
        clips._skin(body.vertices[some], body.weights[some], transforms) @ view[:3, :3].T + view[:3, 3]
        for transforms, view in zip(bone_transforms(body, motion), truth["views"], strict=True)
    ]
    return {**truth, "markers": np.stack(markers).astype(np.float32), "marker_vertices": some}


if __name__ == "__main__":
    main()
