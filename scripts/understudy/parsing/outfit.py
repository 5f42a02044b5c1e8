"""What a person wears and how far it reaches, and what colours skin and garments have, from what a video shows on the body."""

from dataclasses import dataclass

import numpy as np

from understudy.body.part_labels import MATERIALS
from understudy.parsing.anatomy import ARMS, FEET, HANDS, LEGS, Anatomy
from understudy.parsing.changes import Split, best_split, profile, split_sides
from understudy.parsing.densities import SHADES, cell_colours, log_density, trimmed
from understudy.parsing.sightings import UNSEEN, Sightings

HAIR, SKIN, UPPER, LOWER, SOCK, SHOE = range(len(MATERIALS))

ENOUGH = 60
"""Sightings that a density is learned from at least."""
DIRT = 0.03
"""Share of sightings that are left out as something else's."""
UNTYPICAL = 0.08
"""Share of the skin's own sightings that do not look like skin."""
HAIR_DIRT = 0.25
"""The same of hair, beside which forehead and background are seen where the head is a little off."""
HANDS_SPREAD = 5.0
"""Of a and b in CIELAB, up to which hands are of one colour."""
HANDS_APART = 12.0
"""Distance in a and b up to which that is the face's."""
CLIP = 3.0
"""Nats that one sighting says at most."""
CLIP_ALONE = 0.7
"""The same where skin is compared with nothing; even for and against, since most of skin is hardly more likely than this."""
SURE = 0.35
"""Nats per bin from which a change along a limb is believed."""
OWN = 1.5
"""Nats by which a colour that is a garment's own speaks for it and against skin."""
DIFFERENT = 0.15
"""Share of its sightings that must have such colours, or lengths are unknown."""
APART = 0.4
"""Nats per bin that two lengths must explain better than one for left and right to differ."""
BOUNDS = np.linspace(0.0, 2.0, 21)
"""Of the bins along an arm or a leg."""
SHORTEST = 0.25
"""Place along the leg down to which something is worn."""
BARE_SHINS = 1.6
"""Trousers that end before this place leave something of the shins bare."""


NEVER_HAIR = (-8.0, -17.0)
"""a and b in CIELAB below which no hair grows: such a crown is covered."""
COLLAR = 0.06
"""m; nearer to the neck may be skin."""
SKIRT = 0.7
"""Share of the space between the thighs that has to be filled with the garment's colours in a skirt."""


@dataclass(frozen=True)
class Outfit:
    """What is worn, and how far it reaches in the places of ``Anatomy``; None where the colours do not tell."""

    sleeves: tuple[Split, Split] | None
    trousers: tuple[Split, Split] | None
    socks: float | None
    """Where socks begin below a bare shin; None also if there are none."""
    waist: float | None
    barefoot: bool
    topless: bool
    skirt: bool
    hat: bool

    @property
    def names(self) -> dict[str, str]:
        """CIHP-20 labels of materials where they are other than usual; a skirt of the upper garment's colours is a dress."""
        names = {"hair": "hat"} if self.hat else {}
        if self.skirt and self.waist is None and not self.topless:
            return names | {"upper": "dress", "lower": "dress"}
        return names | ({"lower": "skirt"} if self.skirt else {})

    def __str__(self) -> str:
        """In words."""

        def ends(splits: tuple[Split, Split] | None) -> str:
            return "unknown" if splits is None else "/".join(f"{split.place:.1f}" for split in splits)

        words = [f"sleeves {'none' if self.topless else ends(self.sleeves)}", f"trousers {ends(self.trousers)}"]
        words.append(f"waist {'unknown' if self.waist is None else f'{self.waist:.2f}'}")
        words += [f"a {name}" for name in sorted(set(self.names.values()))]
        words += ["bare feet"] if self.barefoot else []
        words += ["bare torso"] if self.topless else []
        words += [f"socks from {self.socks:.1f}"] if self.socks is not None else []
        return ", ".join(words)


def skin_cells(sightings: Sightings, anatomy: Anatomy) -> np.ndarray:
    """Cells [N] that show this person's skin: cheeks, and hands where they are of one colour near the face's.

    The fit of hands is often off, so that they show sleeves or the scene.
    """
    cheeks = trimmed(sightings.among(anatomy.cheek), 0.25)
    hands = trimmed(sightings.among(anatomy.of(*HANDS)), 0.4)
    if min(len(cheeks), len(hands)) < ENOUGH:
        return cheeks
    tints = [cell_colours()[cell][:, 1:] for cell in (cheeks, hands)]
    middle = [np.median(tint, axis=0) for tint in tints]
    spread = 1.48 * np.median(np.abs(tints[1] - middle[1]), axis=0).max()
    if spread > HANDS_SPREAD or np.linalg.norm(middle[0] - middle[1]) > HANDS_APART:
        return cheeks
    return np.concatenate([cheeks, hands[:: max(1, len(hands) // len(cheeks))]])


def density_where(vertices: np.ndarray, sightings: Sightings, dirt: float = DIRT) -> np.ndarray:
    """Density [CELLS] of what is mostly seen on ``vertices`` [V] bool; all colours alike where that is too little."""
    cell = trimmed(sightings.among(vertices), dirt)
    return log_density(cell if len(cell) >= ENOUGH else cell[:0])


def find_outfit(sightings: Sightings, anatomy: Anatomy, skin: np.ndarray) -> tuple[Outfit, np.ndarray]:
    """What is worn how far, and the log densities [materials,CELLS] of it.

    Each garment's colours are taken from where it surely is; it ends where a change to skin along the limb explains the
    colours best. Colours that are less typical than most of the skin's count against skin.

    Args:
        sightings: Of the person.
        anatomy: Of the person.
        skin: Cells [N] that show skin.
    """
    likely = np.tile(log_density(skin[:0]), (len(MATERIALS), 1))
    likely[HAIR] = density_where(anatomy.of("hair"), sightings, HAIR_DIRT)
    likely[SKIN] = log_density(skin, SHADES)
    typical = float(np.quantile(likely[SKIN][skin], UNTYPICAL)) - 0.5
    torso, arms, legs, feet = (anatomy.of(*parts) for parts in (("torso",), ARMS, LEGS, FEET))
    along = anatomy.along

    def looks_bare(vertices: np.ndarray, share: float) -> bool:
        cell = sightings.among(vertices)
        return len(cell) >= ENOUGH and float((likely[SKIN][cell] > typical).mean()) > share

    def differs(vertices: np.ndarray, garment: np.ndarray) -> bool:
        """Whether the garment seen there has other colours than the skin."""
        cell = sightings.among(vertices)
        return len(cell) > 0 and float((garment - likely[SKIN] > OWN)[cell].mean()) > DIFFERENT

    def gains(limbs: tuple[str, str], garment: np.ndarray | None = None) -> list[np.ndarray]:
        """Evidence for skin along both limbs; without a garment, whether it looks like skin at all."""
        if garment is None:
            evidence = np.clip(likely[SKIN] - typical, -CLIP_ALONE, CLIP_ALONE)
        else:
            evidence = np.clip(likely[SKIN] - np.logaddexp(garment, typical - 1.0), -CLIP, CLIP)
        mean, seen = sightings.mean(evidence), sightings.seen > 0
        return [profile(along[some], mean[some], BOUNDS) for some in (anatomy.of(limb) & seen for limb in limbs)]

    chest, belly = (torso & (anatomy.height > low) & (anatomy.height < low + 0.3) for low in (0.5, 0.2))
    upper_arm, forearm = arms & (along > 0.2) & (along < 1.0), arms & (along > 1.2)
    topless = all(looks_bare(some, 0.6) for some in (chest, belly, upper_arm, forearm))
    if not topless:
        likely[UPPER] = density_where(chest | belly, sightings)
    sleeves = split_sides(gains(ARMS, None if topless else likely[UPPER]), BOUNDS, 0.0, APART)
    if not topless:
        covered = arms & (along < min(split.place for split in sleeves) - 0.1)
        clear = torso & (anatomy.height > 0.15) & (anatomy.to_neck > COLLAR)
        likely[UPPER] = density_where(clear | covered, sightings)
    # the shorts that are surely there show what colours to look for further down
    short = split_sides(gains(LEGS), BOUNDS, SHORTEST, APART)
    end = max(SHORTEST, min(split.place for split in short) - 0.1)
    shorts = legs & (along > max(0.0, end - 1.4)) & (along < end)
    likely[LOWER] = density_where(shorts, sightings)
    trousers = split_sides(gains(LEGS, likely[LOWER]), BOUNDS, SHORTEST, APART)
    sure = [
        splits if min(split.sure for split in splits) > SURE and differs(where, garment) else None
        for splits, where, garment in ((sleeves, torso, likely[UPPER]), (trousers, shorts, likely[LOWER]))
    ]
    shins = max(split.place for split in trousers) < BARE_SHINS
    # bare feet are often in another light than the rest, and shoes of the skin's colours are common
    barefoot = share_of_hue(sightings.among(feet), skin) > 0.7 if shins else looks_bare(feet, 0.9)
    socks = None
    if not barefoot:
        likely[SHOE] = density_where(feet, sightings)
        if shins and sure[1] is not None:
            socks = _socks(gains(LEGS), max(split.place for split in trousers))
            likely[SOCK] = density_where(legs & (along > (2.0 if socks is None else socks)), sightings)
    return (
        Outfit(
            sleeves=sure[0],
            trousers=sure[1],
            socks=socks,
            waist=_waist(sightings, anatomy, likely[SKIN if topless else UPPER], likely[LOWER]),
            barefoot=barefoot,
            topless=topless,
            skirt=shins and sure[1] is not None and _is_filled(sightings, likely[LOWER]),
            hat=_is_hat(sightings.among(anatomy.of("hair"))),
        ),
        likely,
    )


def share_of_hue(cell: np.ndarray, skin: np.ndarray) -> float:
    """Share of cells [N] that have the hue of the cells ``skin`` [M] and are not much paler, in whatever light."""
    if min(len(cell), len(skin)) < ENOUGH:
        return 0.0
    (hue, chroma), (own, strength) = (_hue(cell_colours()[some]) for some in (cell, skin))
    # angles are taken from the middle one, so that none lies across the cut
    middle = float(np.arctan2(np.sin(own).mean(), np.cos(own).mean()))
    away, usual = (np.abs((angle - middle + np.pi) % (2 * np.pi) - np.pi) for angle in (hue, own))
    return float(((away < np.quantile(usual, 0.95)) & (chroma > 0.6 * np.quantile(strength, 0.05))).mean())


def _hue(lab: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Hue, rad, and chroma of colours [N,3]."""
    return np.arctan2(lab[:, 2], lab[:, 1]), np.hypot(lab[:, 1], lab[:, 2])


def _socks(gains: list[np.ndarray], trousers: float) -> float | None:
    """Where bare shins end above the ankle; None if they do not."""
    with np.errstate(invalid="ignore"):
        both = np.where(np.isnan(gains[0]), gains[1], np.where(np.isnan(gains[1]), gains[0], (gains[0] + gains[1]) / 2))
    below = BOUNDS[:-1] >= trousers
    split = best_split(np.where(below, -both, np.nan), BOUNDS, trousers + 0.15, 2.0)
    return split.place if split.sure > SURE and split.place < 1.85 else None


def _is_filled(sightings: Sightings, lower: np.ndarray) -> bool:
    """Whether the lower garment fills the space between the thighs."""
    inside = sightings.gap[sightings.gap != UNSEEN]
    if len(sightings.gap) < ENOUGH or not len(inside):
        return False
    # what a garment of this density mostly shows, against any colour at all
    own = lower[inside] > lower.min() + 1.0
    return int(np.count_nonzero(own)) > SKIRT * len(sightings.gap)


def _is_hat(crown: np.ndarray) -> bool:
    return len(crown) >= ENOUGH and bool((np.median(cell_colours()[crown][:, 1:], axis=0) < NEVER_HAIR).any())


def _waist(sightings: Sightings, anatomy: Anatomy, upper: np.ndarray, lower: np.ndarray) -> float | None:
    """Height of the upper garment's hem, or of the trousers' top; None if their colours do not differ enough."""
    bounds = np.linspace(-0.5, 0.8, 27)
    some = (anatomy.of("torso") | anatomy.of(*LEGS)) & (sightings.seen > 0)
    mean = sightings.mean(np.clip(upper - lower, -CLIP, CLIP))
    split = best_split(profile(anatomy.height[some], mean[some], bounds), bounds, -0.45, 0.5)
    return split.place if split.sure > SURE else None
