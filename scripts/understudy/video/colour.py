"""From the colours that cameras write to sRGB: wide gamuts, high dynamic range, transparency."""

from functools import cache

import numpy as np

HDR_WHITE = 203.0
"""Luminance of diffuse white in HDR video, cd/m2 (ITU-R BT.2408), shown as the white of sRGB."""

HDR_PEAK = 1000.0
"""Brightest luminance kept, cd/m2: the nominal peak of HLG and the usual mastering peak of PQ."""

LUMINANCE_2020 = np.array([0.2627, 0.6780, 0.0593], np.float32)

TO_709 = {
    "bt2020": ((1.660491, -0.587641, -0.072850), (-0.124550, 1.132900, -0.008349), (-0.018151, -0.100579, 1.118730)),
    "p3": ((1.224940, -0.224940, 0.0), (-0.042057, 1.042057, 0.0), (-0.019638, -0.078636, 1.098274)),
}
"""Linear RGB of other primaries (D65 white) to that of BT.709 and sRGB (ITU-R BT.2087; SMPTE EG 432-1)."""

_STEPS = 4096  # entries of the tone curve's table


def flatten_alpha(rgba: np.ndarray, background: int = 255) -> np.ndarray:
    """Picture with straight alpha, uint8 [H,W,4], over a grey (default white) background, uint8 [H,W,3]."""
    colour = rgba[..., :3].astype(np.uint32)
    alpha = rgba[..., 3:].astype(np.uint32)
    return ((colour * alpha + background * (255 - alpha) + 127) // 255).astype(np.uint8)


def gamut_to_srgb(rgb: np.ndarray, primaries: str) -> np.ndarray:
    """uint8 [H,W,3] of standard range with the ``primaries`` of ``TO_709`` to sRGB; what is outside is clipped."""
    return _encode(_srgb_to_linear()[rgb] @ np.array(TO_709[primaries], np.float32).T)


def hdr_to_srgb(rgb: np.ndarray, transfer: str) -> np.ndarray:
    """HDR picture with BT.2020 primaries to 8-bit sRGB.

    Decoded to the light of a 1000 cd/m2 display (ITU-R BT.2100, tables 4 and 5), brought into 0 to 203 cd/m2 by the
    EETF of ITU-R BT.2390, section 5.4.1, on the largest of R, G and B (so that hues stay), converted to BT.709
    primaries and clipped there. Below some 85 cd/m2, where skin and clothes are, the curve changes nothing.

    Args:
        rgb: Coded R'G'B', uint16 over the full range, [H,W,3].
        transfer: ``pq`` (SMPTE ST 2084) or ``hlg`` (ARIB STD-B67).

    Returns:
        uint8 [H,W,3].
    """
    light = _hdr_light(transfer)[rgb]
    if transfer == "hlg":  # the display's gamma acts on luminance
        light *= np.power(light @ LUMINANCE_2020, 0.2, dtype=np.float32)[..., None] * np.float32(HDR_PEAK)
    brightest = light.max(axis=-1) / np.float32(HDR_PEAK)
    index = np.minimum(np.sqrt(brightest) * (_STEPS - 1) + 0.5, _STEPS - 1).astype(np.intp)
    light *= _tone_gain()[index][..., None]
    return _encode(light @ np.array(TO_709["bt2020"], np.float32).T)


def pq_decode(code: np.ndarray) -> np.ndarray:
    """Luminance in cd/m2 of PQ code values 0..1 (SMPTE ST 2084)."""
    root = np.power(np.asarray(code, np.float64), 32 / 2523)
    return 1e4 * np.power(np.maximum(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root), 16384 / 2610)


def pq_encode(luminance: np.ndarray) -> np.ndarray:
    """PQ code values 0..1 of luminances in cd/m2."""
    power = np.power(np.asarray(luminance, np.float64) / 1e4, 2610 / 16384)
    return np.power((0.8359375 + 18.8515625 * power) / (1 + 18.6875 * power), 2523 / 32)


def hlg_decode(code: np.ndarray) -> np.ndarray:
    """Scene light 0..1 of HLG code values 0..1 (inverse OETF of ITU-R BT.2100, table 5)."""
    code = np.asarray(code, np.float64)
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(code <= 0.5, code**2 / 3, (np.exp((code - c) / a) + b) / 12)


def tone_curve(luminance: np.ndarray) -> np.ndarray:
    """EETF of ITU-R BT.2390, section 5.4.1, from 0..1000 to 0..203 cd/m2; blacks are left alone."""
    ceiling = pq_encode(np.array(HDR_PEAK))
    signal = np.minimum(pq_encode(luminance) / ceiling, 1.0)
    top = pq_encode(np.array(HDR_WHITE)) / ceiling
    knee = 1.5 * top - 0.5
    t = np.maximum((signal - knee) / (1 - knee), 0)
    spline = (2 * t**3 - 3 * t**2 + 1) * knee + (t**3 - 2 * t**2 + t) * (1 - knee) + (3 * t**2 - 2 * t**3) * top
    return pq_decode(np.where(signal < knee, signal, spline) * ceiling)


@cache
def _hdr_light(transfer: str) -> np.ndarray:
    """Table of uint16 code: display light in cd/m2 for PQ, scene light 0..1 for HLG."""
    code = np.arange(65536) / 65535
    return (pq_decode(code) if transfer == "pq" else hlg_decode(code)).astype(np.float32)


@cache
def _tone_gain() -> np.ndarray:
    """Factor from display light to 0..1 of sRGB's light, by the square root of light over the peak."""
    light = HDR_PEAK * np.linspace(0, 1, _STEPS) ** 2
    light[0] = light[1]  # any positive value: the curve is straight there
    return (tone_curve(light) / light / HDR_WHITE).astype(np.float32)


@cache
def _srgb_to_linear() -> np.ndarray:
    """Table of 8-bit sRGB code: light 0..1 (IEC 61966-2-1)."""
    code = np.arange(256) / 255
    return np.where(code <= 0.04045, code / 12.92, ((code + 0.055) / 1.055) ** 2.4).astype(np.float32)


@cache
def _linear_to_srgb() -> np.ndarray:
    """Table of 16-bit light: sRGB code (IEC 61966-2-1)."""
    light = np.arange(65536) / 65535
    code = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.rint(255 * code).astype(np.uint8)


def _encode(light: np.ndarray) -> np.ndarray:
    return _linear_to_srgb()[(np.clip(light, 0, 1) * np.float32(65535) + np.float32(0.5)).astype(np.uint16)]
