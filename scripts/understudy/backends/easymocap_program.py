"""EasyMocap as a program, in an environment of its own.

Its checkout (github.com/zju3dv/EasyMocap) holds code, weights and body model, and its programs run there.
"""

import logging
import os
import shutil
import subprocess
from pathlib import Path

from understudy.backends.registry import EASYMOCAP
from understudy.errors import InputError
from understudy.formats.frames import Frames

logger = logging.getLogger(__name__)

PYTHON = "EASYMOCAP_PYTHON"
"""Environment variable that names the Python of EasyMocap's environment."""
SUB = "video"
"""Name of the one camera, as EasyMocap's own settings for a single video have it."""
SETTINGS = "config/1v1p/hrnet_pare_finetune.yml"


def is_program(folder: Path) -> bool:
    """Whether a folder is a checkout of EasyMocap, not its results."""
    return (folder / EASYMOCAP).is_file()


def extract_keypoints(program: Path, frames: Frames, root: Path) -> None:
    """Have EasyMocap find people and their points in all frames, into ``root/annots``.

    Args:
        program: EasyMocap's checkout.
        frames: The frames, which it sees as ``root/images/video``.
        root: An empty folder.

    Raises:
        InputError: EasyMocap lacks its Python, or it fails.
    """
    _link_frames(frames, root)
    _run(program, [EASYMOCAP, str(root), "--mode", "yolo-hrnet"])


def fit_body(program: Path, frames: Frames, root: Path) -> None:
    """Have EasyMocap fit SMPL to one person in all frames, into ``root/output/smpl``. Arguments and errors as above."""
    _link_frames(frames, root)
    count = str(len(frames))
    _run(program, [
        "-m", "apps.mocap.run", "--data", "config/datasets/svimage.yml", "--exp", SETTINGS, "--root", str(root),
        "--subs", SUB, "--ranges", "0", count, "1", "--out", str(root / "output"), "--skip_vis",
    ])  # fmt: skip


def _link_frames(frames: Frames, root: Path) -> None:
    pictures = root / "images" / SUB
    pictures.mkdir(parents=True)
    for index in range(len(frames)):
        (pictures / f"{index:06d}.jpg").symlink_to(frames.path(index).resolve())


def _run(program: Path, arguments: list[str]) -> None:
    command = [str(_python(program)), *arguments]
    logger.info("running %s in %s", " ".join(command), program)
    environment = {**os.environ, "PYTHONPATH": str(program.resolve())}
    try:
        done = subprocess.run(
            command, cwd=program, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            errors="replace", stdin=subprocess.DEVNULL, check=False,
        )  # fmt: skip
    except OSError as error:
        raise InputError(f"{command[0]} cannot be run ({error.strerror}); correct {PYTHON}.") from None
    lines = [line for line in done.stdout.splitlines() if line.strip()]
    for line in lines:
        logger.debug("%s", line)
    if done.returncode:
        last = lines[-1].strip() if lines else "it says nothing"
        raise InputError(f"EasyMocap's {arguments[1] if arguments[0] == '-m' else arguments[0]} failed: {last}.")


def _python(program: Path) -> Path:
    """The Python of EasyMocap's environment: named by the user, in the checkout, or beside its command ``emc``."""
    named = os.environ.get(PYTHON)
    if named:  # absolute, since it runs in the checkout
        return Path(shutil.which(named) or named).absolute()
    emc = shutil.which("emc")
    beside = [Path(emc).resolve().parent / "python"] if emc else []
    for path in (program / ".venv/bin/python", *beside):
        if path.is_file():
            return path.absolute()
    raise InputError(
        f"{program} is EasyMocap's program, but the Python of its environment is not known; set {PYTHON} to it."
    )
