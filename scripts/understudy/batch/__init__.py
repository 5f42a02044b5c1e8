"""Many videos: their list, the state of each, and what their results depend on. Light enough for a Snakefile."""
