import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy.video.colour import (
    TO_709,
    flatten_alpha,
    gamut_to_srgb,
    hdr_to_srgb,
    hlg_decode,
    pq_decode,
    pq_encode,
    tone_curve,
)

WHITE = (0.3127, 0.3290)
PRIMARIES = {
    "bt709": ((0.640, 0.330), (0.300, 0.600), (0.150, 0.060)),
    "bt2020": ((0.708, 0.292), (0.170, 0.797), (0.131, 0.046)),
    "p3": ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
}


def to_xyz(primaries):
    columns = np.array([(x / y, 1, (1 - x - y) / y) for x, y in primaries]).T
    white = np.array([WHITE[0] / WHITE[1], 1, (1 - sum(WHITE)) / WHITE[1]])
    return columns * np.linalg.solve(columns, white)


@pytest.mark.parametrize("name", ["bt2020", "p3"])
def test_gamut_matrices_follow_from_the_primaries(name):
    expected = np.linalg.solve(to_xyz(PRIMARIES["bt709"]), to_xyz(PRIMARIES[name]))
    np.testing.assert_allclose(TO_709[name], expected, atol=2e-4)


def test_transfer_curves_have_their_published_values():
    assert pq_decode(np.array([0.0, 0.50807842, 0.75182710, 1.0])) == pytest.approx([0, 100, 1000, 10000], abs=1e-2)
    assert hlg_decode(np.array([0.0, 0.5, 0.75, 1.0])) == pytest.approx([0, 1 / 12, 0.265, 1], abs=1e-3)


@given(st.floats(1e-3, 1e4))
def test_pq_round_trip(luminance):
    assert pq_decode(pq_encode(np.array(luminance))) == pytest.approx(luminance, rel=1e-6)


def test_tone_curve_leaves_the_dark_alone_and_rises_to_white():
    light = np.geomspace(0.01, 1000, 500)
    mapped = tone_curve(light)
    np.testing.assert_allclose(mapped[light < 85], light[light < 85], rtol=1e-6)
    assert (np.diff(mapped) > 0).all()
    assert mapped[-1] == pytest.approx(203, rel=1e-6)
    assert tone_curve(np.array(4000.0)) == pytest.approx(203, rel=1e-6)


@pytest.mark.parametrize("transfer", ["pq", "hlg"])
def test_grey_stays_grey_and_brighter_stays_brighter(transfer):
    codes = np.linspace(0, 65535, 200).astype(np.uint16)
    grey = hdr_to_srgb(np.repeat(codes[None, :, None], 3, axis=2), transfer)[0].astype(int)
    assert np.ptp(grey, axis=1).max() <= 1
    assert (np.diff(grey[:, 1]) >= 0).all()
    assert grey[0].max() == 0 and grey[-1].min() == 255


def test_the_same_light_looks_the_same_in_pq_and_hlg():
    scene = hlg_decode(np.array(0.6))
    pq = pq_encode(1000 * scene**1.2)
    pixels = [np.full((1, 1, 3), round(float(code) * 65535), np.uint16) for code in (0.6, pq)]
    difference = hdr_to_srgb(pixels[0], "hlg").astype(int) - hdr_to_srgb(pixels[1], "pq")
    assert np.abs(difference).max() <= 1


def test_reference_white_of_hdr_is_bright_but_not_clipped():
    white = hdr_to_srgb(np.full((1, 1, 3), round(float(pq_encode(np.array(203.0))) * 65535), np.uint16), "pq")
    assert 220 < white[0, 0, 0] < 240


@pytest.mark.parametrize("primaries", ["bt2020", "p3"])
def test_greys_are_the_same_in_every_gamut(primaries):
    greys = np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2)
    assert np.abs(gamut_to_srgb(greys, primaries).astype(int) - greys).max() <= 1


def test_transparency_shows_white():
    pixels = np.array([[[10, 20, 30, 255], [10, 20, 30, 0], [0, 100, 255, 51]]], np.uint8)
    assert flatten_alpha(pixels).tolist() == [[[10, 20, 30], [255, 255, 255], [204, 224, 255]]]
