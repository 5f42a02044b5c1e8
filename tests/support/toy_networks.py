"""Small networks of the kinds that backends load, made on the spot: their paths are real, their answers are toys'."""

import numpy as np
import pytest


def import_torchvision():
    """torchvision, also PyPI's, which is built for CUDA, beside a torch for CPUs.

    It can be imported once the operators are defined that its missing library would have brought. True where that is so.
    """
    import torch

    try:
        import torchvision
    except RuntimeError:
        import_torchvision.library = library = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        import torchvision  # noqa: F401
    return hasattr(import_torchvision, "library")


def import_ultralytics():
    """Ultralytics' package, or the test is skipped.

    Where torchvision lacks its operators, the package's own non-maximum suppression is lent for the one that it calls.
    """
    pytest.importorskip("ultralytics", reason="ultralytics is not installed here")
    if import_torchvision() and not hasattr(import_ultralytics, "lent"):
        import torchvision.extension
        from ultralytics.utils.nms import TorchNMS

        import_torchvision.library.impl("nms", TorchNMS.nms, "CPU")
        torchvision.extension._has_ops = lambda: True
        import_ultralytics.lent = True
    import ultralytics

    return ultralytics


def yolo(path, generation="yolo11n", task="pose", eager=True):
    """A YOLO of random weights from its yaml; an eager one is sure of a person wherever it looks coarsely."""
    import torch

    torch.manual_seed(0)
    model = import_ultralytics().YOLO(f"{generation}-{'pose' if task == 'pose' else 'seg'}.yaml")
    model.model.names = {**model.model.names, 0: "person"}
    if eager:
        head = model.model.model[-1]
        for classes in {head.cv3[-1], getattr(head, "one2one_cv3", head.cv3)[-1]}:
            classes[-1].bias.data[0] = 3.0
    model.save(path)
    return path


def rtmpose(path, points, size=(192, 256), seed=None):
    """A network of RTMPose's form that finds each point where the picture is brightest, or with a seed where a colour is."""
    onnx = pytest.importorskip("onnx", reason="onnx is not installed here")
    from onnx import TensorProto, helper

    width, height = size
    colours = np.full((points, 3), 1 / 3)
    if seed is not None:
        colours = np.random.default_rng(seed).normal(size=(points, 3))
    nodes = [helper.make_node("Conv", ["input", "colours"], ["heat"])]
    shapes = {}
    for name, side, over in (("x", width, 2), ("y", height, 3)):
        # SimCC has two bins for a pixel
        shapes |= {f"pair_{name}": [1, points, side, 2], f"flat_{name}": [1, points, 2 * side]}
        nodes += [
            helper.make_node("ReduceMax", ["heat"], [f"row_{name}"], axes=[over], keepdims=0),
            helper.make_node("Unsqueeze", [f"row_{name}", "last"], [f"column_{name}"]),
            helper.make_node("Expand", [f"column_{name}", f"pair_{name}"], [f"twice_{name}"]),
            helper.make_node("Reshape", [f"twice_{name}", f"flat_{name}"], [f"simcc_{name}"]),
        ]
    constants = [helper.make_tensor(key, TensorProto.INT64, [len(shape)], shape) for key, shape in shapes.items()]
    constants.append(helper.make_tensor("last", TensorProto.INT64, [1], [3]))
    constants.append(helper.make_tensor("colours", TensorProto.FLOAT, [points, 3, 1, 1], colours.ravel()))
    _save(onnx, path, nodes, {"input": [1, 3, height, width]}, {"simcc_x": None, "simcc_y": None}, constants)
    return path


def matting_onnx(path):
    """A network of RVM's form whose matte is the brightest that each pixel ever was."""
    onnx = pytest.importorskip("onnx", reason="onnx is not installed here")
    from onnx import helper

    states = range(1, 5)
    nodes = [
        helper.make_node("ReduceMean", ["src"], ["grey"], axes=[1], keepdims=1),
        helper.make_node("Max", ["grey", "r1i"], ["pha"]),
        helper.make_node("Identity", ["src"], ["fgr"]),
        helper.make_node("Identity", ["pha"], ["r1o"]),
        # the ratio is taken and changes nothing
        helper.make_node("Mul", ["downsample_ratio", "zero"], ["nothing"]),
        *(helper.make_node("Add", [f"r{state}i", "nothing"], [f"r{state}o"]) for state in states if state > 1),
    ]
    given = {"src": [1, 3, "h", "w"], **{f"r{state}i": [1, 1, f"h{state}", f"w{state}"] for state in states}}
    constants = [helper.make_tensor("zero", onnx.TensorProto.FLOAT, [1], [0.0])]
    outputs = dict.fromkeys(("fgr", "pha", *(f"r{state}o" for state in states)))
    _save(onnx, path, nodes, {**given, "downsample_ratio": [1]}, outputs, constants)
    return path


def matting_torchscript(path):
    """The same as ``matting_onnx``."""
    import torch
    from torch import Tensor

    class Brightest(torch.nn.Module):
        def forward(
            self,
            src: Tensor,
            r1: Tensor | None,
            r2: Tensor | None,
            r3: Tensor | None,
            r4: Tensor | None,
            downsample_ratio: float = 1.0,
        ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
            alpha = src.mean(1, keepdim=True)
            if r1 is not None:
                alpha = torch.maximum(alpha, r1)
            none = torch.zeros(1, 1, 1, 1)
            return src, alpha, alpha, none, none, none

    torch.jit.script(Brightest()).save(str(path))
    return path


def _save(onnx, path, nodes, inputs, outputs, constants):
    from onnx import helper

    def value(name, shape):
        return helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)

    graph = helper.make_graph(
        nodes, "toy", [value(*each) for each in inputs.items()], [value(*each) for each in outputs.items()], constants
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.save(model, str(path))


def dot(width, height, x, y, radius=3):
    """A white dot on black, RGB uint8 [height,width,3], centred at ``(x, y)`` px."""
    rows, columns = np.mgrid[:height, :width] + 0.5
    return np.repeat((np.hypot(columns - x, rows - y) <= radius)[..., None] * np.uint8(255), 3, axis=-1)
