"""Anny's bodies, sampled over adults. Needs the package ``anny``; nothing else in the library does.

Source: Brégier et al., Human Mesh Modeling for Anny Body (arXiv 2511.03589); code Apache-2.0, its MakeHuman data CC0.
"""

from dataclasses import dataclass

import numpy as np
import torch

from understudy.progress import track

VARIED = {
    "measure-upperarm-length-incr": 0.2, "measure-lowerarm-length-incr": 0.2, "measure-upperleg-height-incr": 0.2,
    "measure-lowerleg-height-incr": 0.2, "measure-napetowaist-dist-incr": 0.2, "measure-neck-height-incr": 0.25,
    "measure-shoulder-dist-incr": 0.3, "head-scale-horiz-incr": 0.3, "head-scale-vert-incr": 0.3, "head-scale-depth-incr": 0.3,
    "measure-hips-circ-incr": 0.5, "measure-waist-circ-incr": 0.5, "measure-bust-circ-incr": 0.4, "measure-neck-circ-incr": 0.5,
    "measure-thigh-circ-incr": 0.5, "measure-calf-circ-incr": 0.5, "measure-upperarm-circ-incr": 0.5,
    "torso-scale-depth-incr": 0.4, "stomach-tone-incr": 0.4,
}  # fmt: skip
"""Anny's local changes that are varied besides its phenotypes, and their standard deviations.

Phenotypes alone tie limb lengths to stature. A value of one moves a limb's end by 5 to 10 cm and a girth by 2 to 4 cm; these
deviations give 1 to 2 cm, about what people of one stature differ by.
"""


@dataclass(frozen=True)
class AnnyBodyConfig:
    """How the free body is built."""

    samples: int = 600
    """Bodies sampled for the shape space."""
    components: int = 16
    """Shape components kept."""
    youngest: float = 18.0
    """Lower bound of the sampled age, years."""
    oldest: float = 75.0
    """Upper bound of the sampled age, years."""
    seed: int = 0
    """Seed of the sampling."""


@dataclass(frozen=True)
class AnnySamples:
    """Anny in its own A-pose, axes turned to y up and facing +z. Metres."""

    vertices: np.ndarray  # [S,V,3]
    heads: np.ndarray  # [S,N,3]
    labels: tuple[str, ...]  # [N] of bones
    bone_parents: np.ndarray  # [N]
    bone_weights: np.ndarray  # [V,N]
    faces: np.ndarray  # [F,3]
    vt: np.ndarray  # [VT,2]
    ft: np.ndarray  # [F,3]
    regions: np.ndarray  # [F] of str
    coco: dict[str, np.ndarray]  # name to weights [V]


def sample_anny(config: AnnyBodyConfig) -> AnnySamples:
    """Sample adults from Anny's own shape distribution."""
    import anny
    from anny.face_segmentation import get_face_segmentation_mask
    from anny.shape_distribution import SimpleShapeDistribution

    model = anny.Anny(local_changes=list(VARIED))
    youngest, oldest = (torch.tensor(age, dtype=model.dtype) for age in (config.youngest, config.oldest))
    ages = torch.distributions.Uniform(youngest, oldest)
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(config.seed)
        _, phenotypes = SimpleShapeDistribution(model, morphological_age_distribution=ages).sample(config.samples)
        local = {
            label: (deviation * torch.randn(config.samples, dtype=model.dtype)).clamp(-1.0, 1.0)
            for label, deviation in VARIED.items()
        }
        coefficients = model.get_phenotype_blendshape_coefficients(**phenotypes, local_changes=local)
        rest = [model.get_rest_model(part) for part in track(coefficients.split(50), "sampling bodies")]
        anchor = anny.KeypointsRegressor.coco(model)

    bones = np.zeros((len(model.template_vertices), len(model.bone_labels)))
    np.add.at(
        bones,
        (np.arange(len(bones))[:, None], model.vertex_bone_indices.numpy()),
        model.vertex_bone_weights.numpy(),
    )
    regions = np.full(len(model.faces), "body", dtype="<U16")
    for region in (
        "head",
        "mouth_cavity",
        "tongue",
        *(f"{eye}.{s}" for eye in ("eye_cavity", "eye_back", "eye_front") for s in "LR"),
    ):
        regions[get_face_segmentation_mask(model, [region]).numpy()] = region
    used, ft = np.unique(model.face_texture_coordinate_indices.numpy(), return_inverse=True)
    return AnnySamples(
        vertices=_turn(torch.cat([r["rest_vertices"] for r in rest]).numpy()),
        heads=_turn(torch.cat([r["rest_bone_heads"] for r in rest]).numpy()),
        labels=tuple(model.bone_labels),
        bone_parents=np.array([-1 if parent is None else parent for parent in model.bone_parents]),
        bone_weights=bones,
        faces=model.faces.numpy(),
        vt=model.texture_coordinates.numpy()[used],
        ft=ft.reshape(-1, 3),
        regions=regions,
        coco=dict(zip(anchor.labels, anchor.regression_weights.numpy(), strict=True)),
    )


def _turn(points: np.ndarray) -> np.ndarray:
    """From Anny's axes (z up, facing -y) to y up, facing +z."""
    return np.stack([points[..., 0], points[..., 2], -points[..., 1]], axis=-1)
