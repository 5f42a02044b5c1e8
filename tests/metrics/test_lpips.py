"""LPIPS against torchmetrics' own, on a network of random weights."""

from pathlib import Path

import pytest
import torch
from torch import nn
from torchmetrics.functional.image import lpips as theirs

from understudy.errors import InputError
from understudy.metrics.lpips import Lpips


def random_features() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 64, 11, 4, 2), nn.ReLU(), nn.MaxPool2d(3, 2),
        nn.Conv2d(64, 192, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2),
        nn.Conv2d(192, 384, 3, padding=1), nn.ReLU(), nn.Conv2d(384, 256, 3, padding=1), nn.ReLU(),
        nn.Conv2d(256, 256, 3, padding=1), nn.ReLU(),
    )  # fmt: skip


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of weights: random ones of AlexNet, and LPIPS's own, which torchmetrics carries."""
    folder = tmp_path_factory.mktemp("lpips")
    state = {f"features.{name}": value for name, value in random_features().state_dict().items()}
    torch.save(state, folder / "alexnet-owt-7be5be79.pth")
    own = Path(theirs.__file__).with_name("lpips_models") / "alex.pth"
    (folder / "alex.pth").write_bytes(own.read_bytes())
    return folder


def pictures() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    truth = torch.rand(90, 64, 3, generator=generator)
    return (truth + 0.1 * torch.randn(truth.shape, generator=generator)).clamp(0, 1), truth


@pytest.mark.parametrize("scaled", [True, False])
def test_agrees_with_torchmetrics(weights: Path, monkeypatch: pytest.MonkeyPatch, scaled: bool):
    monkeypatch.setattr(theirs, "_get_tv_model_features", lambda net, pretrained: random_features())
    network = theirs._LPIPS(pretrained=True, net="alex", pnet_rand=True)
    picture, truth = pictures()
    with torch.no_grad():
        expected = float(network(*(p.movedim(-1, 0)[None] for p in (picture, truth)), normalize=scaled))
    assert expected > 1e-3
    assert Lpips.load(weights)(picture, truth, scaled) == pytest.approx(expected, rel=1e-4)


def test_equal_pictures_have_distance_zero_and_small_ones_are_refused(weights: Path):
    lpips = Lpips.load(weights)
    picture, _ = pictures()
    assert lpips(picture, picture) == 0.0
    assert lpips(picture[:31, :31], picture[:31, :31].flip(0)) > 0
    with pytest.raises(ValueError, match="at least 31x31"):
        lpips(picture[:30], picture[:30])


def test_missing_and_foreign_weights_are_refused(weights: Path, tmp_path: Path):
    with pytest.raises(InputError, match=r"has no alexnet\*\.pth"):
        Lpips.load(tmp_path)
    (tmp_path / "alexnet.pth").write_bytes((weights / "alex.pth").read_bytes())
    with pytest.raises(InputError, match=r"has no alex\.pth"):
        Lpips.load(tmp_path)
    (tmp_path / "alex.pth").write_bytes((weights / "alex.pth").read_bytes())
    with pytest.raises(InputError, match="another network"):
        Lpips.load(tmp_path)
    (tmp_path / "alex.pth").write_bytes(b"no weights")
    with pytest.raises(InputError, match="not a readable file of weights"):
        Lpips.load(tmp_path)
