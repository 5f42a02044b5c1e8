"""Weights that are programs: TorchScript runs what its file says, so somebody has to vouch for the file."""

import hashlib
import io
import shlex
import zipfile
from pathlib import Path

from understudy.errors import InputError

SUFFIX = ".torchscript"


def is_torchscript(path: Path) -> bool:
    """Whether a file is TorchScript by its name, or by what PyTorch looks for in it."""
    if SUFFIX in path.name.lower():
        return True
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.rsplit("/", 1)[-1] == "constants.pkl" for name in archive.namelist())
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError, EOFError):
        return False


def read_program(path: Path, sha256: str | None) -> io.BytesIO:
    """The content of a TorchScript file, of the very bytes that were compared with the checksum.

    Args:
        path: The file.
        sha256: Hex; that of the file somebody vouches for; None where nobody does.

    Raises:
        InputError: It has another one, or there is none; or the file is missing.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read ({error.strerror}).") from None
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise InputError(
            f"{path} is TorchScript, which is a program, and there is no trusted checksum for it: "
            f"compare its SHA-256 {found} with its"
            f" publisher's and run `understudy models trust {shlex.quote(str(path))}`, or take an .onnx file."
        )
    return io.BytesIO(content)
