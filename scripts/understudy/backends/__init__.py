"""Everything foreign that does a stage's work: networks, and programs that are run or whose results are read.

``registry`` is the one table of them: where each one's code is, and which packages, weights, memory and environment
it needs. Modules are imported when a backend is opened, so that a stage depends on none that it does not use.

Contract: ``protocols`` and ``body_protocol`` say what a backend of each stage gives back, in the stages' own terms
(pixels of the picture that it was given, skeleton of ``formats.skeleton``, masks as opacity, labels of CIHP-20).

``networks`` holds MediaPipe's own, which come with the project; ``litert`` runs them.

A stage's own way (the fit, the parsing by the body) is that stage's and only named here. Readers of files that other
programs left are in ``importers``; downloads are in ``weights``.
"""
