import pytest
import torch

from understudy.errors import InputError
from understudy.metrics.perceptual import PerceptualLoss

SHAPES = {0: (64, 3, 3, 3), 2: (64, 64, 3, 3), 5: (128, 64, 3, 3), 7: (128, 128, 3, 3)}


def state(seed=0):
    generator = torch.Generator().manual_seed(seed)
    parts = {}
    for number, shape in SHAPES.items():
        parts[f"features.{number}.weight"] = 0.1 * torch.randn(shape, generator=generator)
        parts[f"features.{number}.bias"] = 0.1 * torch.randn(shape[:1], generator=generator)
    return parts


def plain(parts, picture):
    """Both layers' features by torch's own modules."""
    layers = [torch.nn.Conv2d(shape[1], shape[0], 3, padding=1) for shape in SHAPES.values()]
    for layer, number in zip(layers, SHAPES, strict=True):
        layer.weight.data, layer.bias.data = parts[f"features.{number}.weight"], parts[f"features.{number}.bias"]
    relu, pool = torch.nn.ReLU(), torch.nn.MaxPool2d(2)
    first = relu(layers[1](relu(layers[0](picture.permute(2, 0, 1)[None]))))
    return first, relu(layers[3](relu(layers[2](pool(first)))))


def test_it_is_the_difference_of_the_features_of_two_layers(tmp_path):
    parts = state()
    torch.save(parts, tmp_path / "vgg19.pth")
    picture, truth = torch.rand(2, 20, 24, 3, generator=torch.Generator().manual_seed(1))
    loss = PerceptualLoss.load(tmp_path / "vgg19.pth")
    pairs = zip(plain(parts, picture), plain(parts, truth), strict=True)
    expected = sum((one - other).abs().mean() for one, other in pairs)
    torch.testing.assert_close(loss(picture, truth), expected.detach())
    assert float(loss(picture, picture)) == 0


def test_its_slope_leads_towards_the_truth(tmp_path):
    torch.save(state(), tmp_path / "vgg19.pth")
    loss = PerceptualLoss.load(tmp_path / "vgg19.pth")
    truth = torch.rand(16, 16, 3, generator=torch.Generator().manual_seed(1))
    picture = (truth + 0.1).requires_grad_()
    [slope] = torch.autograd.grad(loss(picture, truth), picture)
    assert float(loss(picture - 0.5 * slope / slope.abs().max() * 0.1, truth)) < float(loss(picture, truth))


@pytest.mark.parametrize("change", [{"features.7.weight": torch.zeros(128, 128, 1, 1)}, {"features.5.bias": None}])
def test_another_networks_weights_are_refused_in_a_sentence(change, tmp_path):
    parts = {name: value for name, value in (state() | change).items() if value is not None}
    torch.save(parts, tmp_path / "other.pth")
    with pytest.raises(InputError, match=r"other\.pth holds weights of another network than VGG-19"):
        PerceptualLoss.load(tmp_path / "other.pth")
