"""Synthetic people with exact truth. They share the demo actor's workshop, ``data/demo``."""
