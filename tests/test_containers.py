"""Images hold what the workflow needs, at the pinned versions, and nothing else.

Whether they build is not tested: it needs a daemon.
"""

import fnmatch
import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
NEEDED = (
    "Snakefile", "Makefile", "config.yaml", "locks/run.lock", "pyproject.toml", "README.md", "LICENSE", "NOTICE",
    "rules/common.smk", "schemas/config.schema.yaml", "envs/frames.yaml", "profiles/default/config.yaml", "report/workflow.rst",
    "scripts/train_avatar.py", "scripts/understudy/cli.py", "models/understudy_body.npz", "models/manifest.yaml",
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
    assert ("ENTRYPOINT", f'["snakemake", "--snakefile", "{place}/Snakefile"]') in stages()[stage]
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


@pytest.mark.parametrize("script", ["install.sh", "install_gsplat.sh"])
def test_install_scripts_can_be_run_and_read_by_a_plain_shell(script):
    path = ROOT / "containers" / script
    assert path.stat().st_mode & 0o111 and path.read_text().startswith("#!/bin/sh\n")
    assert subprocess.run(["sh", "-n", path], capture_output=True).returncode == 0


@pytest.mark.parametrize(
    ("index", "target"), [("0", "results/anna maria/report.html"), ("1", "results/bob.b/report.html")]
)
def test_each_pod_makes_the_video_of_its_number(tmp_path, index, target):
    [pod] = job()["spec"]["template"]["spec"]["containers"]
    (tmp_path / "data/videos").mkdir(parents=True)
    for name in ("anna maria.mp4", "bob.b.mov"):
        (tmp_path / "data/videos" / name).touch()
    (tmp_path / "snakemake").write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    (tmp_path / "snakemake").chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin", "JOB_COMPLETION_INDEX": index}
    run = subprocess.run(pod["command"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    first, *options = run.stdout.splitlines()
    assert first == target
    assert options == ["--snakefile", "/understudy/Snakefile", "--profile", "/understudy/profiles/kubernetes"]


def test_a_pod_has_what_its_profile_uses():
    [pod] = job()["spec"]["template"]["spec"]["containers"]
    profile = yaml.safe_load((ROOT / "profiles/kubernetes/config.yaml").read_text())
    asked = pod["resources"]["requests"]
    assert asked["cpu"] == profile["cores"] and asked["nvidia.com/gpu"] == profile["resources"]["gpu"]
    assert profile["resources"]["mem_mb"] < 1024 * int(asked["memory"].removesuffix("Gi"))
    assert profile["nolock"] is True
    mounted = {mount["name"] for mount in pod["volumeMounts"]}
    assert mounted == {volume["name"] for volume in job()["spec"]["template"]["spec"]["volumes"]}
