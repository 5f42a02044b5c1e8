"""All verbs, and how one is run."""

import os
import signal
import sys

from understudy.cli.arguments import read_arguments
from understudy.cli.bake import Bake
from understudy.cli.compare import Compare
from understudy.cli.dataset import Dataset
from understudy.cli.export import Export
from understudy.cli.import_ import Import
from understudy.cli.inspect import Inspect
from understudy.cli.mesh import Mesh
from understudy.cli.models import Models
from understudy.cli.render import Render
from understudy.cli.status import Status
from understudy.cli.terminal import prepare_terminal
from understudy.cli.videos import Videos
from understudy.cli.view import View
from understudy.errors import InputError, Stopped, sentence, stoppable
from understudy.streams import OutputLost, open_streams, printing, tell
from understudy.text import one_line

DESCRIPTION = "understudy: what one does by hand with an actor's results."
VERBS = {
    "status": Status, "inspect": Inspect, "import": Import, "render": Render, "export": Export, "bake": Bake,
    "mesh": Mesh, "compare": Compare, "dataset": Dataset, "view": View, "videos": Videos, "models": Models,
}  # fmt: skip


def main() -> None:
    """Run a verb; what the user can mend is told in one sentence, and the exit status is 2; stopped, it is the signal's."""
    closed = sys.stdout is None
    open_streams()
    prepare_terminal()
    try:
        if closed:
            raise InputError("standard output is closed; send it to a file, or to /dev/null.")
        with stoppable():
            _run()
    except Stopped as stopped:
        tell(f"stopped by {stopped.name}\n")
        sys.exit(stopped.status)
    except OutputLost as lost:
        if isinstance(lost.__cause__, BrokenPipeError):  # as of head, which has seen enough
            sys.exit(128 + signal.SIGPIPE)
        tell(f"error: standard output cannot be written ({lost}); send it to another file, or to a terminal.\n")
        sys.exit(2)
    except Exception as error:
        told = sentence(error, "understudy")
        if told is None:
            raise
        tell(one_line(f"error: {told}") + "\n")
        sys.exit(2)


def _run() -> None:
    try:
        os.getcwd()
    except FileNotFoundError:
        raise InputError("the working folder is no longer there; go to another one.") from None
    with printing():  # of --help
        verb = read_arguments(VERBS, DESCRIPTION)
    verb.run()
