"""The backends of all stages by name: where each one's code is, and what it needs.

Modules are named from the package's root, and imported when a backend is opened: a stage neither needs the packages nor
depends on the code of those that it does not use.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from understudy.errors import InputError

PACKAGE = "understudy"


@dataclass(frozen=True)
class Backend:
    """One way to do a stage's work."""

    module: str
    """Module of the library, as ``detectors.mediapipe``."""
    attribute: str
    """Class or function there that makes the backend; it takes ``weights=`` and ``files=`` where the backend has them."""
    packages: tuple[str, ...] = ()
    """Packages, as they are imported, that it needs beyond those of all default backends."""
    weights: str | None = None
    """Name in models/manifest.yaml of the weights that it takes if none are given; None for a backend without weights."""
    env: str | None = None
    """Its environment in envs/, and its extra in pyproject.toml; None for the stage's own."""
    reads: bool = False
    """It reads what another program wrote, in the folder ``<stage>.files``, and looks at no picture."""
    whole: bool = False
    """Of silhouettes: it takes whole pictures in their order in time, and remembers; others take the person's surroundings."""

    @property
    def uses_gpu(self) -> bool:
        """Whether it has a network that runs on a GPU where PyTorch sees one."""
        return self.weights is not None and "onnxruntime" not in self.packages


KEYPOINTS: dict[str, Backend] = {
    "mediapipe": Backend("detectors.mediapipe", "MediaPipePose", ("mediapipe",)),
    "ultralytics": Backend(
        "detectors.ultralytics", "UltralyticsPose", ("ultralytics",), "yolo11m-pose", env="ultralytics"
    ),
    "rtmlib": Backend(
        "detectors.rtmlib", "RtmlibPose", ("rtmlib", "onnxruntime", "mediapipe"), "rtmw-l-256x192", env="rtmlib"
    ),
    "hrnet": Backend("detectors.hrnet", "HRNetPose", ("torch", "mediapipe"), "pose_hrnet_w48_384x288", env="hrnet"),
    "detectron2": Backend(
        "detectors.detectron2", "KeypointRCNN", ("detectron2",), "keypoint_rcnn_R_50_FPN_3x", env="detectron2"
    ),
    "easymocap": Backend("keypoints.easymocap", "EasyMocapKeypoints", env="files", reads=True),
    "openpose": Backend("keypoints.openpose", "OpenPoseKeypoints", env="files", reads=True),
}
"""They make a ``detectors.backends.KeypointBackend``, or a ``PoseFiles`` where they read."""

SILHOUETTES: dict[str, Backend] = {
    "mediapipe": Backend("detectors.mediapipe", "pose_with_masks", ("mediapipe",)),
    "ultralytics": Backend(
        "detectors.ultralytics", "UltralyticsMasks", ("ultralytics",), "yolo11m-seg", env="ultralytics"
    ),
    "detectron2": Backend(
        "detectors.detectron2", "PersonMasks", ("detectron2",), "pointrend_R_50_FPN_3x", env="detectron2"
    ),
    "sam": Backend("detectors.sam", "SegmentAnything", ("segment_anything", "sam2"), "sam_vit_b", env="sam"),
    "rvm": Backend("detectors.rvm", "VideoMatting", ("torch",), "rvm_mobilenetv3", env="rvm", whole=True),
    "files": Backend("masks.given", "GivenMasks", env="files", reads=True),
}
"""They make a ``detectors.backends.MaskBackend``, or a ``MaskFiles`` where they read; mediapipe gives masks with poses."""

PARSING: dict[str, Backend] = {
    "body": Backend("masks.parsing", "label_parts"),
    "schp": Backend("masks.schp", "SchpParsing", ("torch",), "exp-schp-lip"),
    "detectron2": Backend(
        "masks.densepose",
        "DensePoseParsing",
        ("detectron2", "densepose"),
        "densepose_rcnn_R_50_FPN_s1x",
        env="detectron2",
    ),
    "files": Backend("masks.given", "GivenLabels", reads=True),
}
"""They make a ``detectors.backends.LabelBackend``, or a ``LabelFiles`` where they read; body is the stage's own way."""

SMPL: dict[str, Backend] = {
    "fit": Backend("fitting.fit", "fit_body"),
    "regressor": Backend("fitting.fit", "fit_body"),
    "easymocap": Backend("fitting.easymocap", "EasyMocapBody", reads=True),
}
"""fit and regressor are the stage's own ways; easymocap makes a ``detectors.backends.BodyFiles``."""

BACKENDS: Mapping[str, Mapping[str, Backend]] = {
    "keypoints": KEYPOINTS,
    "silhouettes": SILHOUETTES,
    "parsing": PARSING,
    "smpl": SMPL,
}

INSTALL = dict.fromkeys(("detectron2", "densepose"), "build it from source as docs/backends.md says")
"""How to get packages that no extra of ours brings, by the name they are imported as."""


def find_backend(stage: str, name: str) -> Backend:
    """The backend of a stage called ``name``.

    Raises:
        InputError: There is none.
    """
    table = BACKENDS[stage]
    if name not in table:
        raise InputError(f"{stage}.backend is {name!r}, which is none of {', '.join(table)}.")
    return table[name]


def check_packages(stage: str, name: str) -> None:
    """Refuse a backend whose packages are not installed here; nothing is imported.

    Raises:
        InputError: One is missing, or there is no such backend.
    """
    for package in find_backend(stage, name).packages:
        if find_spec(package) is None:
            raise _missing(stage, name, package)


def check_files(stage: str, name: str, weights: Path | None, files: Path | None) -> None:
    """Refuse a backend whose weights, or whose folder of another program's files, are not there.

    Raises:
        InputError: They are missing or not named, or there is no such backend.
    """
    backend = find_backend(stage, name)
    if backend.weights is not None and (weights is None or not weights.exists()):
        where = f"{weights}, which is not there" if weights else f"a file that {stage}.weights names"
        raise InputError(
            f"{stage}.backend {name!r} needs its weights in {where}; `understudy models get {backend.weights}` fetches"
            " the usual ones or says where to get them."
        )
    if backend.reads and files is None:
        raise InputError(
            f"{stage}.backend {name!r} reads what another program wrote; name its folder in {stage}.files."
        )
    if backend.reads and files is not None and not files.exists():
        raise InputError(
            f"{stage}.files: there is no file or folder {files}, which {stage}.backend {name!r} is to read."
        )


def open_backend(stage: str, name: str, weights: Path | None = None, files: Path | None = None, **options: Any) -> Any:
    """Make a stage's backend.

    Args:
        stage: keypoints, silhouettes, parsing or smpl.
        name: Of the backend.
        weights: Its file of weights, if it takes any.
        files: The user's folder, for a backend that reads.
        options: Further arguments that this backend takes.

    Raises:
        InputError: There is no such backend, or its packages, weights or files are missing.
    """
    backend = find_backend(stage, name)
    check_packages(stage, name)
    check_files(stage, name, weights, files)
    given = {"weights": weights} if backend.weights is not None else {}
    if backend.reads:
        given["files"] = files
    try:
        return getattr(import_module(f"{PACKAGE}.{backend.module}"), backend.attribute)(**given, **options)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] == PACKAGE:
            raise
        raise _missing(stage, name, error.name) from None


def _missing(stage: str, name: str, package: str) -> InputError:
    extra = find_backend(stage, name).env or stage
    how = INSTALL.get(package, f"pip install -e '.[{extra}]' in Understudy's folder")
    return InputError(
        f"{stage}.backend {name!r} needs the package {package}, which is not installed here: {how}"
        f" (with --sdm conda envs/{extra}.yaml brings it)."
    )
