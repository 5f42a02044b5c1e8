"""Folders that no other user can enter, for files that are run as code. Standard library only."""

import os
from contextlib import suppress


def user_cache() -> str | None:
    """Where this user's caches of Understudy lie, there or not; None where nobody knows the user's home."""
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return os.path.join(home, "understudy") if os.path.isabs(home) else None


OPENED = "/proc/self/fd"
"""Where Linux names what a process has opened; macOS names only files, in /dev/fd."""


class NotPrivate(PermissionError):
    """A folder that another user owns or can enter."""


def private_folder(path: str | os.PathLike[str]) -> str:
    """A name for a folder of this user alone, which is made where it is not there.

    On Linux the name is that of the opened folder: whoever may rename the folders above cannot put another one in its
    place. It holds as long as this process.

    Raises:
        OSError: The folder cannot be made or opened.
        NotPrivate: It belongs to another user, is a link, or can be entered by others.
    """
    path = os.path.abspath(path)
    with suppress(FileExistsError):
        os.makedirs(path, 0o700)
    if os.path.islink(path):
        raise NotPrivate(f"{path} is a link")
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        status = os.fstat(handle)
        if status.st_uid != os.geteuid():
            raise NotPrivate(f"{path} belongs to another user")
        if status.st_mode & 0o077:
            raise NotPrivate(f"{path} can be entered by other users")
        name = f"{OPENED}/{handle}" if os.path.isdir(OPENED) else path
        if not os.access(name, os.R_OK | os.W_OK | os.X_OK):
            raise PermissionError(f"nothing can be written to {path}")
    except OSError:
        os.close(handle)
        raise
    return name
