"""How the commands of this installation are called here, for messages. Standard library only."""

import os
import shlex
import shutil
import sys
from pathlib import Path


def called(name: str) -> str:
    """What to type for a command that lies beside this Python: its name where that finds it, else its path.

    Args:
        name: Such as "snakemake" or "pip".
    """
    beside = Path(sys.executable).with_name(name)
    found = shutil.which(name)
    if not beside.exists() or (found is not None and os.path.samefile(found, beside)):
        return name
    within = os.path.relpath(beside)
    return shlex.quote(str(beside) if within.startswith(os.pardir) else within)
