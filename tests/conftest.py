"""What tests of several rooms begin with."""

import os

# several test processes share the cores: threads of one that wait for each other take ten times as long
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest


@pytest.fixture(scope="module")
def known(tmp_path_factory):
    """What is true of the made-up recording that several readers are tested on."""
    from tests.support.import_sources import smpl_body, truth  # here, so that other tests need not load it

    return truth(smpl_body(tmp_path_factory.mktemp("body")))


@pytest.fixture(scope="module")
def points(known):
    """The 2D points of that recording."""
    from tests.support.import_sources import body_25

    return body_25(known)


@pytest.fixture
def conda(tmp_path):
    """A folder of programs with a stand-in for conda."""
    from tests.support.conda_runs import stand_in

    return stand_in(tmp_path)
