"""The user's own masks and labels: which belongs to which frame, all kinds of pictures, and nothing changed on the way."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from tests.support.scenes import film
from understudy.backends.external_masks import GivenLabels, GivenMasks
from understudy.errors import InputError
from understudy.formats.frames import Frames
from understudy.formats.keypoints import Keypoints
from understudy.formats.masks import CIHP, mask_path, read_parsing, voc_palette, write_alpha, write_parsing
from understudy.formats.skeleton import KEYPOINTS
from understudy.parsing.config import ParsingConfig
from understudy.parsing.label import label_parts
from understudy.silhouettes.config import SilhouettesConfig
from understudy.silhouettes.segment import cut_silhouettes

WIDTH, HEIGHT = 40, 30


def frames_of(source_frames, width=WIDTH, height=HEIGHT) -> Frames:
    K = np.array([[50.0, 0, width / 2], [0, 50.0, height / 2], [0, 0, 1]])
    return Frames(None, 30.0, width, height, "anna.mp4", "0" * 64, np.array(source_frames), K, "default")


def level(value, width=WIDTH, height=HEIGHT):
    return np.full((height, width), value, np.uint8)


def save(folder, names, values=None):
    """Pictures of one grey level each, by default their place times ten, so that they can be told apart."""
    folder.mkdir(exist_ok=True)
    for place, name in enumerate(names):
        Image.fromarray(level(10 * place if values is None else values[place])).save(folder / name)
    return folder


def levels(files, frames):
    given = GivenMasks(files)
    return [int(given.read_mask(frames, index)[0, 0]) for index in range(len(frames))]


def test_of_masks_of_the_whole_video_that_part_is_taken_which_the_frames_show(tmp_path):
    whole = level(0, 160, 90)
    whole[30:60, 70:110] = 200
    (tmp_path / "masks").mkdir()
    for name in ("000000.png", "000001.png"):
        Image.fromarray(whole).save(tmp_path / "masks" / name)
    window = np.array([140.0, 60.0, 220.0, 120.0])  # of a video of twice the masks' size
    frames = replace(frames_of(range(2)), source_size=(320, 180), crop=window)
    assert (GivenMasks(tmp_path / "masks").read_mask(frames, 1) == 200).all()
    moved = replace(frames, crop=window + [-20, 0, -20, 0])
    mask = GivenMasks(tmp_path / "masks").read_mask(moved, 0)
    assert mask.shape == (HEIGHT, WIDTH) and not mask[:, :9].any() and (mask[:, 11:] == 200).all()
    with pytest.raises(InputError, match="another shape"):
        GivenMasks(tmp_path / "masks").read_mask(replace(frames, source_size=(200, 180)), 0)


def test_masks_of_the_stage_given_back_are_the_same_files(tmp_path):
    random = np.random.default_rng(2)
    frames = frames_of(range(0, 12, 2))
    own = tmp_path / "alpha"
    own.mkdir()
    for index in range(len(frames)):
        alpha = random.integers(0, 256, (HEIGHT, WIDTH)).astype(np.uint8)
        write_alpha(own, index, np.minimum(alpha, 1) if index == 3 else alpha)  # one with next to nothing in it
    nobody = np.zeros((len(frames), len(KEYPOINTS), 3), np.float32)
    keypoints = Keypoints(nobody, KEYPOINTS, nobody[:, :4, 0], "none", nobody, *np.zeros((3, len(frames)), int))
    cut_silhouettes(frames, keypoints, tmp_path / "again", SilhouettesConfig(backend="files"), files=own)
    for index in range(len(frames)):
        assert mask_path(tmp_path / "again", index).read_bytes() == mask_path(own, index).read_bytes()


def test_labels_of_the_stage_given_back_are_the_same_files(tmp_path):
    scene = film(tmp_path, [0.0, np.pi])
    label_parts(scene.frames, scene.alpha_folder, scene.track, scene.body, tmp_path / "own")
    config = ParsingConfig(backend="files")
    label_parts(
        scene.frames, scene.alpha_folder, scene.track, scene.body, tmp_path / "again", config, files=tmp_path / "own"
    )
    for index in range(2):
        own, again = (mask_path(tmp_path / name, index).read_bytes() for name in ("own", "again"))
        assert own == again


def test_numbers_are_those_of_the_frames(tmp_path):
    folder = save(tmp_path / "a", [f"{index:06d}.png" for index in range(3)])
    assert levels(folder, frames_of([4, 8, 12])) == [0, 10, 20]


@pytest.mark.parametrize("first", [0, 1])
def test_numbers_are_those_of_the_videos_pictures_from_0_or_1(first, tmp_path):
    folder = save(tmp_path / "a", [f"mask_{index + first}.png" for index in range(11)])  # 10 comes after 9
    assert levels(folder, frames_of([2, 6, 10])) == [20, 60, 100]


def test_only_the_chosen_pictures_of_the_video_need_masks(tmp_path):
    folder = save(tmp_path / "a", ["m0020.png", "m0040.png", "m0060.png"])
    assert levels(folder, frames_of([20, 40, 60])) == [0, 10, 20]


def test_names_without_the_frames_numbers_count_by_their_order(tmp_path):
    photos = save(tmp_path / "a", ["IMG_7001.png", "IMG_7002.png", "IMG_7010.png"])
    assert levels(photos, frames_of([0, 1, 2])) == [0, 10, 20]
    assert levels(photos, frames_of([0, 2])) == [0, 20]


def test_missing_masks_are_named(tmp_path):
    folder = save(tmp_path / "a", [f"{index:06d}.png" for index in range(20) if index not in (3, 7)])
    with pytest.raises(InputError, match="lacks the pictures 000003, 000007 of the 20 frames"):
        levels(folder, frames_of(range(20)))
    with pytest.raises(InputError, match=r"000018, 000019, 000020, 000021, 000022 and 2 more"):
        levels(save(tmp_path / "b", [f"{index}.png" for index in range(18)]), frames_of(range(25)))
    with pytest.raises(InputError, match="lacks the pictures 000040 of"):
        levels(save(tmp_path / "c", ["20.png", "60.png"]), frames_of([20, 40, 60]))


def test_folders_that_fit_no_frames_are_refused(tmp_path):
    with pytest.raises(
        InputError, match=r"has 2 pictures, but there are 3 frames, the last one picture 8 of anna\.mp4"
    ):
        levels(save(tmp_path / "a", ["front.png", "back.png"]), frames_of([0, 4, 8]))
    (tmp_path / "b").mkdir()
    with pytest.raises(InputError, match="holds no pictures"):
        levels(tmp_path / "b", frames_of([0]))
    with pytest.raises(InputError, match="is not a folder"):
        levels(tmp_path / "nowhere", frames_of([0]))


@pytest.mark.parametrize("source", [(0, 1, 2, 3, 4), (0, 3), (7, 14, 21, 28, 35)])
def test_masks_come_as_video_too(source, tmp_path):
    writer = cv2.VideoWriter(str(tmp_path / "m.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 25, (64, 48), False)
    for index in range(5):
        writer.write(level(50 * index, 64, 48))
    writer.release()
    frames = frames_of(source, 64, 48)
    given = GivenMasks(tmp_path / "m.avi")
    expected = [50 * index for index in ((0, 3) if len(source) == 2 else range(5))]
    for index in (*range(len(source)), 0):  # and back to the beginning
        assert np.abs(given.read_mask(frames, index).astype(int) - expected[index]).max() <= 3
    with pytest.raises(InputError, match="has 5 pictures"):
        GivenMasks(tmp_path / "m.avi").read_mask(frames_of([0, 5, 6], 64, 48), 0)


def person() -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[5:20, 10:25] = True
    return mask


def palette_picture(labels, colours):
    image = Image.fromarray(labels.astype(np.uint8), mode="P")
    image.putpalette(np.asarray(colours, np.uint8).ravel().tolist())
    return image


KINDS = {
    "grey": lambda m: Image.fromarray(m * np.uint8(255)),
    "one bit": lambda m: Image.fromarray(m * np.uint8(255)).convert("1"),
    "zeros and ones": lambda m: Image.fromarray(m.astype(np.uint8)),
    "16 bit": lambda m: Image.fromarray(m * np.uint16(65535)),
    "colour": lambda m: Image.fromarray(m * np.uint8(255)).convert("RGB"),
    "cut out": lambda m: Image.fromarray(np.dstack([np.full((HEIGHT, WIDTH, 3), 77), 255 * m]).astype(np.uint8)),
    "opaque": lambda m: Image.fromarray(m * np.uint8(255)).convert("RGBA"),
    "labels": lambda m: palette_picture(3 * m, voc_palette()),
    "grey palette": lambda m: palette_picture(1 - m, [[255] * 3, [0] * 3]),
}


@pytest.mark.parametrize("kind", KINDS)
def test_all_kinds_of_hard_masks_are_read(kind, tmp_path):
    KINDS[kind](person()).save(tmp_path / "000000.png")
    mask = GivenMasks(tmp_path).read_mask(frames_of([0]), 0)
    assert mask.dtype == np.uint8 and np.array_equal(mask, person() * 255)


def test_masks_of_0_and_1_are_told_by_some_and_others_stay_as_they_are(tmp_path):
    values = [1, *[0] * 38, 1]
    values[1] = 200  # beside the pictures that are looked at
    folder = save(tmp_path / "a", [f"{index:06d}.png" for index in range(40)], values)
    assert levels(folder, frames_of(range(40))) == [255, 200, *[0] * 37, 255]


def test_soft_masks_stay_soft_and_are_scaled(tmp_path):
    ramp = np.tile(np.linspace(0, 255, 80).round().astype(np.uint8), (60, 1))
    Image.fromarray(ramp).save(tmp_path / "000000.png")
    small = GivenMasks(tmp_path).read_mask(frames_of([0]), 0)
    assert small.shape == (HEIGHT, WIDTH)
    assert np.abs(small[3] - np.linspace(1.6, 253.4, 40)).max() < 2
    large = GivenMasks(tmp_path).read_mask(frames_of([0], 160, 120), 0)
    assert large.shape == (120, 160) and large.dtype == np.uint8
    assert np.all(np.diff(large[60].astype(int)) >= 0)


def test_masks_of_another_shape_or_broken_are_refused(tmp_path):
    Image.fromarray(level(0, 40, 40)).save(tmp_path / "000000.png")
    with pytest.raises(InputError, match=r"000000\.png has 40x40 px, another shape than the frames' 40x30"):
        GivenMasks(tmp_path).read_mask(frames_of([0]), 0)
    (tmp_path / "000000.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"000000\.png"):
        GivenMasks(tmp_path).read_mask(frames_of([0]), 0)


def lip_picture(path, label=10, text=None, mode="P"):
    labels = (person() * label).astype(np.uint8)
    info = PngImagePlugin.PngInfo()
    if text is not None:
        info.add_text("label_set", text)
    image = Image.fromarray(labels) if mode == "L" else palette_picture(labels, voc_palette())
    (image.convert("RGB") if mode == "RGB" else image).save(path / "000000.png", pnginfo=info)


@pytest.mark.parametrize(
    ("text", "stated", "name"),
    [
        ("LIP-20", None, "dress"),
        (None, "LIP-20", "dress"),
        ("CIHP-20", None, "torso_skin"),
        ("ATR-18", "atr", "right_shoe"),
    ],
)
@pytest.mark.parametrize("mode", ["P", "L", "RGB"])
def test_the_label_set_is_told_by_the_picture_or_stated(text, stated, name, mode, tmp_path):
    lip_picture(tmp_path, text=text, mode=mode)
    labels = GivenLabels(tmp_path, stated).read_labels(frames_of([0]), 0)
    assert np.array_equal(labels, person() * np.uint8(CIHP.index(name)))


def test_labels_of_an_unknown_set_are_refused(tmp_path):
    lip_picture(tmp_path)
    with pytest.raises(InputError, match=r"name their set in parsing\.label_set"):
        GivenLabels(tmp_path).read_labels(frames_of([0]), 0)
    lip_picture(tmp_path, text="CIHP-20")
    with pytest.raises(InputError, match=r"says that its labels are CIHP-20, but parsing\.label_set LIP-20"):
        GivenLabels(tmp_path, "LIP-20").read_labels(frames_of([0]), 0)
    lip_picture(tmp_path, text="Pascal")
    with pytest.raises(InputError, match="'Pascal'"):
        GivenLabels(tmp_path).read_labels(frames_of([0]), 0)
    with pytest.raises(InputError, match="parsing.label_set"):
        GivenLabels(tmp_path, "voc")


def test_colours_that_are_no_labels_are_refused(tmp_path):
    Image.fromarray(np.full((HEIGHT, WIDTH, 3), 77, np.uint8)).save(tmp_path / "000000.png")
    with pytest.raises(InputError, match="not labels"):
        GivenLabels(tmp_path, "CIHP-20").read_labels(frames_of([0]), 0)


def test_labels_are_scaled_without_new_ones(tmp_path):
    labels = np.zeros((60, 80), np.uint8)
    labels[10:40, 20:50], labels[20:30] = 5, 14
    write_parsing(tmp_path, 0, labels)
    found = GivenLabels(tmp_path).read_labels(frames_of([0]), 0)
    assert np.array_equal(found, labels[::2, ::2])
    assert np.array_equal(GivenLabels(tmp_path).read_labels(frames_of([0], 80, 60), 0), read_parsing(tmp_path, 0))


def test_stated_sets_reach_the_stage(tmp_path):
    scene = film(tmp_path, [0.0])
    given = tmp_path / "given"
    given.mkdir()
    Image.fromarray(np.full((220, 160), 10, np.uint8)).save(given / "000000.png")
    for name, expected in (("LIP-20", "dress"), ("ATR-18", "right_shoe")):
        config = replace(ParsingConfig(backend="files"), label_set=name)
        label_parts(scene.frames, scene.alpha_folder, scene.track, scene.body, tmp_path / name, config, files=given)
        assert np.all(read_parsing(tmp_path / name, 0) == CIHP.index(expected))
