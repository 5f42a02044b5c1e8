"""Stage ``avatar``: what is learned of one person, by one of several methods; ``avatar.tar``; and how alike it is.

Here belongs the contract of a method (``base``, and ``splats`` for what only Gaussians can do), the table of methods
(``registry``), ``training`` that knows no method, a folder for each method, ``baking`` of any into Gaussians, the archive,
and the evaluation.

Contract: ``train_avatar`` never reads a held-out frame; ``save_avatar`` writes what was learned and, of a licensed
body, the file's hash alone; ``load_archive`` gives an avatar that can be posed and drawn, whatever its method.

A new method is a folder with a ``base.Method``, a line in ``registry.METHODS`` and a section of options;
``tests/avatar/test_contract.py`` is what it must keep.
Showing an avatar is the business of ``rendering`` and ``viewer``, other programs' formats that of ``export``.
"""
