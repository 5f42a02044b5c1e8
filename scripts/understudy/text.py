"""Text out of files and names, made fit for terminals, logs and tables. Standard library only."""

import re
from collections.abc import Sequence

UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""What steers a terminal, turns the order of letters round, or is no character: C0 and C1, line separators, bidirectional
embeddings, overrides and isolates, and the lone surrogates that stand for bytes which are no UTF-8."""
FORMULA = re.compile(r"'*\s*[=+\-@\uff1d\uff0b\uff0d\uff20]")
"""How a cell begins that a spreadsheet takes for a formula, also after apostrophes of its own."""


def printable(text: object, keep: str = "\n\t") -> str:
    r"""Text as a terminal may have it: what steers it is written out, as ``\x1b``; letters of all scripts stay.

    Args:
        text: Anything; its ``str`` is taken.
        keep: Control characters that stay: line ends and tabs, which a single name has no use for.
    """
    return UNSEEN.sub(lambda found: found[0] if found[0] in keep else _written_out(ord(found[0])), str(text))


def one_line(text: object) -> str:
    """As :func:`printable`, without line ends and tabs."""
    return printable(text, keep="")


def listed(words: Sequence[str]) -> str:
    """Words, at least one, as a sentence lists them: ``a, b and c``."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def as_cell(text: str) -> str:
    """Text as a cell of a table for spreadsheets: one line, and an apostrophe before what would be a formula."""
    shown = one_line(text)
    return f"'{shown}" if FORMULA.match(shown) else shown


def from_cell(cell: str) -> str:
    """The text that :func:`as_cell` made a cell of."""
    return cell[1:] if cell.startswith("'") and FORMULA.match(cell) else cell


def _written_out(number: int) -> str:
    if 0xDC80 <= number <= 0xDCFF:
        number -= 0xDC00  # Python's stand-in for a byte
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}"
