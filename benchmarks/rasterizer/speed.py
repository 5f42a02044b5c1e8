"""Milliseconds of the rasterizers on this machine: a person of Gaussians, forward and backward, and a mesh.

python -m benchmarks.rasterizer.speed [--repeats 10] [--device cpu] [--picture person.png] [--plot cost.png]

Each figure is the least of its repeats, taken in turn for all thread counts: on a busy machine compare within one run.
"""

import argparse
import math
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import trimesh
from PIL import Image
from torch import Tensor

from understudy.render.gaussians import Render, rasterize
from understudy.render.mesh import rasterize_mesh, shade, vertex_normals
from understudy.render.reference import rasterize_reference

CAPSULES = (  # start, end (m, y down), radius
    ((0.0, -0.25, 0.0), (0.0, 0.3, 0.0), 0.16),
    ((0.0, -0.6, 0.0), (0.0, -0.55, 0.0), 0.11),
    ((0.1, 0.35, 0.0), (0.12, 1.0, 0.05), 0.075),
    ((-0.1, 0.35, 0.0), (-0.12, 1.0, -0.05), 0.075),
    ((0.2, -0.25, 0.0), (0.5, 0.2, 0.0), 0.05),
    ((-0.2, -0.25, 0.0), (-0.5, 0.2, 0.0), 0.05),
)
SIZES = ((432, 768), (540, 960))
COUNTS = (5_000, 20_000, 50_000)
PLOT_COUNT = 20_000
PLOT_COUNTS = (1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000)
PLOT_SIZES = ((135, 240), (270, 480), (405, 720), (540, 960), (810, 1440), (1080, 1920))


@dataclass(frozen=True)
class Case:
    """What is timed: the person of so many Gaussians in a picture of (width, height), on so many threads."""

    count: int
    size: tuple[int, int]
    threads: int


def person(count: int, device: str) -> list[Tensor]:
    """Gaussians on a figure of capsules 2.6 m away, flat, about as wide as they lie apart, coloured by place."""
    random = torch.Generator().manual_seed(0)
    starts, ends, radii = (torch.tensor(column) for column in zip(*CAPSULES, strict=True))
    areas = 2 * math.pi * radii * ((ends - starts).norm(dim=1) + 2 * radii)
    which = torch.multinomial(areas, count, replacement=True, generator=random)
    along = torch.rand(count, 1, generator=random)
    outward = torch.nn.functional.normalize(torch.randn(count, 3, generator=random), dim=1)
    means = starts[which] + along * (ends - starts)[which] + radii[which, None] * outward
    spacing = (areas.sum() / count).sqrt()
    scales = (0.3 * torch.randn(count, 3, generator=random)).exp() * spacing * torch.tensor([0.8, 0.8, 0.3])
    # the short axis, z, turned outwards
    quats = torch.stack([1 + outward[:, 2], -outward[:, 1], outward[:, 0], torch.zeros(count)], dim=1)
    opacities = torch.sigmoid(1.5 + torch.randn(count, generator=random))
    colors = 0.5 + 0.5 * torch.sin(torch.tensor([7.0, 5.0, 9.0]) * means + torch.tensor([0.0, 1.0, 2.0]))
    means = means + torch.tensor([0.0, -0.1, 2.6])
    return [tensor.to(device).requires_grad_() for tensor in (means, quats, scales, opacities, colors)]


def camera(size: tuple[int, int]) -> Tensor:
    """A camera that the figure fills."""
    width, height = size
    return torch.tensor([[1.17 * height, 0.0, width / 2], [0.0, 1.17 * height, height / 2], [0.0, 0.0, 1.0]])


def once(render: Callable[..., Render], gaussians: list[Tensor], size: tuple[int, int]) -> tuple[float, float]:
    """Milliseconds of one forward and one backward pass."""
    start = _now(gaussians)
    result = render(*gaussians, camera(size).to(gaussians[0].device), torch.eye(4).to(gaussians[0].device), size)
    between = _now(gaussians)
    gradients = [torch.ones_like(result.rgb), torch.ones_like(result.alpha)]
    begin = _now(gaussians)
    torch.autograd.backward([result.rgb, result.alpha], gradients)
    return 1e3 * (between - start), 1e3 * (_now(gaussians) - begin)


def _now(gaussians: list[Tensor]) -> float:
    if gaussians[0].is_cuda:
        torch.cuda.synchronize()
    return time.perf_counter()


def table_of_gaussians(repeats: int, device: str) -> None:
    """Print forward and backward for each size, count and number of threads."""
    threads = (1, 2) if device == "cpu" else (torch.get_num_threads(),)
    print("| Gaussians | picture |" + "".join(f" forward, {n} thr. | backward, {n} thr. |" for n in threads))
    print("|--:|--:|" + "--:|--:|" * len(threads))
    for size in SIZES:
        for count in COUNTS:
            gaussians = person(count, device)
            least = np.full((len(threads), 2), np.inf)
            for _ in range(repeats):
                for i, number in enumerate(threads):
                    torch.set_num_threads(number)
                    least[i] = np.minimum(least[i], once(rasterize, gaussians, size))
            figures = "".join(f" {value:.1f} |" for value in least.reshape(-1))
            print(f"| {count} | {size[0]}x{size[1]} |{figures}", flush=True)


def plot_costs(repeats: int, device: str, path: Path) -> None:
    """Draw forward and backward against the number of Gaussians, of pixels and of threads, each with the others fixed."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    cores = os.cpu_count() or 1
    threads = sorted({1, 2, *(2**i for i in range(cores.bit_length())), cores}) if device == "cpu" else [1]
    threads = [number for number in threads if number <= cores] or [1]
    size, most = SIZES[-1], threads[-1]
    sweeps: list[tuple[str, list[float], list[Case]]] = [
        ("Gaussians", list(PLOT_COUNTS), [Case(count, size, most) for count in PLOT_COUNTS]),
        (
            "megapixels",
            [width * height / 1e6 for width, height in PLOT_SIZES],
            [Case(PLOT_COUNT, size, most) for size in PLOT_SIZES],
        ),
        ("threads", list(threads), [Case(PLOT_COUNT, size, number) for number in threads]),
    ]
    figure, axes = pyplot.subplots(1, 3, figsize=(13, 4), layout="constrained")
    for axis, (label, places, cases) in zip(axes, sweeps, strict=True):
        least = np.min([[timed(case, device) for case in cases] for _ in range(repeats)], axis=0)
        for column, name in enumerate(("forward", "backward")):
            axis.plot(places, least[:, column], marker="o", label=name)
        axis.set(xlabel=label, xscale="log" if label == "Gaussians" else "linear", ylim=(0, None))
        axis.grid(alpha=0.3)
    axes[-1].set_xticks(threads)
    axes[0].set_ylabel(f"ms, least of {repeats}")
    axes[0].legend(loc="upper left")
    figure.suptitle(
        f"Rasterizer on {device}: {PLOT_COUNT} Gaussians, {size[0]}x{size[1]} px, {most} threads where not said otherwise"
    )
    figure.savefig(path, dpi=120)


def timed(case: Case, device: str) -> tuple[float, float]:
    """Milliseconds of one forward and one backward pass of a case."""
    torch.set_num_threads(case.threads)
    return once(rasterize, person(case.count, device), case.size)


def table_of_the_twin(repeats: int) -> None:
    """Print how many times as long the dense torch twin takes, on a case small enough for it."""
    torch.set_num_threads(2)
    gaussians, size = person(500, "cpu"), (108, 192)
    ours, twin = (
        np.min([once(render, gaussians, size) for _ in range(repeats)], axis=0)
        for render in (rasterize, rasterize_reference)
    )
    print("\n| 500 Gaussians, 108x192, 2 threads | forward | backward |\n|---|--:|--:|")
    print(f"| kernels | {ours[0]:.2f} | {ours[1]:.2f} |\n| dense torch twin | {twin[0]:.1f} | {twin[1]:.1f} |")
    print(f"| ratio | {twin[0] / ours[0]:.0f} | {twin[1] / ours[1]:.0f} |")


def table_of_the_mesh(repeats: int) -> None:
    """Print the z-buffer's time and that of the shaded picture."""
    sphere = trimesh.creation.uv_sphere(radius=0.6, count=[82, 84])
    vertices, faces, size = sphere.vertices * [0.6, 1.3, 0.6] + [0, 0, 2.2], sphere.faces, (540, 960)
    normals, times = vertex_normals(vertices, faces), np.empty((repeats, 2))
    for i in range(repeats):
        start = time.perf_counter()
        render = rasterize_mesh(vertices, faces, camera(size).numpy(), size)
        between = time.perf_counter()
        shade(render, faces, normals)
        times[i] = 1e3 * (between - start), 1e3 * (time.perf_counter() - between)
    print(f"\n| mesh of {len(faces)} triangles, 540x960 | ms |\n|---|--:|")
    print(f"| z-buffer | {times[:, 0].min():.1f} |\n| shading | {times[:, 1].min():.1f} |")


def main() -> None:
    """Run and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=10)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--picture", type=Path, help="write the figure, as a PNG, to look at")
    parser.add_argument(
        "--plot", type=Path, help="draw cost against Gaussians, pixels and threads, as a PNG, and nothing else"
    )
    options = parser.parse_args()
    if options.plot:
        plot_costs(options.repeats, options.device, options.plot)
        return
    if options.picture:
        with torch.no_grad():
            scene = [tensor.detach() for tensor in person(20_000, options.device)]
            rgb = rasterize(*scene, camera(SIZES[0]), torch.eye(4), SIZES[0], torch.ones(3).to(scene[0])).rgb
        Image.fromarray((255 * rgb.clamp(0, 1)).round().byte().cpu().numpy()).save(options.picture)
    table_of_gaussians(options.repeats, options.device)
    if options.device == "cpu":
        table_of_the_twin(options.repeats)
        table_of_the_mesh(options.repeats)


if __name__ == "__main__":
    main()
