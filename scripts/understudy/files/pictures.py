"""Every picture is opened here: of a format that holds nothing but pixels, and looked at before memory or time is spent."""

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image, UnidentifiedImageError

from understudy.files.arrays import reading
from understudy.files.picture_claims import check_jpeg, check_tags, foreign_format
from understudy.files.regular import read_bytes

FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF")
"""As Pillow names them; MPO, which phones write under the name of JPEG, comes with that.

Pillow knows some forty more. Some of these run other programs (PostScript), others have readers that few ever tried.
"""
MOST_BYTES = 1 << 30
"""Of the file."""
MOST_PIXELS = 178_956_970
"""Of a picture; where Pillow ends too."""
MOST_PX = 1 << 16
"""Of a side."""
MOST_COVERED = 8
"""How often the pieces of a picture may cover it: once for each band, where these lie apart."""

warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)  # of pictures half as large as MOST_PIXELS


@contextmanager
def opened_picture(path: Path, what: str, mend: str) -> Iterator[Image.Image]:
    """A picture whose header is read; its pixels are decoded when they are asked for, inside the context.

    What it is tells its content and not its name. It is read from memory: no more is read there than there is, whatever
    a file claims to hold, and nobody cuts it short meanwhile.

    Args:
        path: The file.
        what: What it should be, such as "a readable picture".
        mend: What to do where it is not.

    Raises:
        InputError: The file is missing, no regular file, of none of ``FORMATS``, beyond a limit, or damaged, which may
            show when it is decoded.
    """
    with reading(path, what, mend):
        data = read_bytes(path, MOST_BYTES)
        if data.startswith(b"\xff\xd8"):
            check_jpeg(data)
        elif data.startswith((b"II", b"MM")):
            check_tags(data)
        with _identified(data) as image:
            _check_claims(image)
            yield image


def _identified(data: bytes) -> Image.Image:
    try:
        return Image.open(io.BytesIO(data), formats=FORMATS)
    except UnidentifiedImageError:
        found = foreign_format(data)
        known = f"{', '.join(FORMATS[:-1])} or {FORMATS[-1]}"
        raise ValueError(f"its content is {found}, not {known}" if found else f"its content is no {known}") from None


def _check_claims(image: Image.Image) -> None:
    """Refuse a picture that would take more memory or time than pictures do.

    Raises:
        ValueError: It would.
    """
    width, height = image.size
    if max(width, height) > MOST_PX or width * height > MOST_PIXELS:
        raise ValueError(f"it claims {width}x{height} px; {MOST_PX} a side and {MOST_PIXELS} in all are allowed")
    pieces = [piece.extents for piece in getattr(image, "tile", ()) if piece.extents]
    if sum((right - left) * (low - top) for left, top, right, low in pieces) > MOST_COVERED * width * height:
        raise ValueError("its pieces lie upon each other")
    exif = image.info.get("exif")
    if isinstance(exif, bytes):
        check_tags(exif.removeprefix(b"Exif\0\0").removeprefix(b"Exif\0\0"))
