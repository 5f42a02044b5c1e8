"""Mask and label files: what is written is read back, and foreign files are refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from understudy.errors import InputError
from understudy.formats.masks import CIHP, mask_path, read_alpha, read_parsing, voc_palette, write_alpha, write_parsing


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_labels_round_trip(tmp_path_factory, height, width, seed):
    folder = tmp_path_factory.mktemp("parsing")
    labels = np.random.default_rng(seed).integers(0, 20, (height, width)).astype(np.uint8)
    write_parsing(folder, 7, labels)
    assert (folder / "000007.png").exists()
    assert np.array_equal(read_parsing(folder, 7), labels)


def test_soft_masks_round_trip_to_eight_bits(tmp_path):
    alpha = np.linspace(-0.2, 1.2, 12).reshape(3, 4)
    write_alpha(tmp_path, 0, alpha)
    assert np.array_equal(read_alpha(tmp_path, 0), np.round(np.clip(alpha, 0, 1) * 255))
    write_alpha(tmp_path, 1, np.arange(12, dtype=np.uint8).reshape(3, 4))
    assert np.array_equal(read_alpha(tmp_path, 1).ravel(), np.arange(12))


def test_the_file_names_its_label_set_and_ten_is_torso_skin(tmp_path):
    write_parsing(tmp_path, 0, np.full((2, 2), 10, np.uint8))
    with Image.open(mask_path(tmp_path, 0)) as image:
        assert image.info["label_set"] == "CIHP-20" and image.mode == "P"
    assert CIHP[10] == "torso_skin" and len(CIHP) == 20


def test_labels_of_another_set_are_refused(tmp_path):
    write_parsing(tmp_path, 0, np.full((2, 2), 10, np.uint8), label_set="LIP-20")
    with pytest.raises(InputError, match="LIP-20"):
        read_parsing(tmp_path, 0)
    assert (read_parsing(tmp_path, 0, label_set="LIP-20") == 10).all()


def test_labels_beyond_the_set_and_of_another_size_are_refused(tmp_path):
    write_parsing(tmp_path, 0, np.full((2, 3), 20, np.uint8))
    with pytest.raises(InputError, match="holds the number 20, which is not a label of CIHP-20"):
        read_parsing(tmp_path, 0)
    write_parsing(tmp_path, 1, np.full((2, 3), 19, np.uint8))
    assert read_parsing(tmp_path, 1, (3, 2)).shape == (2, 3)
    with pytest.raises(InputError, match="3x2 px but the frames have 2x3"):
        read_parsing(tmp_path, 1, (2, 3))


def test_grey_images_are_no_labels(tmp_path):
    write_alpha(tmp_path, 0, np.ones((2, 2)))
    with pytest.raises(InputError, match="palette"):
        read_parsing(tmp_path, 0)


@pytest.mark.parametrize("content", [None, b"", b"not a picture"])
def test_missing_and_broken_files_are_named(tmp_path, content):
    if content is not None:
        mask_path(tmp_path, 3).write_bytes(content)
    for read in (read_alpha, read_parsing):
        with pytest.raises(InputError, match=r"000003\.png"):
            read(tmp_path, 3)


def test_palette_is_pascals():
    palette = voc_palette()
    assert palette[[0, 1, 2, 3, 10, 15]].tolist() == [
        [0, 0, 0], [128, 0, 0], [0, 128, 0], [128, 128, 0], [64, 128, 0], [192, 128, 128],
    ]  # fmt: skip
    assert len(np.unique(palette, axis=0)) == 256
