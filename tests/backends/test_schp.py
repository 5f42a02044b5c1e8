"""Self-Correction for Human Parsing: the published names, preprocessing, mirror images, scales and fusion."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.support.scenes import film
from understudy.backends.label_sets import mirrored_labels
from understudy.backends.schp import SchpParsing, grown_box, mean_logits, normalised, read_network, square_of
from understudy.backends.schp_network import Norm, ParsingNetwork
from understudy.errors import InputError
from understudy.formats.masks import CIHP, read_alpha, read_parsing
from understudy.parsing.config import ParsingConfig
from understudy.parsing.label import label_parts

LIP, ATR, PEOPLE = "exp-schp-201908261155-lip.pth", "exp-schp-201908301523-atr.pth", "exp_schp_multi_cihp_local.pth"


def published_shapes(labels: int) -> dict[str, tuple[int, ...]]:
    """Shape by name of the published network's weights, in their order."""
    shapes = {}
    for line in Path(__file__).with_name("schp_names.txt").read_text().splitlines():
        if line.startswith("#"):
            continue
        name, *shape = line.replace(" L", f" {labels}").split()
        if shape[0] == "norm":
            shapes |= {f"{name}.{part}": (int(shape[1]),) for part in ("weight", "bias", "running_mean", "running_var")}
        else:
            shapes[name] = tuple(int(length) for length in shape[0].split("x"))
    return shapes


def waves(shapes: dict[str, tuple[int, ...]]) -> dict[str, torch.Tensor]:
    """Weights of these shapes that anybody can make again."""
    weights = {}
    for place, (name, shape) in enumerate(sorted(shapes.items())):
        size = torch.Size(shape)
        wave = torch.sin(torch.arange(size.numel(), dtype=torch.float64) * 1.7 + place).float().reshape(shape)
        if len(shape) == 4:
            weights[name] = wave * (4 / size[1:].numel()) ** 0.5
        elif name.endswith("running_var"):
            weights[name] = 1 + wave / 2
        else:
            weights[name] = 0.4 + wave / 2 if name.endswith("weight") else wave / 10
    return weights


def small(labels: int = 20) -> ParsingNetwork:
    torch.manual_seed(1)
    network = ParsingNetwork(labels, (1, 1, 1, 1), 8)
    for name, value in network.state_dict().items():
        if name.endswith("running_var"):
            value.uniform_(0.5, 1.5)
    return network


def saying(label: int, logit: float, labels: int = 20) -> ParsingNetwork:
    """A network that says ``label`` everywhere."""
    network = small(labels)
    last = network.fushion[-1]
    with torch.no_grad():
        last.weight.zero_()
        last.bias.zero_()
        last.bias[label] = logit
    return network


def save(network: ParsingNetwork, path: Path, **options) -> Path:
    """As SCHP's training saves it."""
    weights = {f"module.{name}": value for name, value in network.state_dict().items()}
    torch.save({"state_dict": weights, "cycle_n": 10}, path, **options)
    return path


@pytest.mark.parametrize("labels", [20, 18])
def test_names_shapes_types_and_order_are_the_published_ones(labels):
    with torch.device("meta"):
        weights = ParsingNetwork(labels).state_dict()
    assert [(name, tuple(value.shape)) for name, value in weights.items()] == list(published_shapes(labels).items())
    assert {value.dtype for value in weights.values()} == {torch.float32}
    assert len(weights) == 603


def test_the_published_network_gives_the_published_answers():
    weights = waves(published_shapes(20))
    network = ParsingNetwork.shaped_as(weights)
    network.load_state_dict(weights)
    picture = torch.sin(torch.arange(3 * 65 * 49) * 0.37).reshape(1, 3, 65, 49)
    with torch.inference_mode():
        answers = network(picture)
    # computed with SCHP's own modules, its norm replaced by the formula of its C++ source
    expected = (
        ((1, 20, 17, 13), [-28.99566, 53.68199, -171.00812, -132.25325, 71.96458, 178.19501, 19.91261, -45.11816]),
        ((1, 20, 17, 13), [-39.60142, 29.59678, -43.57611, -37.49744, 2.88167, 47.94776, 22.96453, -37.80669]),
        ((1, 2, 17, 13), [-0.13058, -1.77402, 1.10912, 1.32637, 0.16761, -0.3358, -1.73547, -0.44192]),
    )
    for answer, (shape, values) in zip(answers, expected, strict=True):
        assert answer.shape == shape
        some = answer.flatten()[:: answer.numel() // 7]
        assert torch.allclose(some, torch.tensor(values), atol=1e-3 * float(answer.std()))


def test_the_norm_scales_by_the_weights_size_and_leaks():
    norm = Norm(2)
    norm.load_state_dict(
        {key: torch.tensor(value) for key, value in
         {"weight": [-2.0, 3.0], "bias": [0.5, -9.0], "running_mean": [1.0, 0.0], "running_var": [4.0, 1.0]}.items()}
    )  # fmt: skip
    out = norm(torch.tensor([5.0, 2.0]).reshape(1, 2, 1, 1)).flatten()
    assert torch.allclose(out, torch.tensor([4.5, -0.03]), atol=1e-4)


@pytest.mark.parametrize("zipped", [True, False])
def test_checkpoints_load_as_published_in_both_of_torchs_formats(zipped, tmp_path):
    network = small()
    picture = torch.randn(1, 3, 65, 65)
    path = save(network, tmp_path / LIP, _use_new_zipfile_serialization=zipped)
    loaded = read_network(path)
    assert torch.equal(loaded(picture)[0], network(picture)[0])
    assert not loaded.training


def test_checkpoints_load_as_the_ones_for_people_and_after_conversion_to_torchs_batch_norm(tmp_path):
    network = small()
    weights = {f"module.{name}": value for name, value in network.state_dict().items()}
    weights["module.bn1.num_batches_tracked"] = torch.tensor(7)
    torch.save(weights, tmp_path / PEOPLE)
    loaded = read_network(tmp_path / PEOPLE).state_dict()
    assert all(torch.equal(loaded[name], value) for name, value in network.state_dict().items())


def test_no_code_in_a_checkpoint_is_run(tmp_path):
    class Harm:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "harm"),)

    torch.save({"state_dict": Harm()}, tmp_path / LIP)
    with pytest.raises(InputError, match="lip.pth"):
        SchpParsing(tmp_path / LIP)
    assert not (tmp_path / "harm").exists()


def test_checkpoints_of_other_networks_are_refused(tmp_path):
    weights = small().state_dict()
    for change in ({"layer1.0.conv1.weight": None}, {"head.weight": torch.zeros(3)}, {"bn2.bias": torch.zeros(9)}):
        wrong = {name: value for name, value in {**weights, **change}.items() if value is not None}
        torch.save(wrong, tmp_path / LIP)
        with pytest.raises(InputError, match="lip.pth"):
            read_network(tmp_path / LIP)
    for content in ({"a": torch.zeros(2)}, [1], {"fushion.3.bias": torch.zeros(2), "bn1.bias": torch.tensor(3.0)}):
        torch.save(content, tmp_path / LIP)
        with pytest.raises(InputError, match="lip.pth"):
            read_network(tmp_path / LIP)


def test_the_label_set_is_told_by_number_and_name_or_stated(tmp_path):
    assert SchpParsing(save(saying(0, 1), tmp_path / LIP)).label_set == "LIP-20"
    assert SchpParsing(save(saying(0, 1), tmp_path / PEOPLE)).label_set == "CIHP-20"
    assert SchpParsing(save(saying(0, 1, 18), tmp_path / "a.pth")).label_set == "ATR-18"
    unnamed = save(saying(0, 1), tmp_path / "b.pth")
    with pytest.raises(InputError, match=r"parsing\.label_set"):
        SchpParsing(unnamed)
    assert SchpParsing(unnamed, label_set="cihp").label_set == "CIHP-20"
    with pytest.raises(InputError, match="20 labels"):
        SchpParsing(unnamed, label_set="ATR-18")
    with pytest.raises(InputError, match="7 labels"):
        SchpParsing(save(saying(0, 1, 7), tmp_path / "exp-schp-201908270938-pascal-person-part.pth"))


@pytest.mark.parametrize(
    ("name", "label", "labels", "expected"),
    [(LIP, 10, 20, "dress"), (PEOPLE, 10, 20, "torso_skin"), (ATR, 10, 18, "right_shoe"), (ATR, 17, 18, "scarf")],
)
def test_what_label_10_is_depends_on_the_set(name, label, labels, expected, tmp_path):
    parsing = SchpParsing(save(saying(label, 3, labels), tmp_path / name), flip=False)
    found = parsing.find_labels(np.full((60, 80, 3), 90, np.uint8), np.array([20.0, 10.0, 40.0, 50.0]))
    assert found.dtype == np.uint8 and found.shape == (60, 80)
    assert set(np.unique(found)) == {0, CIHP.index(expected)}
    rows, columns = np.nonzero(found)
    # the box grown by a fifth
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (6, 53, 18, 41)


def test_pictures_reach_the_network_blue_first_and_normalised():
    picture = np.zeros((1, 2, 3), np.uint8)
    picture[0, 0] = (255, 0, 51)
    out = normalised(picture)
    assert out.shape == (3, 1, 2)
    assert torch.allclose(out[:, 0, 0], torch.tensor([(0.2 - 0.406) / 0.225, -0.456 / 0.224, (1 - 0.485) / 0.229]))
    assert torch.allclose(out[:, 0, 1], torch.tensor([-0.406 / 0.225, -0.456 / 0.224, -0.485 / 0.229]))


@pytest.mark.parametrize(
    ("size", "side", "expected"),
    [
        ((101, 301), 473, [[1.57333, 0, 157.33333], [0, 1.57333, 0]]),
        ((641, 201), 512, [[0.79844, 0, 0], [0, 0.79844, 175.65625]]),
    ],
)
def test_pictures_are_placed_in_the_square_as_published(size, side, expected):
    assert np.allclose(square_of(*size, side), expected, atol=1e-5)


def test_the_grown_box_stays_inside_the_picture():
    assert grown_box(np.array([0.0, 10.0, 50.0, 90.0]), 54, 95) == (0, 2, 54, 95)


def test_labels_of_a_mirror_image_are_the_mirrored_labels():
    network, picture, mirror = small(), torch.randn(3, 65, 65), mirrored_labels("LIP-20")
    with torch.inference_mode():
        one, other = (mean_logits(network, each, (1.0, 0.5), mirror) for each in (picture, picture.flip(-1)))
        alone = mean_logits(network, picture)
    assert one.shape == (20, 65, 65)
    assert torch.allclose(other, one[mirror].flip(-1), atol=1e-5)
    assert not torch.allclose(one, alone, atol=1e-2)


def test_scales_are_averaged_at_the_pictures_size():
    seen = []

    def network(batch):
        seen.append(batch.shape)
        return (torch.full((1, 2, 5, 5), float(batch.shape[-1])),)

    out = mean_logits(network, torch.zeros(3, 40, 40), (0.5, 1.0, 1.5))
    assert seen == [(1, 3, 20, 20), (1, 3, 40, 40), (1, 3, 60, 60)]
    assert out.shape == (2, 40, 40) and torch.allclose(out, torch.tensor(40.0))


class Reddish:
    """Stands in for a network: face where the picture is red, pants where it is green, background where it is black."""

    def __init__(self):
        self.seen = []

    def __call__(self, batch):
        self.seen.append(batch[0])
        blue, green, red = torch.nn.functional.avg_pool2d(batch, 4).unbind(1)
        logits = torch.zeros(len(batch), 20, *red.shape[-2:])
        logits[:, 13], logits[:, 9] = red, green
        return (logits,)


def test_answers_lie_where_the_person_is_and_surroundings_are_not_seen(tmp_path):
    parsing = SchpParsing(save(saying(0, 1), tmp_path / LIP))
    parsing.local = network = Reddish()
    image = np.zeros((200, 300, 3), np.uint8)
    image[:, 220:] = 255  # somebody in white
    image[60:100, 130:150, 0] = 255
    image[100:150, 130:150, 1] = 255
    labels = parsing.find_labels(image, np.array([130.0, 60.0, 150.0, 150.0]))
    for name, rows in (("face", (60, 100)), ("pants", (100, 150))):
        found = np.zeros((200, 300), bool)
        found[rows[0] : rows[1], 130:150] = True
        same = labels == CIHP.index(name)
        assert (same & found).sum() / (same | found).sum() > 0.9
    black = normalised(np.zeros((1, 1, 3), np.uint8))
    assert network.seen[0].shape == (3, 473, 473)
    assert torch.allclose(network.seen[0][:, :, :100], black)


def test_local_and_global_answers_are_added(tmp_path):
    image, box = np.zeros((40, 40, 3), np.uint8), np.array([10.0, 10.0, 20.0, 30.0])
    local = save(saying(5, 1.0), tmp_path / PEOPLE)
    alone = SchpParsing(local)
    assert alone.whole is alone.local
    assert alone.find_labels(image, box)[20, 15] == 5
    save(saying(9, 2.0), tmp_path / PEOPLE.replace("local", "global"))
    assert SchpParsing(local).find_labels(image, box)[20, 15] == 9
    assert SchpParsing(save(saying(5, 1.0), tmp_path / LIP)).whole is None


def test_the_whole_picture_answers_in_the_persons_place(tmp_path):
    parsing = SchpParsing(save(saying(0, 0.0), tmp_path / PEOPLE))
    parsing.whole = Reddish()
    image = np.zeros((100, 200, 3), np.uint8)
    image[40:60, 150:170, 0] = 255
    labels = parsing.find_labels(image, np.array([140.0, 30.0, 180.0, 70.0]))
    face = np.zeros((100, 200), bool)
    face[40:60, 150:170] = True
    same = labels == CIHP.index("face")
    assert (same & face).sum() / (same | face).sum() > 0.85


def test_a_box_outside_the_picture_has_no_labels(tmp_path):
    parsing = SchpParsing(save(saying(5, 1.0), tmp_path / LIP))
    assert not parsing.find_labels(np.zeros((30, 30, 3), np.uint8), np.array([50.0, 5.0, 80.0, 20.0])).any()


def test_the_stage_labels_the_silhouette_and_nothing_else(tmp_path):
    scene = film(tmp_path, [0.0, np.pi])
    weights = save(saying(12, 1.0), tmp_path / LIP)
    config = ParsingConfig(backend="schp", scales=(0.5, 1.0))
    label_parts(scene.frames, scene.alpha_folder, scene.track, scene.body, tmp_path / "parsing", config, weights)
    for index in range(2):
        mask = read_alpha(scene.alpha_folder, index) >= 128
        assert np.array_equal(read_parsing(tmp_path / "parsing", index), mask * np.uint8(CIHP.index("skirt")))
