"""Images hold what the workflow needs, at the pinned versions, and nothing else.

Whether they build is not tested: it needs a daemon.
"""

import fnmatch
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.support.paths import ROOT, SCRIPTS

NEEDED = (
    "Snakefile", "Makefile", "config.yaml", "locks/run.lock", "pyproject.toml", "README.md", "LICENSE", "NOTICE",
    "rules/common/actors.smk", "schemas/config.schema.yaml", "envs/frames.yaml",
    "profiles/default/config.yaml", "report/workflow.rst",
    "scripts/avatar.py", "scripts/understudy/cli/__init__.py", "models/understudy_body.npz", "models/manifest.yaml",
    "models/pose_regressor.safetensors", "data/motions/walk.npz", "containers/install.sh",
)  # fmt: skip
FOREIGN = (
    "models/basicModel_neutral.pkl",
    "data/videos/anna.mp4",
    "data/demo/tiny.mp4",
    "results/anna/avatar.tar",
    ".git/HEAD",
)


def instructions():
    """(keyword, rest) of each line of the Dockerfile, continued lines joined."""
    text = re.sub(r"\\\n\s*", " ", (ROOT / "containers/Dockerfile").read_text())
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [tuple(line.split(maxsplit=1)) for line in lines]


def job():
    return yaml.safe_load((ROOT / "containers/kubernetes.yaml").read_text())


def stages():
    """Name of each build target to its instructions."""
    found = {}
    for keyword, rest in instructions():
        if keyword == "FROM":
            image, name = re.fullmatch(r"(\S+) AS (\S+)", rest).groups()
            found[name] = [("FROM", image)]
        elif found:
            found[name].append((keyword, rest))
    return found


def shell_of(stage):
    """All that a target runs while it is built, with the scripts that it calls."""
    text = "\n".join(rest for keyword, rest in stages()[stage] if keyword == "RUN")
    return text + "".join((ROOT / script).read_text() for script in re.findall(r"containers/\w+\.sh", text))


def enters(name):
    """Whether .dockerignore lets a file into an image: the last pattern that holds for it or a folder of it decides."""
    ignored = False
    parts = Path(name).parts
    paths = ["/".join(parts[: i + 1]) for i in range(len(parts))]
    for line in (ROOT / ".dockerignore").read_text().splitlines():
        pattern = line.removeprefix("!")
        if line and not line.startswith("#") and any(matches(path, pattern) for path in paths):
            ignored = not line.startswith("!")
    return not ignored


def matches(path, pattern):
    """As Docker does: a star stops at a slash, two stars do not."""
    if pattern.startswith("**/"):
        return fnmatch.fnmatch(Path(path).name, pattern[3:])
    return path.count("/") == pattern.count("/") and fnmatch.fnmatch(path, pattern)


def test_targets_are_one_for_cpus_which_is_the_default_and_one_for_gpus():
    assert list(stages()) == ["cuda", "cpu"]  # the last is built where none is named
    assert {keyword for keyword, _ in instructions()} <= {
        "ARG",
        "FROM",
        "WORKDIR",
        "COPY",
        "RUN",
        "ENV",
        "USER",
        "ENTRYPOINT",
        "CMD",
    }


@pytest.mark.parametrize("stage", ["cpu", "cuda"])
def test_packages_are_installed_as_on_any_machine_from_the_pins(stage):
    assert ("COPY", ". .") in stages()[stage]
    assert "make .venv/.ready" in shell_of(stage)
    assert ("install_gsplat.sh" in shell_of(stage)) == (stage == "cuda")
    recipe = re.search(r"^\.venv/\.ready: .*?\n\n", (ROOT / "Makefile").read_text(), flags=re.M | re.S)[0]
    assert "-r locks/run.lock" in recipe


def test_images_are_built_on_images_of_a_known_digest():
    images = [rest.split("=", 1)[1] for keyword, rest in instructions() if keyword == "ARG" and "_IMAGE=" in rest]
    assert len(images) == len(stages())
    for image in images:
        assert re.fullmatch(r"[\w./-]+:[\w.-]+@sha256:[0-9a-f]{64}", image)
        assert re.sub(r":[\w.-]+@", "@", image) in (ROOT / "containers/understudy.def").read_text()


@pytest.mark.parametrize("stage", ["cpu", "cuda"])
def test_what_a_container_runs_is_the_snakemake_of_its_own_place(stage):
    place = next(rest for keyword, rest in stages()[stage] if keyword == "WORKDIR")
    command = f'["{place}/containers/start.sh", "snakemake", "--snakefile", "{place}/Snakefile"]'
    assert ("ENTRYPOINT", command) in stages()[stage]
    environment = dict(word.split("=", 1) for word in shlex.split(dict(stages()[stage])["ENV"]))
    assert environment["PATH"] == f"{place}/.venv/bin:$PATH"


@pytest.mark.parametrize("name", NEEDED)
def test_what_the_workflow_needs_enters_the_image(name):
    assert (ROOT / name).exists() and enters(name)


@pytest.mark.parametrize("name", FOREIGN)
def test_no_licensed_body_no_video_and_no_result_enters_an_image(name):
    assert not enters(name)


def test_both_recipes_hold_the_same_files():
    text = (ROOT / "containers/understudy.def").read_text()
    section = re.search(r"^%files\n(.*?)^%post", text, flags=re.M | re.S)[1]
    copied = {line.split()[0]: line.split()[1] for line in section.splitlines() if line.strip()}
    assert all(enters(name) or name == "data" for name in copied)
    for name in NEEDED:
        assert any(name == source or name.startswith(f"{source}/") for source in copied), name
    for source, target in copied.items():
        assert target.rstrip("/") in ("/understudy", f"/understudy/{source}")


def test_apptainer_runs_the_same_scripts():
    text = (ROOT / "containers/understudy.def").read_text()
    sections = dict(re.findall(r"^%(\w+)\n(.*?)(?=^%|\Z)", text, flags=re.M | re.S))
    assert {"files", "post", "environment", "runscript", "arguments"} <= set(sections)
    assert 'containers/install.sh "{{ torch_index }}"' in sections["post"] and "install_gsplat.sh" in sections["post"]
    named = set(re.findall(r"\{\{ (\w+) \}\}", text))
    assert named == set(re.findall(r"^\s+(\w+)=", sections["arguments"], flags=re.M))
    default = re.search(r"image=(\S+)", sections["arguments"])[1]
    [image] = [rest for keyword, rest in instructions() if keyword == "ARG" and rest.startswith("PYTHON_IMAGE=")]
    assert re.sub(r":[\w.-]+@", "@", image) == f"PYTHON_IMAGE={default}"


@pytest.mark.parametrize("script", ["install.sh", "install_gsplat.sh", "start.sh"])
def test_scripts_can_be_run_and_read_by_a_plain_shell(script):
    path = ROOT / "containers" / script
    assert path.stat().st_mode & 0o111 and path.read_text().startswith("#!/bin/sh\n")
    assert subprocess.run(["sh", "-n", path], capture_output=True).returncode == 0


def pod_of(folder, index):
    """The command of a pod of this number, run in a folder with a stand-in for Snakemake."""
    [pod] = job()["spec"]["template"]["spec"]["containers"]
    for name, text in (
        ("snakemake", 'printf "%s\\n" "$@"'),
        ("understudy", f'exec {sys.executable} -m understudy.cli "$@"'),
    ):
        (folder / name).write_text(f"#!/bin/sh\n{text}\n")
        (folder / name).chmod(0o755)
    environment = {
        "PATH": f"{folder}:/usr/bin:/bin",
        "JOB_COMPLETION_INDEX": str(index),
        "PYTHONPATH": str(SCRIPTS),
    }
    return subprocess.run(pod["command"], cwd=folder, env=environment, capture_output=True, text=True)


def test_each_pod_makes_the_video_of_its_number_and_nothing_else_counts_as_one(tmp_path):
    (tmp_path / "data/videos/folder").mkdir(parents=True)
    for name in ("README.md", "anna maria.mp4", "bob.b.mov", "x\ny.mp4", ".hidden.mp4", "notes.txt", "folder/1.png"):
        (tmp_path / "data/videos" / name).touch()
    (tmp_path / "data/videos" / "no\udcff.mp4").touch()
    made = [pod_of(tmp_path, index) for index in range(3)]
    first = [run.stdout.splitlines()[0] for run in made]
    assert first == [f"results/{name}/report.html" for name in ("anna maria", "bob.b", "folder")]
    options = ["--snakefile", "/understudy/Snakefile", "--profile", "/understudy/profiles/kubernetes"]
    assert all(run.stdout.splitlines()[1:] == options for run in made)
    over = pod_of(tmp_path, 3)
    assert over.returncode == 2 and over.stdout == "" and "there are 3" in over.stderr


def test_a_pod_has_what_its_profile_uses():
    [pod] = job()["spec"]["template"]["spec"]["containers"]
    profile = yaml.safe_load((ROOT / "profiles/kubernetes/config.yaml").read_text())
    asked = pod["resources"]["requests"]
    assert asked["cpu"] == profile["cores"] and asked["nvidia.com/gpu"] == profile["resources"]["gpu"]
    assert profile["resources"]["mem_mb"] < 1024 * int(asked["memory"].removesuffix("Gi"))
    assert profile["nolock"] is True
    mounted = {mount["name"] for mount in pod["volumeMounts"]}
    assert mounted == {volume["name"] for volume in job()["spec"]["template"]["spec"]["volumes"]}


@pytest.mark.parametrize("stage", ["cpu", "cuda"])
def test_images_run_as_an_ordinary_user(stage):
    made = re.search(r"useradd --uid (\d+) ", shell_of(stage))[1]
    assert [rest for keyword, rest in stages()[stage] if keyword == "USER"] == [f"{made}:{made}"]
    words = [keyword for keyword, _ in stages()[stage]]
    assert words.index("USER") > max(index for index, word in enumerate(words) if word in ("RUN", "COPY"))
    pod = job()["spec"]["template"]["spec"]
    assert str(pod["securityContext"]["runAsUser"]) == made and pod["securityContext"]["runAsNonRoot"]
    assert pod["containers"][0]["securityContext"]["allowPrivilegeEscalation"] is False


@pytest.mark.parametrize("name", ["Dockerfile", "understudy.def", "install.sh", "install_gsplat.sh", "kubernetes.yaml"])
def test_images_hold_no_code_that_users_can_change_and_look_for_none_in_tmp(name):
    text = (ROOT / "containers" / name).read_text()
    assert not re.search(r"\w+=/(var/)?tmp|chmod [^\n]*[ago]\+\w*w|chmod [^\n]*777", text)
    if name == "install_gsplat.sh":
        assert re.search(r"chmod -R u=rwX,go=rX [^\n]*\.extensions", text)


def started(tmp_path, home):
    """Home of what start.sh starts."""
    run = subprocess.run(
        [ROOT / "containers/start.sh", "sh", "-c", 'echo "$HOME"'],
        env={"PATH": os.environ["PATH"], "TMPDIR": str(tmp_path)} | home, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return Path(run.stdout.rstrip("\n"))


def test_a_container_has_a_home_that_nobody_else_can_enter(tmp_path):
    own = tmp_path / "own home"
    own.mkdir()
    assert started(tmp_path, {"HOME": str(own)}) == own
    homes = [started(tmp_path, {"HOME": "/dev/null"}) for _ in range(2)]
    assert homes[0] != homes[1] and all(home.parent == tmp_path for home in homes)
    assert all(home.stat().st_mode & 0o777 == 0o700 for home in homes)
