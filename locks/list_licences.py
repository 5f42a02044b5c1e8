"""Write the licence of every package in locks/ into NOTICE: ``python locks/list_licences.py``, or ``make lock``.

They come from the metadata of what is installed; where that names none in a word, and for what only machines with a GPU install,
from LICENCES below.
"""

import re
import sys
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEADINGS = {
    "build": "They install the others",
    "torch": "PyTorch",
    "cuda": "With PyTorch's build for NVIDIA GPUs",
    "run": "All else of the workflow and its default stages",
    "gsplat": "Optional: gsplat",
    "slurm": "Optional: the SLURM profile",
    "dev": "Tests and checks, never at work in a run",
}
TITLE = "Python packages of the locks (locks/*.lock), as locks/list_licences.py reads them"
PIN = re.compile(r"^([\w.-]+)==([^\s;]+)", re.M)
NVIDIA = "NVIDIA's own, proprietary: to be used and, in part, passed on by its terms"
ALIKE = {
    "Apache-2.0": "cuda-bindings cuda-pathfinder gsplat ninja pip-api wadler-lindig",
    "BSD-3-Clause": "colorama contourpy cycler gitdb jinja2 kiwisolver mpmath nbformat nodeenv pandas pyreadline3 scikit-image "
    "sympy traitlets",
    "BSD-3-Clause; in it OpenBLAS (BSD-3-Clause), libgfortran (GPL-3.0 with GCC exception)": "numpy scipy",
    "MIT": "conda-inject jaxtyping pytokens snakemake-interface-common snakemake-interface-logger-plugins "
    "snakemake-interface-report-plugins snakemake-interface-scheduler-plugins snakemake-interface-storage-plugins throttler "
    "trimesh triton",
}
LICENCES = {name: licence for licence, names in ALIKE.items() for name in names.split()} | {
    "av": "BSD-3-Clause; in it FFmpeg and others, see above",
    "cuda-toolkit": "names other packages, holds nothing",
    "docutils": "public domain, BSD-2-Clause, PSF-2.0; one file GPL-3.0 (an Emacs mode)",
    "matplotlib": "Matplotlib's, like PSF-2.0",
    "numba": "BSD-2-Clause",
    "nvidia-nccl-cu13": "BSD-3-Clause, by its metadata proprietary",
    "nvidia-nvtx": "Apache-2.0 WITH LLVM-exception, by its metadata Apache 2.0",
    "opencv-python-headless": "Apache-2.0; in it FFmpeg and others, see above",
    "packaging": "Apache-2.0 OR BSD-2-Clause",
    "pathspec": "MPL-2.0",
    "pulp": "MIT; in it CBC (EPL-1.0)",
    "smplx": "Max Planck, non-commercial research alone; for parity tests",
    "viser": "Apache-2.0, by its metadata MIT",
}
"""Read in the packages' own licence files."""
SPDX = {
    "Apache 2.0": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache License v2.0": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "3-Clause BSD License": "BSD-3-Clause",
    "MIT License": "MIT",
    "PSFL": "PSF-2.0",
}


def main() -> None:
    """Replace the last part of NOTICE."""
    notice = ROOT / "NOTICE"
    before = notice.read_text().split(TITLE)[0]
    notice.write_text(f"{before}{TITLE}\n{'-' * len(TITLE)}\n" + "\n".join(map(section, HEADINGS)))


def section(lock: str) -> str:
    """The rows of one lock."""
    pins = sorted(PIN.findall((ROOT / f"locks/{lock}.lock").read_text()))
    rows = (f"  {f'{name} {version}':<46}{licence_of(name, version)}\n" for name, version in pins)
    return f"{HEADINGS[lock]}:\n{''.join(rows)}"


def licence_of(name: str, version: str) -> str:
    """The licence of a package, in a word where it can be."""
    if name in LICENCES:
        return LICENCES[name]
    if name.startswith("nvidia-"):
        return NVIDIA
    try:
        said = metadata(name)
    except PackageNotFoundError:
        sys.exit(f"error: {name} is not installed here, so its licence cannot be read: name it in LICENCES")
    if said["Version"].split("+")[0] != version:
        sys.exit(f"error: {name} {said['Version']} is installed, {version} is locked; run: make .venv/.ready-dev")
    classifiers = [line.split(" :: ")[-1] for line in said.get_all("Classifier", []) if line.startswith("License :: ")]
    found = said["License-Expression"] or said["License"] or " and ".join(classifiers)
    if not found or "\n" in found or found in ("UNKNOWN", "BSD", "BSD License"):
        sys.exit(f"error: the metadata of {name} do not name its licence; read it, and name it in LICENCES")
    return SPDX.get(found, found)


if __name__ == "__main__":
    main()
