"""Files of weights: what there is, fetching it whole, and who vouches for it.

Here belongs the manifest's reader, downloads that resume (``receive``, ``part``), checksums and the user's own word
(``check``), and the look for weights that are programs (``programs``).

Contract: a file is in its place only when it is whole, and is run only if its SHA-256 is known.

What is done with weights is the business of ``backends``.
"""
