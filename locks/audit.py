"""Look for known holes in what locks/ lists: ``python locks/audit.py``, or ``make audit``.

Status 0: none known. 1: some, which are printed. 2: the advisory service did not answer, or knew nothing of the packages;
what was not looked at is not sound.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

LOCKS = sorted(Path(__file__).resolve().parent.glob("*.lock"))


def main() -> None:
    """Run pip-audit and say in short what it found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=300, help="time for all answers (default: 300)")
    seconds = parser.parse_args().seconds
    try:
        found = ask(LOCKS, seconds)
    except (subprocess.TimeoutExpired, ValueError) as error:
        why = error if isinstance(error, ValueError) else f"within {seconds:g} s"
        print(f"note: audit skipped, no answer from the advisory service ({why})", file=sys.stderr)
        sys.exit(2)
    text, status = summary(found)
    print(text, file=sys.stderr if status else sys.stdout)
    sys.exit(status)


def ask(locks: Sequence[Path], seconds: float) -> list[dict[str, Any]]:
    """What the service says of each package of ``locks``; ValueError where it says nothing, TimeoutExpired where it is slow."""
    command = [sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes", "--format", "json"]
    command += ["--progress-spinner", "off", "--timeout", "10"]
    for lock in locks:
        command += ["--requirement", str(lock)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=seconds)
    try:
        return json.loads(run.stdout)["dependencies"]
    except ValueError:
        last = (run.stderr.strip() or f"status {run.returncode}").splitlines()[-1]
        raise ValueError(last) from None


def summary(found: Sequence[dict[str, Any]]) -> tuple[str, int]:
    """What to print, and the status, of pip-audit's list of packages."""
    unknown = [package["name"] for package in found if "skip_reason" in package]
    if len(unknown) == len(found):
        return (
            f"note: audit skipped, the service knows none of the {len(found)} packages; it is a mirror without advisories",
            2,
        )
    lines = [
        f"{package['name']} {package['version']}: {hole['id']}, mended in {', '.join(hole['fix_versions']) or 'no release yet'}"
        for package in found
        for hole in package.get("vulns", ())
    ]
    status = 1 if lines else 2 if unknown else 0
    lines.append(f"{len(found) - len(unknown)} packages looked at, {len(lines)} known holes")
    if unknown:
        lines.append(f"not known to the service, so not looked at: {', '.join(unknown)}")
    return "\n".join(lines), status


if __name__ == "__main__":
    main()
