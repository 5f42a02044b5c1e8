"""The one table of the sections of config.yaml: what each is about, and the classes of its options."""

from dataclasses import dataclass
from typing import Annotated

from understudy.avatar.baking.config import BakingConfig
from understudy.avatar.config import AvatarConfig, EvaluateConfig
from understudy.avatar.gaussians.config import GaussiansConfig
from understudy.avatar.instant_nvr.config import InstantNvrConfig
from understudy.avatar.neural_actor.config import NeuralActorConfig
from understudy.avatar.neural_capture.config import NeuralCaptureConfig
from understudy.body.smpl_family import MODELS
from understudy.canonical.config import CanonicalConfig
from understudy.comparison.config import ComparisonConfig
from understudy.export.config import ExportConfig
from understudy.fitting.config import FittingConfig
from understudy.keypoints.config import KeypointsConfig
from understudy.matting.config import MattingConfig
from understudy.options import Choices, Options
from understudy.parsing.config import ParsingConfig
from understudy.rendering.config import TurntableConfig
from understudy.silhouettes.config import SilhouettesConfig
from understudy.video.config import FramesConfig
from understudy.viewer.config import ViewerConfig

WALK = ("data/motions/walk.npz",)


@dataclass(frozen=True)
class Section:
    """A section of config.yaml."""

    name: str
    """That of the stage, or of the method of avatars."""
    title: str
    """What its options are about."""
    groups: tuple[type[Options], ...]
    """Their classes; what names files, which a stage takes as inputs, comes after its own class."""


@dataclass(frozen=True)
class KeypointsFiles(Options):
    """What a backend of keypoints reads."""

    weights: str | None = None
    """File of the backend's weights; None for the usual one, which `understudy models list` shows."""
    files: str | None = None
    """Folder of another program's results, for the backends that read such."""


@dataclass(frozen=True)
class SilhouettesFiles(Options):
    """What a backend of silhouettes reads."""

    weights: str | None = None
    """File of the backend's weights; None for the usual one."""
    files: str | None = None
    """Folder of your own masks."""


@dataclass(frozen=True)
class BodyConfig(Options):
    """Which body is fitted."""

    path: str = "models/understudy_body.npz"
    """The free body, or the .pkl or .npz of SMPL, SMPL-H or SMPL-X."""
    model: Annotated[str, Choices(MODELS)] = "auto"
    """smpl, smplh or smplx to have any other file refused; auto takes what the file is."""


@dataclass(frozen=True)
class FittingFiles(Options):
    """What the fit and its backends read."""

    files: str | None = None
    """EasyMocap's folder."""
    regressor: str | None = "models/pose_regressor.safetensors"
    """Weights of the pose regressor: the fit starts from it where keypoints have no 3D guess. None: never."""


@dataclass(frozen=True)
class ParsingFiles(Options):
    """What a backend of labels reads."""

    weights: str | None = None
    """File of the backend's weights; None for the usual one."""
    files: str | None = None
    """Folder of your own labels."""


@dataclass(frozen=True)
class MotionFiles(Options):
    """What an avatar is rendered in."""

    motions: tuple[str, ...] = WALK
    """Motions to render: files of BVH, AMASS or other SMPL parameters, or another actor's smpl.npz."""


@dataclass(frozen=True)
class ExportFiles(Options):
    """What is exported with an avatar."""

    motions: tuple[str, ...] = WALK
    """Further motions for avatar.glb: files of BVH, AMASS or other SMPL parameters, or another actor's smpl.npz."""


@dataclass(frozen=True)
class ViewerFiles(Options):
    """What a viewer plays."""

    motions: tuple[str, ...] = WALK
    """Motions to choose from, the first plays at the start: files of BVH, AMASS or other SMPL parameters, or another actor's
    smpl.npz."""


@dataclass(frozen=True)
class ComparisonFiles(Options):
    """What avatars are compared in."""

    motions: tuple[str, ...] = ()
    """Motions, of each of which the pose is shown that is least like any of the video: files of BVH, AMASS or other SMPL
    parameters, or another actor's smpl.npz. A lunge with raised arms is shown in any case."""


@dataclass(frozen=True)
class BatchFiles(Options):
    """Which videos there are besides those of data/videos; in no section."""

    videos: str | None = None
    """Table of videos and their options, in place of many lines below: a TSV as in docs/batch.md."""


@dataclass(frozen=True)
class ActorFiles(Options):
    """What an actor has besides options of its own in all sections."""

    video: str
    """The video's file, a folder of images, or an address, where it is not data/videos/{actor}.*"""


SECTIONS = (
    Section("frames", "which frames of the video are used, and its camera", (FramesConfig,)),
    Section("keypoints", "2D keypoints of the one tracked person", (KeypointsConfig, KeypointsFiles)),
    Section("silhouettes", "soft masks of that person", (SilhouettesConfig, SilhouettesFiles)),
    Section("body", "the body model", (BodyConfig,)),
    Section("fitting", "the body fitted to keypoints and silhouettes", (FittingConfig, FittingFiles)),
    Section(
        "matting", "the silhouettes at full resolution, from the picture and the fitted body",
        (MattingConfig,),
    ),
    Section(
        "parsing", "which pixels are hair, face, which clothes, bare arms and legs, shoes",
        (ParsingConfig, ParsingFiles),
    ),
    Section("canonical", "texture and normals of the shaped body", (CanonicalConfig,)),
    Section("avatar", "the avatar's training, by whatever method", (AvatarConfig,)),
    Section(
        "gaussians", "what Gaussians learn, and how fast, where avatar.method is gaussians",
        (GaussiansConfig,),
    ),
    Section(
        "instant_nvr", "what a field of hash grids learns, and how fast, where avatar.method is instant_nvr",
        (InstantNvrConfig,),
    ),
    Section(
        "neural_capture",
        "what a field on the body's vertices learns, and how fast, where avatar.method is neural_capture",
        (NeuralCaptureConfig,),
    ),
    Section(
        "neural_actor", "Gaussians that a pose moves and shades, where avatar.method is neural_actor",
        (NeuralActorConfig,),
    ),
    Section("baking", "Gaussians in the likeness of avatars of other methods, for exports and viewers", (BakingConfig,)),
    Section("evaluate", "likeness on frames that training never saw", (EvaluateConfig,)),
    Section("turntable", "the avatar from all round", (TurntableConfig,)),
    Section("motion", "the avatar in motions, in the turntable's size, rate and background", (MotionFiles,)),
    Section("export", "the avatar for other programs, in results/{actor}/exports", (ExportConfig, ExportFiles)),
    Section(
        "viewer", "the page that plays the avatar in a browser, results/{actor}/viewer/index.html",
        (ViewerConfig, ViewerFiles),
    ),
    Section(
        "comparison", "all methods in one table, in results/{actor}/comparison.html, which is made where it is asked for",
        (ComparisonConfig, ComparisonFiles),
    ),
)  # fmt: skip
"""All sections, in the order of config.yaml."""
