"""Waiting for files of other processes."""

import time


def wait_for(place, seconds=60.0):
    until = time.monotonic() + seconds
    while not place() and time.monotonic() < until:
        time.sleep(0.05)
    assert place()
