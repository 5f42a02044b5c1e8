"""What Snakemake asks of conda, played by this file: it is copied to bin/conda. NOT conda: it solves nothing.

An environment gets links to exactly the packages that its file names, and to what these require, as they are installed here.
"""

import json
import re
import sys
import venv
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path


def files_of(names: list[str], found: dict[str, set[Path]]) -> dict[str, set[Path]]:
    """Installed packages, with all that they require, to their top folders and files."""
    for name in names:
        key = re.sub(r"[-_.]+", "-", name).lower()
        if key in found:
            continue
        try:
            package = distribution(key)
        except PackageNotFoundError:
            if not key.startswith("opencv"):
                raise
            package = distribution("opencv-python-headless")  # several of its packages hold the same files
        tops = {Path(file).parts[0] for file in package.files or () if ".." not in Path(file).parts}
        found[key] = {Path(package.locate_file(top)) for top in tops - {"__pycache__"}}
        required = [line for line in package.requires or () if "extra ==" not in line]
        here = [line.split(";")[0] for line in required if "sys_platform" not in line and "platform_" not in line]
        for requirement in here:
            try:
                files_of([re.match(r"[\w.-]+", requirement)[0]], found)
            except PackageNotFoundError:
                continue  # required elsewhere, such as under another Python
    return found


def create(file: Path, prefix: Path) -> None:
    """Make an environment of an env file."""
    import yaml

    [pip] = [entry["pip"] for entry in yaml.safe_load(file.read_text())["dependencies"] if isinstance(entry, dict)]
    venv.create(prefix, symlinks=True)
    packages = next((prefix / "lib").glob("python*/site-packages"))
    for tops in files_of([line.split("==")[0] for line in pip], {}).values():
        for top in tops:
            if top.exists() and not (packages / top.name).exists():
                (packages / top.name).symlink_to(top)


def main() -> None:
    """Answer as conda would."""
    home = str(Path(__file__).resolve().parents[1])  # it runs as bin/conda
    match sys.argv[1:]:
        case ["info", "--json"]:
            sys.stdout.write(json.dumps({"conda_prefix": home, "platform": "linux-64"}))
        case ["--version"]:
            sys.stdout.write("conda 99.0.0")
        case ["config", "--get", "channel_priority", *_]:
            sys.stdout.write(json.dumps({"get": {"channel_priority": "strict"}}))
        case ["env", "create", *options]:
            create(*(Path(options[options.index(name) + 1]) for name in ("--file", "--prefix")))
        case ["clean", *_]:
            pass
        case other:
            sys.exit(f"the stand-in for conda does not know {other}")


if __name__ == "__main__":
    main()
