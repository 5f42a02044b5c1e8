"""Stage ``avatar``: Gaussians on the body, learned from the video; ``avatar.tar``; and how alike they are.

Here belongs the model, its losses, optimizer, growing and pruning, the training loop with checkpoints and several
GPUs, pose alignment, the archive, and the evaluation on held-out frames.

Contract: ``train_avatar`` never reads a held-out frame; ``save_avatar`` writes what was learned and, of a licensed
body, the file's hash alone; ``load_archive`` gives an avatar that can be posed and drawn.

Showing one is the business of ``rendering`` and ``viewer``, other programs' formats that of ``export``.
"""
