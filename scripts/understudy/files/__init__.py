"""Bytes on the disk: everything that opens, writes, replaces or unpickles a file does it through here.

Here belongs what makes a file safe to write (``atomic``: whole or absent), safe to replace (``owned``: only what this
program made), and safe to read (``regular``: no pipes and devices; ``arrays``: npz and JSON within limits;
``pictures``; ``tar``; ``safe_pickle`` and its parts, which build containers and arrays and run nothing).

Contract: a reader raises ``InputError`` with one sentence for whatever a file may hold, in bounded time and memory; a
writer leaves the former file or the new one, never half of either.

This room knows bytes, shapes and types. What an array means, and which keys a file has, is said in ``formats``. It
imports no other room.
"""
