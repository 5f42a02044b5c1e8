"""The avatar in a browser: one page that plays it offline, and a live view with sliders.

Here belongs the page and its program (``static``), pose correctives in a small basis (``correctives``), the live server behind a
door that opens to those alone who have its secret (``door``, ``heard``), and its panel and layers.

Contract: the page names no other file and no address; what a browser sends is checked before anything is done with
it.

Videos are made in ``rendering``.
"""
