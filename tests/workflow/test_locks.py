"""Nothing is installed but what locks/ lists by hash, and of all of that NOTICE names the licence."""

import json
import re
import runpy
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, requires, version
from types import SimpleNamespace

import pytest
import yaml
from packaging.requirements import Requirement

from tests.support.paths import ROOT

LOCKS = ("build", "torch", "cuda", "run", "gsplat", "slurm", "dev")
SOURCES = {"requirements.txt": LOCKS[:4], **{f"requirements-{name}.txt": (name,) for name in LOCKS[4:]}}
ENTRY = re.compile(r"[a-z\d-]+==[\w.]+(?: ; [\w.' =<>!()*]+)?(?: \\\n    --hash=sha256:[\da-f]{64})+\n")
NOTICE = (ROOT / "NOTICE").read_text()


def script(name):
    """What one of the programs in locks/ defines."""
    return SimpleNamespace(**runpy.run_path(str(ROOT / "locks" / f"{name}.py")))


make_locks, audit = script("make_locks"), script("audit")


def text_of(lock):
    return (ROOT / f"locks/{lock}.lock").read_text()


def pins_of(text):
    return dict(re.findall(r"^([\w.-]+)==([^\s;]+)", text, flags=re.M))


LOCKED = {name: pin for lock in LOCKS for name, pin in pins_of(text_of(lock)).items()}


def as_locked(name):
    return re.sub(r"[-_.]+", "-", name).lower()


@pytest.mark.parametrize("lock", LOCKS)
def test_every_entry_of_a_lock_has_a_version_and_hashes_and_there_is_nothing_else(lock):
    text = "".join(line for line in text_of(lock).splitlines(keepends=True) if not line.startswith("#"))
    assert text and not ENTRY.sub("", text)


def test_no_package_is_in_two_locks():
    assert len(LOCKED) == sum(len(pins_of(text_of(lock))) for lock in LOCKS)
    assert {path.stem for path in (ROOT / "locks").glob("*.lock")} == set(LOCKS)


@pytest.mark.parametrize("source", SOURCES)
def test_what_we_ask_for_is_locked_at_the_version_that_we_ask_for(source):
    asked = pins_of((ROOT / source).read_text())
    locked = {name: pin for lock in SOURCES[source] for name, pin in pins_of(text_of(lock)).items()}
    assert asked and asked.items() <= locked.items()


def test_all_that_the_locked_packages_need_is_locked_too():
    """As far as they are installed here, which then is at the locked versions; pip and setuptools may have been moved by hand."""
    installers = pins_of(text_of("build"))
    for name, pin in LOCKED.items():
        try:
            assert name in installers or version(name).split("+")[0] == pin, f"{name}: run make .venv/.ready-dev"
        except PackageNotFoundError:
            continue
        for need in map(Requirement, requires(name) or []):
            if need.marker is None or need.marker.evaluate({"extra": ""}):
                needed = as_locked(need.name)
                assert needed in LOCKED or needed in make_locks.STAND_INS, f"{name} needs {needed}"
                assert needed not in LOCKED or need.specifier.contains(LOCKED[needed]), f"{name} needs {need}"


def test_pytorchs_own_builds_for_cpus_are_as_good_as_the_package_indexs():
    own = make_locks.TORCH_FOR_CPUS[LOCKED["torch"]]
    hashes = set(re.findall(r"[\da-f]{64}", text_of("torch")))
    assert own and set(own) < hashes
    assert len(hashes - set(own)) >= len(make_locks.PYTHONS)


def test_all_installations_are_by_hash():
    makefile = (ROOT / "Makefile").read_text()
    [install] = re.findall(r"^INSTALL := .*", makefile, flags=re.M)
    assert "--no-deps" in install and len(re.findall(r"\bpip\b.* install", makefile)) == 1
    locked = r"--require-hashes( --no-index| --no-build-isolation)?( -r locks/\w+\.lock)+( 2> /dev/null)?"
    calls = re.findall(r"\$\(INSTALL\) (.+?)(?: \|\| |\n)", makefile)
    for options in calls:
        assert re.fullmatch(rf"{locked}|--no-build-isolation --editable \.", options)
    assert {lock for options in calls for lock in re.findall(r"locks/(\w+)", options)} == set(LOCKS) - {"gsplat"}
    for path in sorted((ROOT / "containers").glob("*.sh")):
        for line in re.findall(r"^.*pip install.*", path.read_text(), flags=re.M):
            assert "--no-deps --require-hashes" in line, path


def test_the_checkout_is_built_by_the_locked_setuptools():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    assert project["build-system"]["requires"] == [f"setuptools=={LOCKED['setuptools']}"]


def test_a_package_without_a_wheel_is_not_locked_unseen():
    package = {"name": "sdist-only", "version": "1.0", "sdist": {"hashes": {"sha256": "0" * 64}}}
    with pytest.raises(SystemExit, match=r"sdist-only 1\.0 has no wheel"):
        make_locks.hashes_of(package)


def test_a_torch_without_the_hashes_of_its_builds_for_cpus_is_not_locked():
    package = {
        "name": "torch",
        "version": "9.9",
        "wheels": [{"url": "https://a/torch-9.9-cp312-cp312-win_amd64.whl", "hashes": {"sha256": "0" * 64}}],
    }
    with pytest.raises(SystemExit, match=r"torch 9\.9\+cpu"):
        make_locks.hashes_of(package)


@pytest.mark.parametrize(
    ("asked", "locked"),
    [
        ("", ""),
        ("python_full_version >= '3.11'", ""),
        ("sys_platform == 'win32' and python_full_version >= '3.11'", " ; sys_platform == 'win32'"),
        ("platform_machine == 'x86_64' or platform_machine == 'aarch64'", " ; sys_platform == 'linux'"),
        ("python_full_version < '3.12'", " ; python_full_version < '3.12'"),
        ("sys_platform == 'none'", None),
    ],
)
def test_packages_of_some_platforms_alone_are_marked(asked, locked):
    assert make_locks.marker(asked) == locked


@pytest.mark.parametrize(
    ("wheel", "ours"),
    [
        ("numpy-2.4.6-cp312-cp312-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl", True),
        ("numpy-2.4.6-cp313-cp313-macosx_14_0_arm64.whl", True),
        ("opencv-5-cp37-abi3-manylinux_2_28_aarch64.whl", True),
        ("rich-14-py3-none-any.whl", True),
        ("numpy-2.4.6-cp310-cp310-manylinux_2_28_x86_64.whl", False),
        ("numpy-2.4.6-cp313-cp313t-manylinux_2_28_x86_64.whl", False),
        ("numpy-2.4.6-cp312-cp312-musllinux_1_2_x86_64.whl", False),
        ("numpy-2.4.6-cp312-cp312-macosx_13_0_x86_64.whl", False),
    ],
)
def test_wheels_of_our_pythons_and_platforms_are_locked_and_no_others(wheel, ours):
    assert make_locks.is_for_us(wheel) is ours


@pytest.mark.parametrize("lock", LOCKS)
def test_notice_names_the_licence_of_every_locked_package(lock):
    for name, pin in pins_of(text_of(lock)).items():
        assert re.search(rf"^  {re.escape(f'{name} {pin}')} +\S", NOTICE, flags=re.M), f"{name}: run make lock"


def test_notice_names_all_weights_that_can_be_fetched():
    for name, entry in yaml.safe_load((ROOT / "models/manifest.yaml").read_text()).items():
        [line] = re.findall(rf"^(.+?): .*\b{re.escape(name)}\b.*$", NOTICE, flags=re.M)
        assert line == entry["licence"], name


def test_notice_names_all_packages_of_backends():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    packages = {line.split("==")[0] for lines in extras.values() for line in lines}
    packages |= set(
        re.findall(r"projects/(\w+)|/(\w+)\.git@", (ROOT / "envs/detectron2.post-deploy.sh").read_text())[0]
    ) - {""}
    for name in packages:
        assert re.search(rf"^ *(?:[\w-]+, )*{re.escape(name)}[ ,\n]", NOTICE, flags=re.M), name


def test_notice_says_where_all_files_that_are_not_text_come_from():
    listed = subprocess.run(["git", "ls-files", "-z", "--eol"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("this is not a checkout of git")
    named = [word.strip(",") for word in NOTICE.split() if "/" in word]
    for line in listed.stdout.strip("\0").split("\0"):
        facts, path = line.split("\t")
        if "-text" in facts:
            assert any(path == name or (name.endswith("/") and path.startswith(name)) for name in named), path


def test_npms_packages_are_locked_by_checksum():
    lock = json.loads((ROOT / "benchmarks/exports/npm/package-lock.json").read_text())["packages"]
    asked = json.loads((ROOT / "benchmarks/exports/npm/package.json").read_text())["dependencies"]
    assert lock.pop("")["dependencies"] == asked
    assert {f"node_modules/{name}" for name in asked} <= set(lock)
    for name, package in lock.items():
        assert package["integrity"].startswith("sha512-") and "resolved" not in package, name


SOUND = {"name": "sound", "version": "1.0", "vulns": []}
HOLED = {"name": "holed", "version": "2.0", "vulns": [{"id": "CVE-1", "fix_versions": ["2.1"]}]}
UNKNOWN = {"name": "unknown", "skip_reason": "not found"}


@pytest.mark.parametrize(
    ("found", "status", "said"),
    [
        ([SOUND], 0, "1 packages looked at, 0 known holes"),
        ([SOUND, HOLED], 1, "holed 2.0: CVE-1, mended in 2.1\n2 packages looked at, 1 known holes"),
        ([HOLED, UNKNOWN], 1, "not looked at: unknown"),
        ([SOUND, UNKNOWN], 2, "not looked at: unknown"),
        ([UNKNOWN], 2, "audit skipped"),
    ],
)
def test_an_audit_passes_only_what_was_looked_at(found, status, said):
    text, code = audit.summary(found)
    assert code == status and said in text


@pytest.mark.parametrize(
    ("program", "said"),
    [
        (
            "import sys; sys.exit('ConnectionError: no route')",
            "no answer from the advisory service (ConnectionError: no route)",
        ),
        ("import time; time.sleep(60)", "no answer from the advisory service (within 2 s)"),
        ("print('<html>')", "no answer from the advisory service"),
    ],
)
def test_an_audit_without_a_connection_says_so_and_is_no_pass(tmp_path, program, said):
    (tmp_path / "pip_audit.py").write_text(program)
    command = [sys.executable, str(ROOT / "locks/audit.py"), "--seconds", "2"]
    run = subprocess.run(command, env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True)
    assert run.returncode == 2 and said in run.stderr and "Traceback" not in run.stderr
