"""The files that stages hand to each other: one module per file, reading and writing it.

docs/formats.md describes them for people; these modules are the only code that knows their layout.
"""
