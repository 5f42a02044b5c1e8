"""Label sets of other programs, kept apart and brought into CIHP-20 by one table."""

import numpy as np
import pytest

from understudy.backends.densepose import DensePoseParsing, patch_labels
from understudy.backends.label_sets import LABEL_SETS, as_cihp, cihp_of, find_label_set, mirrored_labels
from understudy.errors import InputError
from understudy.formats.masks import CIHP

PUBLISHED = {
    "LIP-20": "Background Hat Hair Glove Sunglasses Upper-clothes Dress Coat Socks Pants Jumpsuit Scarf Skirt Face Left-arm"
    " Right-arm Left-leg Right-leg Left-shoe Right-shoe",
    "ATR-18": "Background Hat Hair Sunglasses Upper-clothes Skirt Pants Dress Belt Left-shoe Right-shoe Face Left-leg"
    " Right-leg Left-arm Right-arm Bag Scarf",
    "CIHP-20": "Background Hat Hair Glove Sunglasses Upper-clothes Dress Coat Socks Pants Torso-skin Scarf Skirt Face"
    " Left-arm Right-arm Left-leg Right-leg Left-shoe Right-shoe",
}
"""As SCHP's README and the CIHP data set list them."""


def test_names_and_order_are_the_published_ones():
    assert {
        name: tuple(label.lower().replace("-", "_") for label in labels.split()) for name, labels in PUBLISHED.items()
    } == LABEL_SETS


def test_each_label_in_cihp():
    assert cihp_of("CIHP-20").tolist() == list(range(20))
    assert cihp_of("LIP-20").tolist() == [*range(10), 6, *range(11, 20)]
    assert cihp_of("ATR-18").tolist() == [0, 1, 2, 4, 5, 12, 9, 6, 9, 18, 19, 13, 16, 17, 14, 15, 0, 11]


def test_label_10_is_never_taken_for_skin():
    ten = np.full((2, 2), 10, np.uint8)
    assert CIHP[as_cihp(ten, "CIHP-20", "a.png")[0, 0]] == "torso_skin"
    assert CIHP[as_cihp(ten, "LIP-20", "a.png")[0, 0]] == "dress"
    assert CIHP[as_cihp(ten, "ATR-18", "a.png")[0, 0]] == "right_shoe"


@pytest.mark.parametrize("name", list(LABEL_SETS))
def test_mirroring_exchanges_the_sides_alone_and_undoes_itself(name):
    mirror = mirrored_labels(name)
    assert np.array_equal(mirror[mirror], np.arange(len(mirror)))
    moved = {LABEL_SETS[name][index] for index in np.flatnonzero(mirror != np.arange(len(mirror)))}
    assert moved == {f"{side}_{limb}" for side in ("left", "right") for limb in ("arm", "leg", "shoe")}
    # sides stay sides on the way to CIHP
    assert np.array_equal(cihp_of(name)[mirror], mirrored_labels("CIHP-20")[cihp_of(name)])


def test_sets_are_found_by_what_people_call_them_and_others_refused():
    assert [find_label_set(name, "x") for name in ("lip", "CIHP-20", "Atr ")] == ["LIP-20", "CIHP-20", "ATR-18"]
    with pytest.raises(InputError, match="x names the label set 'pascal'"):
        find_label_set("pascal", "x")


def test_labels_beyond_the_set_are_refused_and_void_is_background():
    labels = np.array([[1, 255]], np.uint8)
    assert as_cihp(labels, "ATR-18", "a.png").tolist() == [[1, 0]]
    labels[0, 1] = 18
    with pytest.raises(InputError, match=r"a\.png holds the label 18"):
        as_cihp(labels, "ATR-18", "a.png")


def test_densepose_patches_are_the_published_parts():
    names = [CIHP[label] for label in patch_labels()]
    published = {
        "upper_clothes": (1, 2), "right_arm": (3, 16, 18, 20, 22), "left_arm": (4, 15, 17, 19, 21), "left_shoe": (5,),
        "right_shoe": (6,), "right_leg": (7, 9, 11, 13), "left_leg": (8, 10, 12, 14), "face": (23, 24), "background": (0,),
    }  # fmt: skip
    assert {name: tuple(np.flatnonzero(np.array(names) == name)) for name in set(names)} == published


def test_densepose_parsing_reads_the_patches_of_the_person():
    class Network:
        def densepose_iuv(self, image, box):
            patches = np.zeros(image.shape[:2], np.uint8)
            patches[1, 1], patches[0, 0] = 23, 4
            return patches, None, None

    parsing = DensePoseParsing.__new__(DensePoseParsing)
    parsing.network = Network()
    labels = parsing.find_labels(np.zeros((3, 3, 3), np.uint8), np.zeros(4))
    assert CIHP[labels[1, 1]] == "face" and CIHP[labels[0, 0]] == "left_arm" and np.count_nonzero(labels) == 2
