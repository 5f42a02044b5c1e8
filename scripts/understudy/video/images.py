"""A folder of images as a video."""

import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import ExifTags, Image, ImageCms

from understudy.errors import InputError
from understudy.files.pictures import opened_picture
from understudy.video.colour import flatten_alpha
from understudy.video.crop import Crop, cropped
from understudy.video.pictures import Picture, fit_size
from understudy.video.sources import list_images, sha256_of_images

UNREADABLE = "an image that can be read", "replace it or move it away"
BAND_PIXELS = 1 << 22
"""That are converted together."""
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""What makes an image of some EXIF orientation upright."""


class ImageFolder:
    """Images of a folder, in natural order, as frames at a constant rate."""

    def __init__(self, folder: Path, rate: float) -> None:
        """Look at the images' headers.

        Raises:
            InputError: No image there, one that cannot be read, or sizes that differ.
        """
        self.folder = folder
        self.images = list_images(folder)
        if not self.images:
            raise InputError(f"{folder} holds no images (jpg, png, webp or tif); put the frames there or give a video.")
        self.times = np.arange(len(self.images)) / rate
        self.declared_rate = rate
        size = None
        for path in self.images:
            with opened_picture(path, *UNREADABLE) as image:
                upright = image.size[::-1] if _orientation(image) >= 5 else image.size
                if size is None:
                    size = upright
                    self.focal_35mm = _focal_35mm(image)
            if upright != size:
                raise InputError(
                    f"{path} is {upright[0]}x{upright[1]} px but {self.images[0].name} is {size[0]}x{size[1]}; "
                    "all images of a folder must have one size."
                )

    def sha256(self) -> str:
        """Hash over the images' names and contents."""
        return sha256_of_images(self.images)

    def read(
        self, indices: Sequence[int] | np.ndarray, max_size: int, crop: Crop | None = None
    ) -> Iterator[tuple[int, Picture]]:
        """Yield index and picture of the wanted images, scaled to ``max_size``, or a part of it (``VideoFile.read``)."""
        for index in indices:
            picture = read_image(self.images[index], max_size)
            yield int(index), picture._replace(pixels=cropped(picture.pixels, crop))


def read_image(path: Path, max_size: int) -> Picture:
    """Read an image upright and in sRGB: EXIF orientation and ICC profile applied, transparency over white.

    Raises:
        InputError: It is damaged or not an image.
    """
    with opened_picture(path, *UNREADABLE) as image:
        turn = _orientation(image)
        size = image.size[::-1] if turn >= 5 else image.size
        image.draft("RGB", fit_size(image.size, max_size))  # large JPEGs are decoded at a half, a quarter or an eighth
        image.load()
        pixels = _pixels(image.transpose(TURNS[turn]) if turn in TURNS else image, image.info.get("icc_profile"))
    target = fit_size(size, max_size)
    if target != (pixels.shape[1], pixels.shape[0]):
        pixels = cv2.resize(pixels, target, interpolation=cv2.INTER_AREA)
    return Picture(pixels, size)


def _pixels(image: Image.Image, profile: bytes | None) -> np.ndarray:
    """sRGB uint8 [H,W,3], a band of rows at a time: what is in between would take several times as much memory."""
    pixels = np.empty((image.height, image.width, 3), np.uint8)
    rows = max(1, BAND_PIXELS // image.width)
    for top in range(0, image.height, rows):
        band = image.crop((0, top, image.width, min(top + rows, image.height)))
        pixels[top : top + rows] = _srgb(band, profile)
    return pixels


def _srgb(image: Image.Image, profile: bytes | None) -> np.ndarray:
    """sRGB uint8 [H,W,3]."""
    if image.mode.startswith("I"):  # 16-bit grey
        grey = np.rint(np.asarray(image, np.float64) / 257).clip(0, 255).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=-1)
    colour = image.convert("RGBA" if image.has_transparency_data else "RGB")
    if profile and image.mode in ("RGB", "RGBA"):
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            ImageCms.profileToProfile(colour, source, ImageCms.createProfile("sRGB"), inPlace=True)
        except (ImageCms.PyCMSError, OSError):  # a damaged profile: its pixels are taken for sRGB, as viewers do
            pass
    pixels = np.array(colour)
    return flatten_alpha(pixels) if pixels.shape[-1] == 4 else pixels


def _exif(image: Image.Image) -> Image.Exif:
    """EXIF data of the header; a PNG that has none there would be decoded in the search for them."""
    return image.getexif() if image.format != "PNG" or "exif" in image.info else Image.Exif()


def _orientation(image: Image.Image) -> int:
    """1 to 8; from 5 on width and height are exchanged."""
    value = _exif(image).get(ExifTags.Base.Orientation, 1)
    return value if value in TURNS else 1


def _focal_35mm(image: Image.Image) -> float | None:
    value = _exif(image).get_ifd(ExifTags.IFD.Exif).get(ExifTags.Base.FocalLengthIn35mmFilm)
    try:
        return float(value or 0) or None  # 0 stands for unknown
    except (TypeError, ValueError):
        return None
