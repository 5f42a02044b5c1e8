"""Many videos: which there are, the state of each, and one summary.

Here belongs the sheet of videos that a user lists, the status read from files and logs, the
summary table and page, and the digest of a stage's code by which the workflow knows what to run again.

Contract: needs nothing but what Snakemake brings, since the workflow itself loads it; names and errors are text wherever they go.

What a stage does is not known here.
"""
