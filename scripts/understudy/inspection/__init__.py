"""Where a result is at its worst: a number a frame for each way to fail, and pictures of the worst frames.

Here belongs the list of measures (``worst``, ``scan``), their limits (``measure``), and the contact sheet (``sheet``,
``window``, ``overlays``).

Contract: reads what stages left (``actor_folder``) and changes nothing; a stage that has not run yet is passed over.

The page for people is in ``report``.
"""
