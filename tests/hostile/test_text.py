"""Motions, cameras, configurations and tables that mean harm: no tag makes anything, and what they claim costs nothing."""

import json
import subprocess
import sys

import numpy as np
import pytest
import yaml

from tests.support.bodies import sausage_body
from tests.support.harmful import frugal  # noqa: F401  (frugal is for every test)
from tests.support.paths import ROOT
from understudy.batch.sheet import read_sheet
from understudy.errors import InputError
from understudy.importers.config import ReadOptions
from understudy.importers.easymocap import easymocap_cameras
from understudy.importers.registry import read_tracking
from understudy.motion.bvh import read_bvh
from understudy.motion.read import read_motion
from understudy.rendering.cameras import read_cameras
from understudy.settings import check_settings

BVH = "HIERARCHY ROOT a {{ OFFSET 0 0 0 CHANNELS {channels} }} MOTION Frames: {frames} Frame Time: {time} {values}"


@pytest.mark.parametrize(
    "text",
    [
        BVH.format(channels="0", frames=10**12, time=0.1, values=""),
        BVH.format(channels="1 Xrotation", frames=10**18, time=0.1, values="1"),
        BVH.format(channels=f"{10**9} Xrotation", frames=1, time=0.1, values="1"),
        BVH.format(channels="1 Xrotation", frames=-1, time=0.1, values="1"),
        BVH.format(channels="1 Wposition", frames=1, time=0.1, values="1"),
        BVH.format(channels="3 Xrotation Xrotation Xrotation", frames=1, time="nan", values="1 1 1"),
        BVH.format(channels="3 Wrotation Xrotation Xrotation", frames=1, time=1, values="1 1 1"),
        "HIERARCHY " + "ROOT a { " * 100_000, "HIERARCHY " + "} " * 10 + " MOTION", "MOTION", "",
        "HIERARCHY " + "JOINT a { OFFSET 0 0 0 CHANNELS 0 } " * 30_000
        + "ROOT b { OFFSET 0 0 0 CHANNELS 1 Xrotation } MOTION Frames: 20000 Frame "
        + "Time: 0.1 " + "1 " * 20_000,
    ],
)  # fmt: skip
def test_motions_that_claim_to_be_large_cost_nothing(tmp_path, text):
    (tmp_path / "a.bvh").write_text(text)
    with pytest.raises(InputError, match=r"a\.bvh"):
        read_bvh(tmp_path / "a.bvh")
    with pytest.raises(InputError, match=r"a\.bvh"):
        read_motion(tmp_path / "a.bvh", sausage_body())


def test_a_deep_rig_is_read_without_a_stack(tmp_path):
    text = (
        "HIERARCHY ROOT a { OFFSET 0 0 0 CHANNELS 1 Xrotation "
        + "JOINT b { OFFSET 0 1 0 CHANNELS 0 " * 3000
        + "} " * 3001
    )
    (tmp_path / "a.bvh").write_text(f"{text} MOTION Frames: 1 Frame Time: 0.1 1")
    assert len(read_bvh(tmp_path / "a.bvh").names) == 3001
    with pytest.raises(InputError, match=r"a\.bvh"):
        read_motion(tmp_path / "a.bvh", sausage_body())


MATRIX = "%YAML:1.0\n---\nK_01: !!opencv-matrix\n   rows: {rows}\n   cols: {cols}\n   dt: {dt}\n   data: [ 1., 2. ]\n"


@pytest.mark.parametrize(
    "text",
    [
        "%YAML:1.0\n---\na: " + "[" * 100_000, "%YAML:1.0\n---\na: " + "{a:" * 100_000,
        '<?xml version="1.0"?>\n<opencv_storage>' + "<a>" * 100_000,
        '{"a": ' + "[" * 100_000, "%YAML:1.0\n---\na:\n   " + "- " * 1_000_000,
        MATRIX.format(rows=10**9, cols=10**9, dt="d"),
        MATRIX.format(rows=-3, cols=3, dt="d"), MATRIX.format(rows=3, cols=3, dt='"999999999d"'),
        MATRIX.format(rows=3, cols=3, dt="d"),
        '<?xml version="1.0"?>\n<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]>\n<opencv_storage><K_01>&b;</K_01></opencv_storage>\n',
        "%YAML:1.0\n---\nK_01: !!python/object/apply:os.mkdir [harmed]\n", "K_01: x", "", "\x00" * 100,
    ],
)  # fmt: skip
def test_malicious_cameras_of_opencv_are_refused(tmp_path, monkeypatch, text):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "intri.yml").write_text(text)
    for read in (lambda: easymocap_cameras(tmp_path), lambda: read_cameras(tmp_path)):
        with pytest.raises(InputError):
            read()
    (tmp_path / "annots").mkdir()
    (tmp_path / "annots/000000.json").write_text('{"annots": [], "height": 3, "width": 3}')
    with pytest.raises(InputError):
        read_tracking(tmp_path, "easymocap", ReadOptions())
    assert not (tmp_path / "harmed").exists()


SCHEMA = yaml.safe_load((ROOT / "schemas/config.schema.yaml").read_text())


@pytest.mark.parametrize("tag", ["object/apply:os.mkdir [harmed]", "object/new:os.mkdir [harmed]"])
def test_tags_in_a_configuration_make_nothing(tmp_path, tag):
    (tmp_path / "c.yaml").write_text(f"avatar:\n  steps: !!python/{tag}\n")
    command = [sys.executable, "-m", "snakemake", "-n", "--snakefile", ROOT / "Snakefile", "--configfile", "c.yaml"]
    run = subprocess.run(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert run.returncode and "not valid JSON or YAML" in run.stdout
    assert not (tmp_path / "harmed").exists()


def test_a_bomb_of_references_is_told_in_few_words():
    text = (
        "a: &a0 [x]\n"
        + "".join(f"b{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 9))
        + "avatar: {steps: *a8}\n"
    )
    content = {"avatar": yaml.safe_load(text)["avatar"]}
    with pytest.raises(InputError, match="references") as error:
        check_settings(content, SCHEMA)
    with pytest.raises(InputError, match="steps") as long:
        check_settings({"avatar": {"steps": "x" * 10**6}}, SCHEMA)
    assert max(len(str(error.value)), len(str(long.value))) < 1100


@pytest.mark.parametrize(
    "text",
    [
        "name\tstart\nanna\t" + "[" * 100_000,
        "name\tstart\n" + "a" * 1_000_000,
        "name\0\tvideo\n",
        "name\n../x\n",
        "name\tframes.K\na\t" + "[" * 5000,
    ],
)
def test_malicious_tables_are_refused_or_read(tmp_path, text):
    (tmp_path / "v.tsv").write_text(text)
    try:
        check_settings({"actors": read_sheet(tmp_path / "v.tsv", SCHEMA)}, SCHEMA, "v.tsv")
    except InputError as error:
        assert "v.tsv" in str(error) and len(str(error)) < 6000


def test_a_number_of_a_frame_that_no_video_has_costs_nothing(tmp_path):
    rows = [{"image_id": f"{number}.jpg", "keypoints": [*range(1, 52)], "score": 1.0} for number in (1, 10**12)]
    (tmp_path / "alphapose.json").write_text(json.dumps(rows))
    with pytest.raises(InputError, match="no video has so many"):
        read_tracking(tmp_path / "alphapose.json", "alphapose", ReadOptions())


@pytest.mark.parametrize("rate", [1e18, 0.0, -1.0, float("nan"), float("inf"), 1e-9])
def test_a_rate_that_no_motion_has_costs_nothing(tmp_path, rate):
    np.savez(tmp_path / "a.npz", poses=np.zeros((4, 72)), trans=np.zeros((4, 3)), mocap_framerate=rate)
    with pytest.raises(InputError, match=r"a\.npz"):
        read_motion(tmp_path / "a.npz", sausage_body())
