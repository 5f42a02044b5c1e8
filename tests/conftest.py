"""The made-up recording that several readers are tested on."""

import pytest


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    """What is true of it."""
    from import_sources import smpl_body, truth  # here, so that other tests need not load it

    return truth(smpl_body(tmp_path_factory.mktemp("body")))


@pytest.fixture(scope="module")
def points(known):
    """Its 2D points."""
    from import_sources import body_25

    return body_25(known)
