"""What a person wears where, from the colours that a whole video shows on the body."""

import logging
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_matrix

from understudy.body.part_labels import MATERIALS
from understudy.parsing.anatomy import ARMS, FEET, HANDS, LEGS, Anatomy
from understudy.parsing.changes import Split
from understudy.parsing.densities import cell_colours
from understudy.parsing.outfit import (
    CLIP,
    ENOUGH,
    HAIR,
    LOWER,
    SHOE,
    SKIN,
    SOCK,
    UPPER,
    Outfit,
    density_where,
    find_outfit,
    skin_cells,
)
from understudy.parsing.sightings import Sightings

logger = logging.getLogger(__name__)

WAIST = 0.08
"""Height of the waist where colours do not tell."""
COLOUR = 1.5
"""Weight of a vertex's colours against its place and its neighbours."""
TRUST = 6.0
"""Sightings from which a vertex's colours count fully."""
SWEEPS = 30
NEVER = 50.0
"""Cost of what cannot be, nats."""


@dataclass(frozen=True, eq=False)
class Clothing:
    """What the person wears."""

    material: np.ndarray  # [V] uint8, index into ``labels.MATERIALS``
    likely: np.ndarray | None  # [materials,CELLS] float32, log density of colours; None where nothing was learned
    outfit: Outfit | None


def learn_clothing(sightings: Sightings, anatomy: Anatomy) -> Clothing:
    """Materials of all vertices; by the parts alone where the skin is not seen.

    1. Skin's colours come from this person's own cheeks and hands, a garment's from where it surely is.
    2. Sleeves, trousers, socks and waist end where a change along the axis explains the colours best.
    3. A Markov random field on the mesh settles each vertex: costs by place, colours, and neighbours.
    """
    skin = skin_cells(sightings, anatomy)
    if len(skin) < ENOUGH:
        logger.info("the colour of the skin is not seen; labels keep to the body's parts")
        return Clothing(material_by_part(anatomy), None, None)
    outfit, likely = find_outfit(sightings, anatomy, skin)
    cost = _cost_of_place(anatomy, outfit)
    pull = _pull(sightings, anatomy.edges)
    material = _settle(cost, likely, sightings, pull)
    for index in (UPPER, LOWER, SHOE):
        likely[index] = density_where(material == index, sightings)
    return Clothing(_settle(cost, likely, sightings, pull), likely, outfit)


def _cost_of_place(anatomy: Anatomy, outfit: Outfit) -> np.ndarray:
    """Cost [V,materials] of each material by where a vertex is, nats."""
    cost = np.full((len(anatomy.part), len(MATERIALS)), NEVER)
    _cost_of_head(cost, anatomy)
    cost[anatomy.of(*HANDS), SKIN] = 0.0
    _cost_of_limbs(cost, anatomy, ARMS, UPPER, None if outfit.topless else outfit.sleeves)
    _cost_of_limbs(cost, anatomy, LEGS, LOWER, outfit.trousers)
    # torso: skin towards the neck, the shirt or skin above the waist, the trousers below
    torso, legs = anatomy.of("torso"), anatomy.of(*LEGS)
    above = SKIN if outfit.topless else UPPER
    cost[torso, SKIN] = 1.0 + anatomy.to_neck[torso] / 0.06
    cost[torso, above] = 0.0
    if outfit.trousers is not None:
        waist = WAIST if outfit.waist is None else outfit.waist
        below = 3.0 * np.tanh((waist - anatomy.height) * anatomy.trunk / 0.04)
        cost[torso, LOWER] = np.maximum(0.0, -below[torso])
        cost[torso, above] = np.maximum(0.0, below[torso])
        if not outfit.topless:
            cost[legs, UPPER] = np.maximum(0.0, below[legs])
            cost[legs, LOWER] = np.maximum(cost[legs, LOWER], -below[legs])
    _cost_of_feet(cost, anatomy, outfit)
    return cost


def _cost_of_feet(cost: np.ndarray, anatomy: Anatomy, outfit: Outfit) -> None:
    feet, legs = anatomy.of(*FEET), anatomy.of(*LEGS)
    if outfit.barefoot:
        cost[feet, SKIN] = 0.0
        return
    instep = feet & (anatomy.along < 2.1)
    cost[feet, SHOE] = 0.0
    cost[instep, SKIN] = 2.0
    if outfit.trousers is not None:
        cost[instep, LOWER] = 1.5
        cost[legs & (anatomy.along > 1.8), SHOE] = 1.5
    if outfit.socks is not None:
        low = legs & (anatomy.along > outfit.socks - 0.1)
        cost[low, SOCK], cost[low, SHOE], cost[low, SKIN] = 0.0, 0.5, 1.5
        cost[instep, SOCK] = 0.5


def _cost_of_head(cost: np.ndarray, anatomy: Anatomy) -> None:
    head, scalp = anatomy.of("face", "inside"), anatomy.of("hair")
    cost[scalp, HAIR], cost[scalp, SKIN] = 0.0, 1.5
    cost[head, SKIN] = 0.0
    near = head & ~anatomy.cheek & (anatomy.to_scalp < 0.06)
    cost[near, HAIR] = 1.0 + anatomy.to_scalp[near] / 0.01
    neck = anatomy.of("neck")
    cost[neck, SKIN], cost[neck, UPPER], cost[neck, HAIR] = 0.0, 1.0, 2.5
    torso = anatomy.of("torso")
    cost[torso, HAIR] = 2.5 + anatomy.to_scalp[torso] / 0.15


def _cost_of_limbs(
    cost: np.ndarray, anatomy: Anatomy, limbs: tuple[str, str], garment: int, ends: tuple[Split, Split] | None
) -> None:
    """Skin after the garment's end and the garment before it; skin where that is unknown."""
    for limb, side in zip(limbs, (0, 1), strict=True):
        some = anatomy.of(limb)
        if ends is None:
            cost[some, SKIN] = 0.0
            continue
        after = 4.0 * np.tanh((anatomy.along[some] - ends[side].place) / 0.15)
        cost[some, SKIN] = np.maximum(0.0, -after)
        cost[some, garment] = np.maximum(0.0, after)


def _pull(sightings: Sightings, edges: csr_matrix) -> csr_matrix:
    """How strongly neighbours [V,V] want to be the same: more where their colours are alike."""
    lab = sightings.median(cell_colours())
    pairs = edges.tocoo()
    apart = np.linalg.norm((lab[pairs.row] - lab[pairs.col]) * [0.5, 1.0, 1.0], axis=1)
    alike = np.where(np.isnan(apart), 1.0, np.exp(-((apart / 10.0) ** 2)))
    return csr_matrix((0.3 + 0.9 * alike, (pairs.row, pairs.col)), edges.shape)


def _settle(cost: np.ndarray, likely: np.ndarray, sightings: Sightings, pull: csr_matrix) -> np.ndarray:
    """Material [V] of every vertex: mean-field marginals of a Potts model on the mesh."""
    best = likely.max(axis=0)
    trust = np.minimum(sightings.seen / TRUST, 1.0)
    colours = np.stack([sightings.mean(np.maximum(table - best, -CLIP)) for table in likely], axis=1)
    own = -cost + COLOUR * trust[:, None] * colours
    share = _softmax(own)
    for _ in range(SWEEPS):
        share = 0.5 * share + 0.5 * _softmax(own + pull @ share)
    return share.argmax(axis=1).astype(np.uint8)


def _softmax(values: np.ndarray) -> np.ndarray:
    powers = np.exp(values - values.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def material_by_part(anatomy: Anatomy) -> np.ndarray:
    """Materials [V] where only the body's parts are known."""
    material = np.full(len(anatomy.part), SKIN, np.uint8)
    material[anatomy.of("hair")] = HAIR
    material[anatomy.of("torso")] = UPPER
    material[anatomy.of(*FEET)] = SHOE
    return material
