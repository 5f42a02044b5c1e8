"""What the pages in docs/ say of the code is so."""

import re
from collections import defaultdict

from tests.support.paths import ROOT

CITED = re.compile(r"(?P<file>[a-z_]*)::(?P<begin>[a-z0-9_]{4,})(?P<rest>\.\.\.)?")


def names_by_file() -> dict[str, set[str]]:
    """Names of tests by the file that they are in, both without ``test_``; those of all files by no name."""
    found = defaultdict(set)
    for path in (ROOT / "tests").rglob("test_*.py"):
        names = re.findall(r"^ *def test_(\w+)", path.read_text(), re.M)
        for file in (path.stem.removeprefix("test_"), ""):
            found[file].update(names)
    return found


def test_the_tests_that_are_said_to_prove_security_exist():
    there = names_by_file()
    cited = list(CITED.finditer((ROOT / "docs/security.md").read_text()))
    assert len(cited) > 80
    missing = [
        f"{match['file']}::{match['begin']}"
        for match in cited
        if not any(
            name.startswith(match["begin"]) if match["rest"] else name == match["begin"]
            for name in there[match["file"]]
        )
    ]
    assert missing == []
