"""The SLURM profile on a real SLURM of one node, which the tests start and stop: videos to avatars, retries, failures."""

import csv
import subprocess
from pathlib import Path

import pytest

from tests.support.one_node_slurm import why_not
from tests.support.slurm_runs import ACTORS, run_videos

REASON = why_not()
pytestmark = [
    pytest.mark.skipif(REASON is not None, reason=f"no SLURM can be started here: {REASON}"),
    pytest.mark.xdist_group("slurm"),  # a machine has room for one
]


@pytest.fixture(scope="module")
def outcome(tmp_path_factory):
    """What became of three tiny videos and one that shows nobody. One to two minutes on two cores, by far the longest test."""
    return run_videos(tmp_path_factory.mktemp("work"), tmp_path_factory.mktemp("slurm"), "avatar.tar")


def test_three_videos_become_avatars(outcome):
    for actor in ACTORS:
        assert (outcome.folder / f"results/{actor}/avatar.tar").stat().st_size > 0, actor


def test_short_stages_are_one_job_and_training_is_its_own_with_a_gpu(outcome):
    prepared = [job for job in outcome.of("prepare") if job.state == "COMPLETED"]
    trained = [job for job in outcome.of("avatar/") if job.state == "COMPLETED"]
    assert len(prepared) == len(trained) == len(ACTORS)
    assert {(job.partition, job.gpus, job.cpus) for job in prepared} == {("main", 0, 4)}
    assert {(job.partition, job.gpus, job.cpus) for job in trained} == {("gpu", 1, 8)}
    assert len(outcome.jobs) == 2 * len(ACTORS) + 3  # a second training, and two attempts at the empty room


def test_a_job_killed_for_its_memory_runs_again_with_more(outcome):
    first, second = outcome.of("avatar/bob")
    assert first.state in ("FAILED", "OUT_OF_MEMORY") and second.state == "COMPLETED"
    assert (first.memory_mb, second.memory_mb) == (400, 1600)
    assert second.minutes == 2 * first.minutes
    log = next((outcome.folder / ".snakemake/slurm_logs/rule_avatar/bob").glob(f"{first.number}.log")).read_text()
    assert "memory limit" in log


def test_a_bad_video_stops_no_other_and_is_told_of(outcome):
    assert outcome.status == 1
    with open(outcome.folder / "results/summary.tsv", newline="") as file:
        rows = {row["actor"]: row for row in csv.DictReader(file, delimiter="\t")}
    assert {name: rows[name]["state"] for name in ACTORS} == dict.fromkeys(ACTORS, "partial")
    assert (rows["empty_room"]["state"], rows["empty_room"]["stage"]) == ("failed", "keypoints")
    assert [job.state for job in outcome.of("prepare") if job.state != "COMPLETED"] == ["FAILED", "FAILED"]


def test_what_a_group_had_done_before_it_failed_stays(outcome):
    assert (outcome.folder / "results/empty_room/frames.json").exists()


def test_the_daemons_are_gone(outcome):
    assert not Path("/etc/slurm/slurm.conf").exists()
    assert subprocess.run(["sinfo"], capture_output=True).returncode != 0
