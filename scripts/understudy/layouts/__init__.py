"""A recording in the layouts that other programs read: EasyMocap, instant-nvr, NTC, Neural Actor, InstantAvatar.

One module a program; each writes into a folder that is replaced as a whole, with ``understudy.json`` saying what it
holds.

Contract: the program's own loader reads what was written (tests hold copies of its rules); shapes of a licensed body
are given only with a warning.

Exports of a finished avatar are in ``export``.
"""
