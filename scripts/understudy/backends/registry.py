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

from understudy.commands import called
from understudy.errors import InputError

PACKAGE = "understudy"
EASYMOCAP = "apps/preprocess/extract_keypoints.py"
"""File that EasyMocap's checkout has and its results have not."""


@dataclass(frozen=True)
class Backend:
    """One way to do a stage's work."""

    module: str
    """Module of the library, as ``backends.mediapipe``."""
    attribute: str
    """Class or function there that makes the backend; it takes ``weights=`` and ``files=`` where the backend has them."""
    packages: tuple[str, ...] = ()
    """Packages, as they are imported, that it needs beyond those of all default backends."""
    weights: str | None = None
    """Name in models/manifest.yaml of the weights that it takes if none are given; None for a backend without weights."""
    env: str | None = None
    """Its environment in envs/, and its extra in pyproject.toml; None for the stage's own."""
    reads: bool = False
    """It reads what the user or another program made, in the folder ``<stage>.files``, and looks at no picture."""
    whole: bool = False
    """Of silhouettes: it takes whole pictures in their order in time, and remembers; others take the person's surroundings."""
    program: str | None = None
    """Of one that reads: the file by which a folder shows that it is the program, which is then run, and not its results."""
    program_files: tuple[str, ...] = ()
    """Files that the program's user has to put there."""
    runs: bool = False
    """Its weights may be TorchScript, a program, which runs only where somebody vouches for it: it takes ``sha256=`` too."""
    parallel: bool = False
    """Several threads may use it at once, each for a frame; others are called by one thread and use several themselves."""
    cpu_alone: bool = False
    """Its networks run on the CPU, also where there is a GPU."""
    mem_mb: int = 2000
    """Memory that its job asks for at the first attempt, MB."""
    minutes: int = 30
    """Time that its job asks for at the first attempt: enough for 300 frames on two cores."""

    @property
    def uses_gpu(self) -> bool:
        """Whether it has a network of PyTorch's, which runs on a GPU where there is one."""
        return self.weights is not None and not self.cpu_alone


KEYPOINTS: dict[str, Backend] = {
    "mediapipe": Backend("backends.mediapipe", "MediaPipePose", ("ai_edge_litert",), parallel=True),
    "mediapipe-heavy": Backend(
        "backends.mediapipe", "heavy_pose", ("ai_edge_litert",), "pose_landmark_heavy", parallel=True, cpu_alone=True
    ),
    "mediapipe-mixed": Backend(
        "backends.mediapipe", "mixed_pose", ("ai_edge_litert",), "pose_landmark_heavy", parallel=True, cpu_alone=True
    ),
    "ultralytics": Backend(
        "backends.ultralytics", "UltralyticsPose", ("ultralytics",), "yolo11m-pose", env="ultralytics", runs=True,
        mem_mb=3000,
    ),
    "rtmlib": Backend(
        "backends.rtmlib", "RtmlibPose", ("rtmlib", "onnxruntime", "ai_edge_litert"), "rtmw-l-256x192", env="rtmlib",
        mem_mb=3000, cpu_alone=True,
    ),
    "hrnet": Backend(
        "backends.hrnet", "HRNetPose", ("torch", "ai_edge_litert"), "pose_hrnet_w48_384x288", env="hrnet", mem_mb=3000
    ),
    "detectron2": Backend(
        "backends.detectron2", "KeypointRCNN", ("detectron2",), "keypoint_rcnn_R_50_FPN_3x", env="detectron2",
        mem_mb=4000, minutes=60,
    ),
    "easymocap": Backend(
        "backends.easymocap_keypoints", "EasyMocapKeypoints", env="files", reads=True, mem_mb=4000, minutes=60, program=EASYMOCAP,
        program_files=("data/models/yolov4.weights", "data/models/pose_hrnet_w48_384x288.pth"),
    ),
    "openpose": Backend("backends.openpose", "OpenPoseKeypoints", env="files", reads=True),
}  # fmt: skip
"""They make a ``backends.protocols.KeypointBackend``, or a ``PoseFiles`` where they read."""

SILHOUETTES: dict[str, Backend] = {
    "mediapipe": Backend("backends.mediapipe", "pose_with_masks", ("ai_edge_litert",), parallel=True),
    "ultralytics": Backend(
        "backends.ultralytics", "UltralyticsMasks", ("ultralytics",), "yolo11m-seg", env="ultralytics", runs=True,
        mem_mb=3000,
    ),
    "detectron2": Backend(
        "backends.detectron2", "PersonMasks", ("detectron2",), "pointrend_R_50_FPN_3x", env="detectron2",
        mem_mb=4000, minutes=60,
    ),
    "sam": Backend(
        "backends.sam", "SegmentAnything", ("segment_anything", "sam2"), "sam_vit_b", env="sam", mem_mb=5000, minutes=120
    ),
    "rvm": Backend(
        "backends.rvm", "VideoMatting", ("torch",), "rvm_mobilenetv3", env="rvm", whole=True, runs=True, mem_mb=3000
    ),
    "files": Backend("backends.external_masks", "GivenMasks", env="files", reads=True),
}  # fmt: skip
"""They make a ``backends.protocols.MaskBackend``, or a ``MaskFiles`` where they read; mediapipe gives masks with poses."""

PARSING: dict[str, Backend] = {
    "body": Backend("parsing.label", "label_parts"),
    "schp": Backend("backends.schp", "SchpParsing", ("torch",), "exp-schp-lip", mem_mb=3000, minutes=120),
    "detectron2": Backend(
        "backends.densepose", "DensePoseParsing", ("detectron2", "densepose"), "densepose_rcnn_R_50_FPN_s1x", env="detectron2",
        mem_mb=4000, minutes=60,
    ),
    "files": Backend("backends.external_masks", "GivenLabels", reads=True),
}  # fmt: skip
"""They make a ``backends.protocols.LabelBackend``, or a ``LabelFiles`` where they read; body is the stage's own way."""

FITTING: dict[str, Backend] = {
    "fit": Backend("fitting.fit", "fit_body", mem_mb=3000, minutes=60),
    "regressor": Backend("fitting.fit", "fit_body", mem_mb=3000, minutes=60),
    "easymocap": Backend(
        "backends.easymocap_body", "EasyMocapBody", reads=True, mem_mb=5000, minutes=120, program=EASYMOCAP,
        program_files=(
            "config/1v1p/hrnet_pare_finetune.yml",
            "data/models/pose_hrnet_w48_384x288.pth",
            "models/pare/data/body_models/smpl/SMPL_NEUTRAL.pkl",
            "models/J_regressor_body25.npy",
        ),
    ),
}  # fmt: skip
"""fit and regressor are the stage's own ways; easymocap makes a ``backends.body_protocol.BodyFiles``."""

BACKENDS: Mapping[str, Mapping[str, Backend]] = {
    "keypoints": KEYPOINTS,
    "silhouettes": SILHOUETTES,
    "parsing": PARSING,
    "fitting": FITTING,
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
            f"{stage}.backend {name!r} reads files that you have already; name their folder in {stage}.files."
        )
    if backend.reads and files is not None and not files.exists():
        raise InputError(
            f"{stage}.files: there is no file or folder {files}, which {stage}.backend {name!r} is to read."
        )
    if files is not None and backend.program is not None and (files / backend.program).is_file():
        lacking = [needed for needed in backend.program_files if not (files / needed).is_file()]
        if lacking:
            raise InputError(
                f"{stage}.files: {files} is the program {name}, but lacks {', '.join(lacking)}; put them there as its"
                " documentation says."
            )


def open_backend(
    stage: str,
    name: str,
    weights: Path | None = None,
    files: Path | None = None,
    sha256: str | None = None,
    **options: Any,
) -> Any:
    """Make a stage's backend.

    Args:
        stage: keypoints, silhouettes, parsing or fitting.
        name: Of the backend.
        weights: Its file of weights, if it takes any.
        files: The user's folder, for a backend that reads.
        sha256: Hex, of weights that somebody vouches for; TorchScript, which is a program, needs it.
        options: Further arguments that this backend takes.

    Raises:
        InputError: There is no such backend, or its packages, weights or files are missing, or do not fit together.
    """
    backend = find_backend(stage, name)
    check_packages(stage, name)
    check_files(stage, name, weights, files)
    given: dict[str, Any] = {"weights": weights} if backend.weights is not None else {}
    if backend.reads:
        given["files"] = files
    if backend.runs:
        given["sha256"] = sha256
    try:
        return getattr(import_module(f"{PACKAGE}.{backend.module}"), backend.attribute)(**given, **options)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] == PACKAGE:
            raise
        raise _missing(stage, name, error.name) from None
    except RuntimeError as error:
        if "torchvision::" not in str(error):
            raise
        raise InputError(
            f"{stage}.backend {name!r} needs a torchvision of the same build as torch; install it from where torch came:"
            " docs/backends.md, Living together."
        ) from None


def _missing(stage: str, name: str, package: str) -> InputError:
    extra = find_backend(stage, name).env or stage
    how = INSTALL.get(package, f"{called('pip')} install -e '.[{extra}]' in Understudy's folder")
    return InputError(
        f"{stage}.backend {name!r} needs the package {package}, which is not installed here: {how}"
        f" (with --sdm conda envs/{extra}.yaml brings it)."
    )
