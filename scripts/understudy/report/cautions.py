"""What whoever uses an avatar should know about it, in plain words."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from understudy.formats.canonical import Canonical
from understudy.formats.facing import doubtful_turns, in_words, lateral_directions
from understudy.formats.frames import Frames
from understudy.formats.keypoints import Keypoints
from understudy.formats.smpl import BodyTrack
from understudy.inspection.measure import Measure
from understudy.report.figures import held_out_mean
from understudy.report.seen import SIDES, seen_shares
from understudy.text import listed

FEW_FRAMES = 48
SMALL_PERSON = 300
"""px of height."""
UNSEEN = 0.5
"""A side of which the video showed less than this share is said to be guessed."""
OFTEN = 0.05
"""Share of the frames beyond a measure's limit from which on it is told."""
UNLIKE = 22.0
"""dB; lower values on held-out frames are told."""
POSE_GAP, FAMILIAR_GAP = 1.5, 3.0
"""dB; what refined poses, and what frames of the training, may be ahead before it is told."""

MEASURED = {
    "Limbs hardly seen": ("arms or legs can hardly be made out", "Plain light and less blur help."),
    "Left and right change places": (
        "left and right of the limbs may be mistaken for one another",
        "Look whether colours swap sides in the pictures below; legs that cross fast look like this too.",
    ),
    "Keypoints off the body": ("the body is not where the joints were seen", "For fast motion, lower fitting.smoothness."),
    "One keypoint off the body": ("a limb is not where it was seen", "For fast motion, lower fitting.smoothness."),
    "Out of the picture": (
        "a part of the person is out of the picture",
        "What is never in the picture is guessed; film from farther away.",
    ),
    "A limb jumps": ("a limb jumps", "Raise fitting.smoothness, unless the motion is as fast as that."),
    "The person jumps": ("the whole person jumps", "Use a camera that stands still; raise fitting.smoothness."),
    "The person turns": ("the person turns faster than people do", "Front and back may be taken for one another there."),
    "A joint beyond its range": (
        "a joint is bent farther than people can",
        "How far limbs are from the camera is uncertain there.",
    ),
    "Body outside the mask": (
        "the silhouette lost a limb, or the body has it elsewhere",
        "A plain background in another colour than the clothes helps.",
    ),
    "Mask without body": (
        "the silhouette holds much that is not the body",
        "Wide clothes and long hair do that, and raise fitting.clothing for them; so do things that are carried.",
    ),
    "Mask changes size": (
        "the silhouette flickers",
        "A plain background and a camera that stands still help.",
    ),
    "Picture blurred": ("the picture is blurred", "More light, hence a shorter exposure, helps."),
}  # fmt: skip
"""By the measure's title: what happens in its frames, and what helps."""


@dataclass(frozen=True)
class Caution:
    """Something to know."""

    text: str
    """What it is, in a sentence."""
    advice: str
    """What it means or what helps; may be empty."""
    grave: bool = True
    """Whether it makes the avatar worse, or merely says what is a guess."""


def cautions_of(
    frames: Frames,
    keypoints: Keypoints,
    track: BodyTrack,
    canonical: Canonical,
    metrics: Mapping[str, Any],
    measures: Sequence[Measure],
    height: float | None,
) -> list[Caution]:
    """All there is to say, grave things first.

    Args:
        frames: The video.
        keypoints: Of every frame.
        track: The fitted body.
        canonical: Its texture.
        metrics: ``metrics.json``.
        measures: Of every frame; those that are not in ``MEASURED`` are passed over.
        height: The body's height where nobody said it, m; None where it was given.
    """
    found = [*_of_video(frames, keypoints), *_of_evidence(keypoints, track, frames.fps), *_of_surface(canonical),
             *_of_measures(measures), *_of_metrics(metrics), *_of_guesses(frames, height)]  # fmt: skip
    return sorted(found, key=lambda caution: not caution.grave)


def _of_video(frames: Frames, keypoints: Keypoints) -> Iterable[Caution]:
    if len(frames) < FEW_FRAMES:
        yield Caution(
            f"There are only {len(frames)} frames.",
            "Poses and sides that they do not show are guessed; 5 to 20 seconds of video are better.",
        )
    heights = np.ptp(keypoints.bbox[:, [1, 3]], axis=1)
    usual = float(np.median(heights[heights > 0])) if (heights > 0).any() else 0.0
    if 0 < usual < SMALL_PERSON:
        yield Caution(
            f"The person is only {usual:.0f} px tall in the picture.",
            "Faces and fine patterns need more: film from nearer, or at a higher resolution.",
        )
    others = keypoints.people > 1
    if others.mean() >= OFTEN:
        yield Caution(
            f"{_in(others)} other people are in the picture.", "Look whether the right person was followed throughout."
        )


def _of_evidence(keypoints: Keypoints, track: BodyTrack, fps: float) -> Iterable[Caution]:
    turns = doubtful_turns(lateral_directions(keypoints.world), ~keypoints.interpolated, fps)
    if len(turns):
        yield Caution(
            f"Near frame {in_words(turns)} the detector took the person's back for the front, or the front for the back.",
            "Look there whether the avatar faces as the person does; larger and sharper pictures help.",
        )
    lost = keypoints.interpolated | ~keypoints.bbox.any(axis=1)
    if lost.any():
        yield Caution(
            f"{_in(lost)} the person was not found, and the joints are interpolated.",
            "Cut such parts off with frames.start and frames.stop.",
        )
    unseen = ~track.valid & ~lost
    if unseen.any():
        yield Caution(
            f"{_in(unseen)} too little of the person was seen for a pose; it is interpolated.", "Look at them below."
        )
    if keypoints.swapped.any():
        yield Caution(
            f"{_in(keypoints.swapped)} the detector had exchanged left and right; they were put back.",
            "Look whether it is right in the pictures below.",
            grave=False,
        )


def _of_surface(canonical: Canonical) -> Iterable[Caution]:
    shares = seen_shares(canonical)
    poor = [name for name in SIDES if shares[name] < UNSEEN]
    if not poor:
        return
    names = listed([name if name in ("front", "back") else f"{name} side" for name in poor])
    seen = listed([f"{100 * shares[name]:.0f} %" for name in poor])
    yield Caution(
        f"The video hardly shows the person's {names} ({seen} of the surface).",
        "The rest is filled in from what is near or from the other side; turn round once before the camera.",
    )


def _of_measures(measures: Sequence[Measure]) -> Iterable[Caution]:
    for measure in measures:
        if measure.title in MEASURED and measure.beyond.mean() >= OFTEN:
            text, advice = MEASURED[measure.title]
            yield Caution(f"{_in(measure.beyond)} {text}.", advice)


def _of_metrics(metrics: Mapping[str, Any]) -> Iterable[Caution]:
    fitted, refined, familiar = (
        held_out_mean(metrics, key) for key in ("without_pose_refinement", "with_pose_refinement", "reconstruction")
    )
    if fitted is None:
        yield Caution(
            "No frame was held out, so nothing says how alike the avatar is in poses that are new to it.",
            "Set avatar.hold_out, for example to 8.",
        )
        return
    if fitted < UNLIKE:
        yield Caution(
            f"On frames that training never saw the likeness is poor ({fitted:.0f} dB).", "Compare them below."
        )
    if refined is not None and refined - fitted > POSE_GAP:
        yield Caution(
            f"With poses aligned to the pictures the likeness rises by {refined - fitted:.1f} dB.",
            "What differs is rather where limbs are than how they look.",
            grave=False,
        )
    if familiar is not None and familiar - (fitted if refined is None else refined) > FAMILIAR_GAP:
        yield Caution(
            "The avatar is much more like the frames that it learned from than others.", "A longer video helps."
        )


def _of_guesses(frames: Frames, height: float | None) -> Iterable[Caution]:
    if height is not None:
        yield Caution(
            f"It is not known how tall the person is; {height:.2f}\u00a0m is a guess near the mean adult's.",
            "One video cannot tell size from distance: set fitting.height_m.",
            grave=False,
        )
    if frames.K_source == "default":
        yield Caution(
            "The video does not say its focal length; a phone's usual one was the start of the fit.",
            "Depth and proportions depend on it a little: set frames.focal_35mm.",
            grave=False,
        )


def _in(flags: np.ndarray) -> str:
    """The frames [T] bool that something is about."""
    count = int(flags.sum())
    return "In one frame" if count == 1 else f"In {count} of {len(flags)} frames"
