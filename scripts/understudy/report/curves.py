"""Curves of training and of the fit, as SVG that sits inside a page."""

import io
from collections.abc import Mapping, Sequence

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

INK, FAINT, LINE = "#1c2330", "#d7dce5", "#2f6fde"


def curve_svg(
    x: Sequence[float],
    curves: Mapping[str, Sequence[float]],
    x_label: str,
    y_label: str,
    log_y: bool = False,
) -> str:
    """One small chart as an ``<svg>`` element; several curves get a legend."""
    with plt.rc_context({"svg.hashsalt": "understudy", "font.size": 9, "axes.edgecolor": FAINT, "text.color": INK}):
        figure, axes = plt.subplots(figsize=(4.6, 2.5), layout="constrained")
        for number, (name, values) in enumerate(curves.items()):
            axes.plot(x, values, label=name, lw=1.4, color=LINE if number == 0 else f"C{number}")
        axes.set_xlabel(x_label)
        axes.set_ylabel(y_label)
        axes.grid(color=FAINT, lw=0.5)
        axes.spines[["top", "right"]].set_visible(False)
        if log_y:
            axes.set_yscale("log")
        if len(curves) > 1:
            axes.legend(frameon=False)
        text = io.StringIO()
        figure.savefig(text, format="svg", metadata={"Date": None})
        plt.close(figure)
    svg = text.getvalue()
    return svg[svg.index("<svg") :]
