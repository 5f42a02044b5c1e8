import tracemalloc

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from tests.support.videos import LEVELS, number_of, numbered
from understudy.errors import InputError
from understudy.formats.frames import Frames
from understudy.video.config import FramesConfig
from understudy.video.decode import extract_frames
from understudy.video.images import read_image


def fill(folder, count=12, suffix=".png", size=(64, 48)):
    folder.mkdir(parents=True)
    for i, pixels in enumerate(numbered(count, *size)):
        Image.fromarray(pixels).save(folder / f"shot {i}{suffix}")
    return folder


def extract(folder, **options) -> Frames:
    out = folder.parent / "results"
    extract_frames(folder, out / "frames", out / "frames.json", FramesConfig(**options))
    return Frames.load(out / "frames.json")


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp", ".tif"])
def test_a_folder_of_images_is_a_video(tmp_path, suffix):
    frames = extract(fill(tmp_path / "ann é", suffix=suffix))
    assert [number_of(frames.read(i)) for i in range(len(frames))] == list(range(12))  # 2 before 10
    assert frames.fps == 30
    assert frames.source == "ann é"
    assert frames.K_source == "default"


def test_start_step_and_rate_hold_for_images(tmp_path):
    frames = extract(fill(tmp_path / "ann", count=30), fps=10, start=0.5, step=2)
    assert [number_of(frames.read(i)) for i in range(len(frames))] == list(range(5, 30, 2))
    assert frames.source_frames.tolist() == list(range(5, 30, 2))
    assert frames.fps == 5


def test_exif_turns_the_image_and_gives_the_focal_length(tmp_path):
    folder = tmp_path / "ann"
    folder.mkdir()
    pixels = np.full((48, 64, 3), 90, np.uint8)
    pixels[:16, :16] = (250, 20, 20)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter clockwise: top left goes to top right
    exif.get_ifd(0x8769)[0xA405] = 28
    for i in range(9):
        Image.fromarray(pixels).save(folder / f"{i}.jpg", exif=exif, quality=95, subsampling=0)
    frames = extract(folder)
    assert (frames.width, frames.height) == (48, 64)
    assert np.abs(frames.read(0)[8, 40].astype(int) - (250, 20, 20)).max() < 12
    assert np.abs(frames.read(0)[8, 8].astype(int) - 90).max() < 12
    assert frames.K_source == "metadata"
    np.testing.assert_allclose(np.diag(frames.K), [28 / np.hypot(36, 24) * 80] * 2 + [1])
    np.testing.assert_allclose(frames.K[:2, 2], [24, 32])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_exif_orientation_is_set_upright_as_pillow_does(tmp_path, orientation):
    pixels = np.random.default_rng(0).integers(0, 255, (6, 9, 3)).astype(np.uint8)
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(pixels).save(tmp_path / "a.png", exif=exif)
    with Image.open(tmp_path / "a.png") as image:
        expected = np.array(ImageOps.exif_transpose(image))
    picture = read_image(tmp_path / "a.png", 960)
    np.testing.assert_array_equal(picture.pixels, expected)
    assert picture.size == (expected.shape[1], expected.shape[0])


def test_large_images_are_scaled_without_shift(tmp_path):
    y, x = np.mgrid[:600, :800] + 0.5
    blob = np.exp(-((x - 500.0) ** 2 + (y - 240.0) ** 2) / 2 / 30**2)
    path = tmp_path / "a.jpg"
    Image.fromarray(np.repeat((200 * blob)[..., None], 3, axis=2).astype(np.uint8)).save(path, quality=95)
    picture = read_image(path, 160)
    assert picture.size == (800, 600)
    assert picture.pixels.shape == (120, 160, 3)
    weights = np.where(picture.pixels[..., 1] > 20, picture.pixels[..., 1], 0).astype(float)
    y, x = np.mgrid[:120, :160] + 0.5
    centre = [(weights * x).sum() / weights.sum(), (weights * y).sum() / weights.sum()]
    np.testing.assert_allclose(centre, [100, 48], atol=0.05)


def test_transparent_png_shows_white(tmp_path):
    pixels = np.zeros((48, 64, 4), np.uint8)
    pixels[10:30, 10:30] = (200, 50, 20, 255)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    seen = read_image(tmp_path / "a.png", 960).pixels
    assert seen[0, 0].tolist() == [255, 255, 255]
    assert seen[20, 20].tolist() == [200, 50, 20]


@pytest.mark.parametrize("mode", ["L", "P", "I;16", "CMYK"])
def test_other_modes_become_rgb(tmp_path, mode):
    level = 20 * LEVELS
    grey = Image.fromarray(np.full((48, 64), level, np.uint8))
    if mode == "I;16":
        image = Image.fromarray(np.full((48, 64), level * 257, np.uint16))
    else:
        image = grey.convert("RGB").convert(mode) if mode == "CMYK" else grey.convert(mode)
    image.save(tmp_path / "a.tif")
    assert np.abs(read_image(tmp_path / "a.tif", 960).pixels.astype(int) - level).max() <= 2


@pytest.mark.parametrize("mode", ["L", "P", "I;16", "CMYK", "RGB", "RGBA", "LA"])
def test_bands_of_rows_are_converted_as_the_whole_is(tmp_path, mode, monkeypatch):
    levels = np.random.default_rng(0).integers(0, 256, (49, 31, 4), np.uint8)
    image = Image.fromarray(levels).convert("RGB") if mode in ("P", "CMYK") else Image.fromarray(levels)
    image = Image.fromarray(levels[..., 0].astype(np.uint16) * 250) if mode == "I;16" else image.convert(mode)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image.save(tmp_path / "a.tif", icc_profile=profile)
    whole = read_image(tmp_path / "a.tif", 960).pixels
    monkeypatch.setattr("understudy.video.images.BAND_PIXELS", 200)
    assert np.array_equal(read_image(tmp_path / "a.tif", 960).pixels, whole)


def test_a_large_image_is_converted_in_little_memory(tmp_path, monkeypatch):
    Image.fromarray(np.zeros((2000, 2000), np.uint16)).save(tmp_path / "a.png")
    monkeypatch.setattr("understudy.video.images.BAND_PIXELS", 1 << 16)
    tracemalloc.start()
    read_image(tmp_path / "a.png", 500)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2000 * 2000 * 5  # the picture as RGB, and not much more


def test_a_colour_profile_is_applied(tmp_path):
    image = Image.new("RGB", (64, 48), (100, 100, 100))
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    image.save(tmp_path / "srgb.png", icc_profile=profile)
    assert np.abs(read_image(tmp_path / "srgb.png", 960).pixels.astype(int) - 100).max() <= 1
    image.save(tmp_path / "broken.png", icc_profile=b"nonsense" * 20)
    assert read_image(tmp_path / "broken.png", 960).pixels[0, 0].tolist() == [100, 100, 100]


def _no_images(folder):
    folder.mkdir()
    (folder / "notes.txt").touch()


def _too_few(folder):
    fill(folder, 8)


def _sizes(folder):
    fill(folder, 10)
    Image.new("RGB", (32, 48)).save(folder / "shot 7.png")


def _damaged(folder):
    fill(folder, 10, size=(200, 150))
    path = folder / "shot 4.png"
    path.write_bytes(path.read_bytes()[:120])


def _fake(folder):
    fill(folder, 10)
    (folder / "shot 4.png").write_text("not an image")


@pytest.mark.parametrize(
    ("prepare", "message"),
    [
        (_no_images, "holds no images"),
        (_too_few, "has 8 frames; at least 9 are needed"),
        (_sizes, r"shot 7.png is 32x48 px but shot 0.png is 64x48"),
        (_damaged, "shot 4.png is not an image that can be read"),
        (_fake, "shot 4.png is not an image that can be read"),
    ],
)
def test_bad_folders_are_refused_in_one_sentence_and_leave_nothing(tmp_path, prepare, message):
    prepare(tmp_path / "ann")
    with pytest.raises(InputError, match=message) as caught:
        extract_frames(tmp_path / "ann", tmp_path / "frames", tmp_path / "frames.json", FramesConfig())
    assert "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["ann"]
