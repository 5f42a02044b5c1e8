"""Picture files that a stage wrote, opened so that what is wrong with one is named before it fills the memory."""

from pathlib import Path

from PIL import Image

from understudy.errors import InputError
from understudy.files.arrays import again
from understudy.files.pictures import opened_picture


def load_picture(path: Path, target: Path, size: tuple[int, int] | None = None) -> Image.Image:
    """The decoded picture of a file.

    Args:
        path: The file.
        target: What to make again if it is damaged.
        size: Width and height that it must have, px; looked at before anything is decoded.

    Raises:
        InputError: The file is missing, damaged, of another size, or none that ``opened_picture`` opens.
    """
    if not path.exists():
        raise InputError(f"{path}: no such file; {again(target)}.")
    with opened_picture(path, "a readable picture", again(target)) as image:
        if size is not None and image.size != size:
            raise InputError(
                f"{path} has {image.size[0]}x{image.size[1]} px but the frames have {size[0]}x{size[1]}; {again(target)}, "
                "or give pictures of the frames' size."
            )
        image.load()
    return image
