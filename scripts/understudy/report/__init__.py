"""Stage ``report``: one page that says how far an avatar can be trusted, mostly in pictures.

Here belongs the page's text and templates, cautions in plain words, rounded figures, curves, and costs.

Contract: one file that opens offline; every name and text from a file is escaped; figures come from ``metrics.json``
and benchmarks' files and are computed nowhere here.

Finding the worst frames is the business of ``inspection``.
"""
