"""Every pinned version stands in envs/pins.toml alone; what is written from it is in step with it."""

import re
import shutil
import subprocess
import sys
import tomllib

import pytest

from tests.support.paths import ROOT
from tools.write_envs import SOURCE, generate_files, read_pins

WRITTEN = generate_files(ROOT)
PINS = tomllib.loads((ROOT / SOURCE).read_text())


@pytest.mark.parametrize("name", WRITTEN)
def test_what_is_written_from_the_pins_is_in_step(name):
    assert (ROOT / name).read_text() == WRITTEN[name], "run: python tools/write_envs.py"


def test_no_version_of_a_pinned_package_stands_anywhere_else():
    listed = subprocess.run(["git", "ls-files", "-z", "--eol"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("this is not a checkout of git")
    names = "|".join(map(re.escape, PINS["versions"]))
    apart = {*WRITTEN, "envs/detectron2.post-deploy.sh"}  # it needs another setuptools than ours
    for facts, path in (line.split("\t") for line in listed.stdout.strip("\0").split("\0")):
        if "-text" in facts or path in apart or path.endswith(".lock") or not (ROOT / path).exists():
            continue
        found = re.search(rf"(?<![\w.-])(?:{names})==\d\S*", (ROOT / path).read_text())
        assert not found, f"{path}: {found[0]}"


@pytest.fixture
def copy(tmp_path):
    """What the tool reads and writes, and the tool."""
    for name in (SOURCE, "tools/write_envs.py", *WRITTEN):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def write_envs(folder, *options):
    return subprocess.run([sys.executable, folder / "tools/write_envs.py", *options], capture_output=True, text=True)


def text_of(folder):
    return {name: (folder / name).read_text() for name in WRITTEN}


@pytest.mark.parametrize(("package", "files"), [("numpy", 22), ("setuptools", 2), ("viser", 2), ("ultralytics", 2)])
def test_another_version_is_one_line_and_one_command(copy, package, files):
    before, pins = text_of(copy), (copy / SOURCE).read_text()
    old = PINS["versions"][package]
    (copy / SOURCE).write_text(re.sub(rf'^{package} = "{old}"', f'{package} = "99.0"', pins, flags=re.M))
    check = write_envs(copy, "--check")
    assert check.returncode == 1 and text_of(copy) == before
    assert write_envs(copy).returncode == 0 and write_envs(copy, "--check").returncode == 0
    after = text_of(copy)
    assert after == {name: re.sub(rf"\b{package}=={old}", f"{package}==99.0", text) for name, text in before.items()}
    changed = {name for name in before if after[name] != before[name]}
    assert len(changed) == files and all(name in check.stderr for name in changed)


def test_a_package_of_a_list_comes_to_all_that_name_the_list(copy):
    pins = (copy / SOURCE).read_text()
    pins = pins.replace("[versions]\n", '[versions]\nnew = "1.0"\n').replace("core = [", 'core = ["new", ')
    (copy / SOURCE).write_text(pins)
    assert write_envs(copy).returncode == 0
    pinned = {name for name, text in text_of(copy).items() if "new==1.0" in text}
    assert pinned == {name for name in WRITTEN if name.startswith("envs/")} | {"requirements.txt", "pyproject.toml"}


def test_locks_are_made_of_the_pins_as_they_stand(copy):
    (copy / "locks").mkdir()
    shutil.copy(ROOT / "locks/make_locks.py", copy / "locks")
    (copy / "uv.py").write_text("raise SystemExit('no index here')")
    (copy / SOURCE).write_text((copy / SOURCE).read_text().replace('\nav = "', '\nav = "99.'))
    command, environment = [sys.executable, copy / "locks/make_locks.py"], {"PYTHONPATH": str(copy)}
    run = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert run.returncode and "no index here" in run.stderr and "requirements.txt has no solution" in run.stderr
    assert "\nav==99." in (copy / "requirements.txt").read_text()
    (copy / SOURCE).write_text((copy / SOURCE).read_text().replace('\nav = "', '\nav2 = "'))
    run = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert run.returncode and "no index here" not in run.stderr and "av of frames" in run.stderr


def test_an_environment_of_no_list_is_told_of_and_left_alone(copy):
    shutil.copy(copy / "envs/frames.yaml", copy / "envs/own.yaml")
    for options in ((), ("--check",)):
        run = write_envs(copy, *options)
        assert run.returncode == 1 and "no environment for envs/own.yaml" in run.stderr
    assert (copy / "envs/own.yaml").exists()


@pytest.mark.parametrize(
    ("name", "line", "said"),
    [
        (SOURCE, "[versions]", "envs/pins.toml is not TOML"),
        ("pyproject.toml", "[project.optional-dependencies]", "no line"),
    ],
)
def test_a_source_without_one_of_its_lines_is_refused_and_nothing_is_written(copy, name, line, said):
    (copy / name).write_text((copy / name).read_text().replace(line, "[" if name == SOURCE else ""))
    before = text_of(copy)
    run = write_envs(copy)
    assert run.returncode == 1 and run.stderr.startswith("error: ") and said in run.stderr and text_of(copy) == before


def lists(versions, **shared):
    return read_pins({"versions": versions, "shared": shared, "envs": {}, "extras": {}, "requirements": {}})


def test_lists_hold_their_own_packages_and_those_of_the_lists_they_name():
    pins = lists({"b": "1", "a": "2", "c": "3"}, first=["b", "a"], second=["+first", "c", "a"])
    assert pins == {"first": ["a==2", "b==1"], "second": ["a==2", "b==1", "c==3"]}


@pytest.mark.parametrize(
    ("shared", "said"),
    [
        ({"first": ["a", "b"]}, "b of first is not a list before it and has no version"),
        ({"first": ["+second"], "second": ["a"]}, r"\+second of first is not a list before it"),
        ({"first": ["a", "+first"]}, r"\+first of first is not a list before it"),
        ({"first": ["+a"]}, r"\+a of first is not a list before it"),
        ({"first": ["a"], "second": ["first"]}, "first of second is not a list before it"),
        ({"first": []}, "a version of a, which is in no list"),
    ],
)
def test_pins_that_contradict_themselves_are_refused_in_one_sentence(shared, said):
    with pytest.raises(ValueError, match=said):
        lists({"a": "1"}, **shared)


def test_two_lists_of_one_name_are_refused():
    content = {
        "versions": {"a": "1"},
        "shared": {"one": ["a"]},
        "envs": {"one": ["a"]},
        "extras": {},
        "requirements": {},
    }
    with pytest.raises(ValueError, match="two lists called one"):
        read_pins(content)
