"""States of the original programs: their names and shapes, and that they become our avatars."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from tests.support.bodies import sausage_body
from understudy.avatar.instant_nvr import published as nvr
from understudy.avatar.instant_nvr.parts import MOVES, SIZES
from understudy.avatar.neural_capture import published as ntc
from understudy.errors import InputError

FRAMES = 3


def nvr_state():
    """Names and shapes of instant-nvr's ``net`` as its configuration for ZJU-MoCap has them."""
    shapes = {}
    hidden = {0: 2, 1: 1, 2: 2, 3: 1, 4: 1}
    for number, size in enumerate(SIZES["published"].values()):
        part, grid = f"tpose_human.part_networks.{number}", size.grid
        dense = int((grid.sides[grid.dense] ** 3).sum())
        shapes |= {
            f"{part}.rgb_latent": (FRAMES, 8),
            f"{part}.embedder.bounds": (2, 3),
            f"{part}.embedder.entries_size": (16,),
            f"{part}.embedder.entries_num": (16,),
            f"{part}.embedder.offsets": (8, 3),
            f"{part}.embedder.dense": (dense, 16),
            f"{part}.embedder.hash": (16 - int(grid.dense.sum()), int(grid.rows[-1]), 16),
            f"{part}.embedder_dir.embedder.freq_bands": (4, 2, 1),
            f"{part}.occ.linears.0.weight": (64, 19),
            f"{part}.occ.linears.0.bias": (64,),
            f"{part}.occ.linears.1.weight": (17, 64),
            f"{part}.occ.linears.1.bias": (17,),
        }
        sizes = [70, *[64] * hidden[number], 3]
        for layer, (inputs, outputs) in enumerate(pairwise(sizes)):
            shapes[f"{part}.rgb.linears.{layer}.weight"] = (outputs, inputs)
            shapes[f"{part}.rgb.linears.{layer}.bias"] = (outputs,)
    dense = int((MOVES.sides[MOVES.dense] ** 3).sum())
    hashed = 8 - int(MOVES.dense.sum())
    shapes |= {"tpose_deformer.embedder.dense": (dense, 2), "tpose_deformer.embedder.bounds": (2, 3)}
    shapes["tpose_deformer.embedder.hash"] = (hashed, 16411, 2)
    for number, shape in ((0, (32, 19)), (2, (32, 32)), (4, (3, 32))):
        shapes |= {f"tpose_deformer.mlp.{number}.weight": shape, f"tpose_deformer.mlp.{number}.bias": shape[:1]}
    return shapes


def ntc_states(vertices):
    """Names and shapes of Neural Capture's three states, with the direction feature."""
    embedding = {"latent": (vertices, 16), "body_betas.weight": (FRAMES, 10), "body_poses.weight": (FRAMES, 72)}
    for number, shape in ((0, (128, 700)), (2, (128, 128)), (4, (128, 128))):
        embedding |= {f"aggregate.{number}.weight": shape, f"aggregate.{number}.bias": shape[:1]}
    model = {}
    for number in range(0, 12, 2):
        model |= {f"nerf.{number}.weight": (256, 155 if number == 0 else 256), f"nerf.{number}.bias": (256,)}
    for head, count in (("sigma_output", 1), ("rgb_output", 3)):
        model |= {f"{head}.0.weight": (256, 256), f"{head}.0.bias": (256,)}
        model |= {f"{head}.2.weight": (count, 256), f"{head}.2.bias": (count,)}
    return {"model": model, "model_fine": model, "model_emb": embedding}


def filled(shapes, seed):
    generator = torch.Generator().manual_seed(seed)
    return {name: 0.1 * torch.randn(shape, generator=generator) for name, shape in shapes.items()}


@pytest.fixture(scope="module")
def small_tables():
    """The published sizes with tables of few rows: the whole ones take two gigabytes."""
    return {name: replace(size, grid=replace(size.grid, log2_rows=9)) for name, size in SIZES["published"].items()}


def rest(body):
    return body.rest_rotations.expand(FRAMES, -1, -1, -1)


def test_instant_nvrs_state_becomes_an_avatar(tmp_path, monkeypatch, small_tables):
    monkeypatch.setitem(SIZES, "published", small_tables)
    body, state = sausage_body(), filled(nvr_state(), 0)
    torch.save({"net": state, "epoch": 5}, tmp_path / "latest.pth")
    betas, times = np.zeros(body.num_betas, np.float32), torch.arange(FRAMES) / FRAMES
    avatar = nvr.load_published(tmp_path / "latest.pth", body, betas, rest(body), times)
    first = "tpose_human.part_networks.2"
    assert torch.equal(avatar.part_fields[2].box, state[f"{first}.embedder.bounds"])
    assert torch.equal(avatar.part_fields[2].latents, state[f"{first}.rgb_latent"])
    dense = state[f"{first}.embedder.dense"]
    assert torch.equal(avatar.part_fields[2].grid.table[: len(dense)], dense)
    hashed = state[f"{first}.embedder.hash"]
    assert torch.equal(avatar.part_fields[2].grid.table[-len(hashed[-1]) :], hashed[-1])
    assert not avatar.space.prior


def test_another_number_of_frames_is_refused_in_a_sentence(tmp_path, monkeypatch, small_tables):
    monkeypatch.setitem(SIZES, "published", small_tables)
    body = sausage_body()
    torch.save({"net": filled(nvr_state(), 0)}, tmp_path / "latest.pth")
    betas, moments = np.zeros(body.num_betas, np.float32), body.rest_rotations.expand(FRAMES + 1, -1, -1, -1)
    with pytest.raises(InputError, match=r"latest\.pth is no checkpoint of instant-nvr .* for 4 frames"):
        nvr.load_published(tmp_path / "latest.pth", body, betas, moments, torch.zeros(FRAMES + 1))


def test_neural_captures_state_becomes_an_avatar(tmp_path):
    body = sausage_body()
    states = {
        name: filled(shapes, seed) for seed, (name, shapes) in enumerate(ntc_states(len(body.v_template)).items())
    }
    torch.save({"global_step": 5, **states}, tmp_path / "005000.tar")
    avatar = ntc.load_published(tmp_path / "005000.tar", body, rest(body))
    assert torch.equal(avatar.codes, states["model_emb"]["latent"])
    assert torch.equal(avatar.fine.trunk.linears[5].weight, states["model_fine"]["nerf.10.weight"])
    assert torch.equal(avatar.coarse.color.linears[1].bias, states["model"]["rgb_output.2.bias"])
    assert torch.equal(avatar.neighbourhood.network.linears[2].weight, states["model_emb"]["aggregate.4.weight"])


@pytest.mark.parametrize(
    "load", [ntc.load_published, lambda *a: nvr.load_published(*a[:2], np.zeros(4), a[2], a[2][:, 0, 0, 0])]
)
def test_other_files_are_refused_in_a_sentence(load, tmp_path):
    body = sausage_body()
    torch.save({"something": torch.zeros(3)}, tmp_path / "other.pth")
    with pytest.raises(InputError, match=r"other\.pth"):
        load(tmp_path / "other.pth", body, rest(body))
