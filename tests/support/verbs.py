"""The command line, called as a user calls it."""

import sys

from understudy.cli import main


def call(monkeypatch, capsys, folder, *arguments):
    """Run a verb in a folder: status, what it printed, and its errors."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(sys, "argv", ["understudy", *map(str, arguments)])
    try:
        main()
        status = 0
    except SystemExit as stopped:
        status = stopped.code
    return status, *capsys.readouterr()
