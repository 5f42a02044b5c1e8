"""Pictures by content: one place opens them, of formats that run nothing, from files that are files and not too large."""

import ast
import io
import os
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support.harmful import frugal  # noqa: F401  (frugal is for every test)
from tests.support.paths import SCRIPTS
from understudy.backends.external_masks import GivenLabels, GivenMasks
from understudy.errors import InputError
from understudy.files.arrays import read_json, sha256
from understudy.files.pictures import opened_picture
from understudy.formats.frames import Frames
from understudy.formats.masks import read_alpha, read_parsing, read_trimap
from understudy.importers.alpha import read_mask
from understudy.importers.calibration import Calibration
from understudy.rendering.backdrop import open_backdrop
from understudy.video.config import FramesConfig
from understudy.video.decode import extract_frames
from understudy.video.images import read_image
from understudy.weights.manifest import read_manifest

OPENERS = {
    "Image.open": {"pictures.py"},
    "cv2.VideoCapture": {"capture.py"},
    "av.open": {"clip.py", "encode.py"},  # the second one writes
    **{f"cv2.{name}": set() for name in ("imread", "imdecode", "imreadmulti", "FileStorage")},
    "plt.imread": set(),
    "iio.imread": set(),
    "skimage.io.imread": set(),
}
EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 40 30\n%%EndComments\nshowpage\n%%EOF\n"


def test_pictures_and_videos_are_opened_in_one_place_each():
    found = set()
    for path in SCRIPTS.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            name = ast.unparse(node.func)
            reads = not (name == "cv2.FileStorage" and "WRITE" in ast.unparse(node))
            if name in OPENERS and reads:
                found.add((name, path.name))
            assert not name.startswith(("imageio", "matplotlib.image", "mpimg")), path
    assert found == {(name, file) for name, files in OPENERS.items() for file in files}


def frames_of(folder, count=1):
    K = np.array([[50.0, 0, 20], [0, 50.0, 15], [0, 0, 1]])
    return Frames(folder, 30.0, 40, 30, "anna", "0" * 64, np.arange(count), K, "default")


def readers(folder, name="000000.png"):
    """Everything that opens a picture of the folder ``a``."""
    place, frames = folder / "a" / name, frames_of(folder / "a")
    return {
        "video": lambda: extract_frames(folder / "a", folder / "out", folder / "out.json", FramesConfig()),
        "image": lambda: read_image(place, 100),
        "frame": lambda: frames.read(0),
        "alpha": lambda: read_alpha(folder / "a", 0, (40, 30)),
        "trimap": lambda: read_trimap(folder / "a", 0),
        "parsing": lambda: read_parsing(folder / "a", 0),
        "imported mask": lambda: read_mask(place),
        "given masks": lambda: GivenMasks(folder / "a").read_mask(frames, 0),
        "given labels": lambda: GivenLabels(folder / "a", "CIHP-20").read_labels(frames, 0),
        "background": lambda: open_backdrop(place),
    }


@pytest.mark.parametrize("reader", readers(Path()))
def test_postscript_in_a_picture_runs_no_program(tmp_path, monkeypatch, reader):
    (tmp_path / "bin").mkdir()
    for program in ("gs", "gswin32c", "epstopdf", "magick", "convert", "xdg-open"):
        (tmp_path / "bin" / program).write_text(f"#!/bin/sh\necho ran > {tmp_path}/ran\n")
        (tmp_path / "bin" / program).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    monkeypatch.setattr("PIL.EpsImagePlugin.gs_binary", None)  # as in a process that has not yet looked for it
    (tmp_path / "a").mkdir()
    for name in ("000000.png", "000000.jpg"):
        (tmp_path / "a" / name).write_bytes(EPS)
    with pytest.raises(InputError, match="PostScript"):
        readers(tmp_path)[reader]()
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"%PDF-1.4\n", "PDF"), (b"8BPS\0\1", "Photoshop"), (b"P6 2 2 255 " + bytes(12), "PPM"), (b"SIMPLE  =  T", "FITS"),
        (b"\xd7\xcd\xc6\x9a" + bytes(40), "WMF"), (b"\0\0\0\x18ftypheic" + bytes(40), "HEIC"), (b"icns" + bytes(40), "ICNS"),
        (b"\x89HDF\r\n\x1a\n", "HDF5"), (b"<svg xmlns=", "SVG"), (b"\0\0\0\x18ftypisom" + bytes(40), "a video"),
        (b"hello", "no JPEG, PNG, WEBP, TIFF, BMP or GIF"), (b"", "no JPEG"),
    ],
)  # fmt: skip
def test_a_foreign_format_is_named(tmp_path, content, name):
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(InputError, match=rf"a\.png is not .*{name}.*replace it or move it away"):
        read_image(tmp_path / "a.png", 100)


def variants():
    """Pictures of all honest kinds: how to save a grey one, so that it is grey again."""
    grey = Image.fromarray(np.full((30, 40), 120, np.uint8))
    rgb = grey.convert("RGB")
    deep = Image.fromarray(np.full((30, 40), 120 * 257, np.uint16))
    return {
        "jpg": (rgb, "JPEG", {}), "progressive": (rgb, "JPEG", {"progressive": True}),
        "cmyk": (rgb.convert("CMYK"), "JPEG", {}), "mpo": (rgb, "MPO", {"save_all": True, "append_images": [rgb, rgb]}),
        "png": (rgb, "PNG", {}), "palette": (rgb.quantize(4), "PNG", {}), "16 bit": (deep, "PNG", {}),
        "webp": (rgb, "WEBP", {"lossless": True}), "bmp": (rgb, "BMP", {}),
        "gif": (grey, "GIF", {"save_all": True, "append_images": [Image.new("L", (40, 30), 9)]}),
        "tif": (rgb, "TIFF", {}), "deflated": (rgb, "TIFF", {"compression": "tiff_adobe_deflate"}),
        "jpeg in tif": (rgb, "TIFF", {"compression": "jpeg"}), "16 bit tif": (deep, "TIFF", {}),
        "pages": (rgb, "TIFF", {"save_all": True, "append_images": [rgb]}), "big tif": (rgb, "TIFF", {"big_tiff": True}),
    }  # fmt: skip


@pytest.mark.parametrize("kind", variants())
def test_honest_kinds_are_read_whatever_their_names(tmp_path, kind):
    image, form, options = variants()[kind]
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0xA405] = 35
    image.save(
        tmp_path / "a.png", form, **options, **({"exif": exif} if form in ("JPEG", "PNG", "WEBP", "TIFF") else {})
    )
    pixels = read_image(tmp_path / "a.png", 100).pixels
    assert pixels.shape == (30, 40, 3) and np.abs(pixels.astype(int) - 120).max() <= 3


def special(place, kind):
    if kind == "pipe":
        os.mkfifo(place)
    elif kind == "folder":
        place.mkdir()
    elif kind == "sparse":
        with open(place, "wb") as file:
            file.truncate(1 << 40)
    else:
        place.symlink_to({"device": "/dev/zero", "link to a pipe": place.with_name("pipe")}[kind])
        os.mkfifo(place.with_name("pipe"))


@pytest.mark.parametrize("kind", ["pipe", "device", "link to a pipe", "folder", "sparse"])
def test_what_is_no_file_or_too_large_is_refused_at_once(tmp_path, kind):
    from understudy.batch.sheet import read_sheet

    (tmp_path / "a").mkdir()
    special(tmp_path / "a/000000.png", kind)
    (tmp_path / "a/000000.jpg").symlink_to("000000.png")
    place = tmp_path / "a/000000.png"
    texts = {
        "json": lambda: read_json(place),
        "yaml": lambda: read_manifest(place),
        "tsv": lambda: read_sheet(place, {"$defs": {}}),
        "cameras": lambda: Calibration(place),
        "hash": lambda: sha256(place),
    }
    if kind == "sparse":
        del texts["hash"]  # takes its time, and no memory
    for read in (*readers(tmp_path).values(), *texts.values()):
        with pytest.raises(
            InputError, match=r"is a (pipe|folder)|bytes, and such a file|hold(s)? no (images|pictures)"
        ):
            read()


def test_a_jpeg_of_endless_scans_is_refused_before_it_is_decoded(tmp_path):
    buffer = io.BytesIO()
    Image.new("L", (64, 64)).save(buffer, "JPEG", progressive=True)
    head, *scans = buffer.getvalue().removesuffix(b"\xff\xd9").split(b"\xff\xda")
    for count, fine in ((20, True), (200, False)):
        (tmp_path / "a.jpg").write_bytes(b"\xff\xda".join([head, *scans, *[scans[-1]] * count]) + b"\xff\xd9")
        if fine:
            read_image(tmp_path / "a.jpg", 100)
            continue
        with pytest.raises(InputError, match="scans"):
            read_image(tmp_path / "a.jpg", 100)


def test_a_jpeg_of_endless_exif_is_refused_before_it_is_put_together(tmp_path):
    buffer = io.BytesIO()
    Image.new("L", (64, 64)).save(buffer, "JPEG")
    data = buffer.getvalue()
    piece = b"\xff\xe1\x00\x0cExif\0\0abcd"
    for middle in (piece, b"\xff\xd9" + piece):  # readers of headers do not stop at a mark of the end
        (tmp_path / "a.jpg").write_bytes(data[:2] + middle * 200_000 + data[2:])
        with pytest.raises(InputError, match="EXIF"):
            read_image(tmp_path / "a.jpg", 100)


def tiff(*tags, order="<", big=False, room=b""):
    """A TIFF of one directory; tags are (number, type, count, value)."""
    mark = b"II" if order == "<" else b"MM"
    if big:
        head = mark + struct.pack(f"{order}HHHQ", 43, 8, 0, 16) + struct.pack(f"{order}Q", len(tags))
        return head + b"".join(struct.pack(f"{order}HHQQ", *tag) for tag in tags) + bytes(8) + room
    head = mark + struct.pack(f"{order}HL", 42, 8) + struct.pack(f"{order}H", len(tags))
    return head + b"".join(struct.pack(f"{order}HHLL", *tag) for tag in tags) + bytes(4) + room


def layout(order, big, rows, *more):
    """A grey picture 64 px wide."""
    head = ((256, 64), (257, rows), (258, 8), (259, 1), (262, 1))
    return tiff(*((tag, 4, 1, value) for tag, value in head), *more, order=order, big=big, room=bytes(1 << 20))


@pytest.mark.parametrize(("order", "big"), [("<", False), ("<", True), (">", False)])
def test_a_tiff_whose_pieces_lie_upon_each_other_is_refused(tmp_path, order, big):
    long = layout(order, big, 128, (273, 4, 128, 400), (278, 4, 1, 1), (279, 4, 128, 1000))
    cases = (
        layout(order, big, 64, (273, 4, 20_000, 400), (278, 4, 1, 63), (279, 4, 1, 64)),  # many strips of nearly all
        long[:1000] + b"\x7f" * 512 + long[1512:],  # strips of more bytes than the file has
        layout(order, big, 64, *((50_000 + each, 3, 450_000, 400) for each in range(6))),
    )
    for data in cases:
        (tmp_path / "a.tif").write_bytes(data)
        with pytest.raises(InputError, match="upon each other|numbers"):
            read_image(tmp_path / "a.tif", 100)


@pytest.mark.parametrize("form", ["PNG", "WEBP", "JPEG"])
def test_exif_of_endless_numbers_is_refused(tmp_path, form):
    exif = tiff((34665, 4, 1, 26), room=b"") + struct.pack("<H", 7)
    exif += b"".join(struct.pack("<HHLL", 40_000 + each, 5, 350_000, 0) for each in range(7)) + bytes(3 << 20)
    if form == "JPEG":  # 64 kB are too few for harm
        exif = exif[:60_000]
    Image.new("RGB", (40, 30)).save(tmp_path / "a.png", form, exif=b"Exif\0\0" + exif)
    if form == "JPEG":
        read_image(tmp_path / "a.png", 100)
        return
    with pytest.raises(InputError, match="numbers"):
        read_image(tmp_path / "a.png", 100)


def test_a_picture_of_200_megapixels_is_refused_and_one_of_100_is_opened_in_silence(tmp_path, recwarn):
    Image.new("1", (14_000, 14_000)).save(tmp_path / "a.png")
    with pytest.raises(InputError, match=r"a\.png"), opened_picture(tmp_path / "a.png", "a picture", "make it smaller"):
        pass
    Image.new("1", (10_000, 10_000)).save(tmp_path / "b.png")
    with opened_picture(tmp_path / "b.png", "a picture", "make it smaller") as image:
        assert image.size == (10_000, 10_000)
    Image.new("1", (70_000, 1)).save(tmp_path / "c.png")
    with pytest.raises(InputError, match="70000x1"), opened_picture(tmp_path / "c.png", "a picture", "make it smaller"):
        pass
