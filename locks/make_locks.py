"""Lock all packages, with hashes, for Python 3.11 to 3.13: ``python locks/make_locks.py``, or ``make lock``.

They are for Linux (x86-64, arm64), macOS (arm64) and Windows (x86-64).

Writes the requirements*.txt from envs/pins.toml (tools/write_envs.py), and locks/*.lock from them.
What is locked stays at its version as long as the requirements allow it;
``--upgrade`` takes the newest of all, ``--upgrade NAME`` that of one package and of what it needs anew.
Each lock holds what it adds to those before it, all to be installed with ``pip install --no-deps --require-hashes``:

build    pip and setuptools: they install the rest
torch    PyTorch, whichever of its builds: that of the package index, with CUDA, or its own for CPUs
cuda     what the former needs on top
run      all else of requirements.txt
gsplat   requirements-gsplat.txt
slurm    requirements-slurm.txt
dev      requirements-dev.txt
"""

import argparse
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

from packaging.markers import Marker

ROOT = Path(__file__).resolve().parent.parent
PYTHONS = (11, 12, 13)
"""Minor versions of Python 3."""
PLATFORM = re.compile(r"any|(manylinux\w*|linux)_(x86_64|aarch64)|macosx_\w+_(arm64|universal2)|win_amd64")
"""Platforms of wheels."""
MACHINES = [
    {"python_version": f"3.{minor}", "python_full_version": f"3.{minor}.0", "sys_platform": system, "platform_machine": machine,
     "platform_system": platform, "os_name": "nt" if system == "win32" else "posix"}
    for minor in PYTHONS
    for system, platform, machine in (
        ("linux", "Linux", "x86_64"), ("linux", "Linux", "aarch64"), ("darwin", "Darwin", "arm64"), ("win32", "Windows", "AMD64")
    )
]  # fmt: skip
"""What markers ask about."""
SOURCES = {
    "run": "requirements.txt",
    "gsplat": "requirements-gsplat.txt",
    "slurm": "requirements-slurm.txt",
    "dev": "requirements-dev.txt",
}
PARTS = {
    "build": re.compile("pip$|setuptools$"),
    "torch": re.compile("torch$"),
    "cuda": re.compile("(cuda|nvidia)-|triton$"),
}
"""Packages of requirements.txt with a lock of their own."""
STAND_INS = ("opencv-contrib-python", "opencv-python")
"""Asked for by rtmlib, never installed: opencv-python-headless has all of their files that we use, and needs no libGL, which a
slim machine lacks."""
FROM_SOURCE = {"connection-pool"}
"""Published without a wheel; their setup.py was read."""
TORCH_FOR_CPUS = {
    "2.13.0": (
        "6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b",
        "4ca4a9394b0c771238a4f73590fdbbc4debad85ed0fa63d026ae1b085da7d6e2",
    ),
}
"""SHA-256 of PyTorch's own builds for CPUs (2.13.0+cpu) for Python 3.11 and 3.12; they are in its index, not in the package
index."""
PIN = re.compile(r"^([\w.-]+)==([^\s;]+)", re.M)

Files = dict[tuple[str, str, str], set[str]]
"""Name and version of a package and where it is for, to the hashes of its files."""


def main() -> None:
    """Write all locks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--upgrade", nargs="?", const=True, default=False, metavar="NAME")
    upgrade = parser.parse_args().upgrade
    if subprocess.run([sys.executable, ROOT / "tools/write_envs.py"]).returncode:
        sys.exit(1)
    locked = dict(pin for path in (ROOT / "locks").glob("*.lock") for pin in PIN.findall(path.read_text()))
    preferred = {} if upgrade is True else {name: version for name, version in locked.items() if name != upgrade}
    before: Files = {}
    for name, source in SOURCES.items():
        found = resolve(source, before, preferred)
        added = {package: files for package, files in found.items() if package not in before}
        before |= added
        for part, names in PARTS.items() if name == "run" else ():
            write(part, source, {each: added.pop(each) for each in list(added) if names.match(each[0])})
        write(name, source, added)


def resolve(source: str, before: Files, preferred: dict[str, str]) -> Files:
    """All packages of ``source`` and of what is locked before it, for all Pythons and platforms."""
    with tempfile.TemporaryDirectory() as folder:
        output, overrides, fixed = (Path(folder) / name for name in ("pylock.toml", "overrides.txt", "fixed.txt"))
        overrides.write_text("".join(f"{name}; sys_platform == 'none'\n" for name in STAND_INS))
        fixed.write_text("".join(f"{name}=={version}{where}\n" for name, version, where in before))
        output.write_text(as_pylock(preferred))
        command: list[str | Path] = [sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--no-header"]
        command += ["--universal", "--fork-strategy", "fewest", "--python-version", f"3.{PYTHONS[0]}"]
        command += ["--format", "pylock.toml", "--output-file", output, "--override", overrides, source, fixed]
        if subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL).returncode:
            sys.exit(f"error: {source} has no solution; see above, and try --upgrade")
        packages = tomllib.loads(output.read_text())["packages"]
    return {
        (each["name"], each["version"], place): hashes_of(each)
        for each in packages
        if (place := marker(each.get("marker", ""))) is not None
    }


def marker(condition: str) -> str | None:
    """What keeps a package to some of our platforms, as a requirement ends; None where it is for none of them."""
    wanted = [not condition or Marker(condition).evaluate(machine) for machine in MACHINES]
    if not any(wanted):
        return None
    for systems in (
        "",
        *(f"sys_platform {sign} '{name}'" for sign in ("==", "!=") for name in ("linux", "win32", "darwin")),
    ):
        if wanted == [not systems or Marker(systems).evaluate(machine) for machine in MACHINES]:
            return f" ; {systems}" if systems else ""
    return f" ; {condition}"


def as_pylock(versions: dict[str, str]) -> str:
    """A lock that uv keeps to where it can."""
    packages = (f'[[packages]]\nname = "{name}"\nversion = "{version}"\n' for name, version in versions.items())
    return "\n".join(['lock-version = "1.0"\ncreated-by = "make_locks"\n', *packages])


def hashes_of(package: dict) -> set[str]:
    """SHA-256 of a package's files that may be installed: wheels; its source only where there is no other way."""
    name, version = package["name"], package["version"]
    files = [file for file in package.get("wheels", []) if is_for_us(file["url"].rpartition("/")[2])]
    if name in FROM_SOURCE:
        files = [package["sdist"]]
    if not files:
        sys.exit(f"error: {name} {version} has no wheel; read its setup.py, then name it in FROM_SOURCE")
    hashes = {file["hashes"]["sha256"] for file in files}
    if name == "torch":
        if version not in TORCH_FOR_CPUS:
            sys.exit(f"error: the hashes of torch {version}+cpu are missing in TORCH_FOR_CPUS")
        hashes |= set(TORCH_FOR_CPUS[version])
    return hashes


def is_for_us(wheel: str) -> bool:
    """Whether a file is a wheel for one of our Pythons and platforms."""
    pythons, abis, platforms = wheel.removesuffix(".whl").split("-")[-3:]
    return any(
        (python.startswith("py3") or abi == "abi3" or python in {f"cp3{minor}" for minor in PYTHONS})
        and not abi.endswith("t")
        and PLATFORM.fullmatch(platform)
        for python in pythons.split(".")
        for abi in abis.split(".")
        for platform in platforms.split(".")
    )


def write(name: str, source: str, packages: Files) -> None:
    """One lock."""
    lines = [f"# Made of {source} by locks/make_locks.py (`make lock`); not to be edited by hand."]
    for (package, version, where), hashes in sorted(packages.items()):
        lines.append(" \\\n    --hash=sha256:".join([f"{package}=={version}{where}", *sorted(hashes)]))
    (ROOT / "locks" / f"{name}.lock").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
