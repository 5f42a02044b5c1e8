"""What somebody else made is never removed or replaced, and an output never takes the place of its own input."""

import os
import time

import pytest

from understudy.errors import InputError
from understudy.owned import MARKER, check_apart, strange_files
from understudy.whole import whole_folder


def written(folder, holds="texts", **files):
    """A folder that was written as a whole."""
    with whole_folder(folder, holds) as place:
        for name, text in (files or {"a": "1"}).items():
            (place / name).write_text(text)
        (place / "deeper").mkdir()
        (place / "deeper/b").write_text("22")
    return folder


def contents(folder):
    """Every file of a folder with its bytes."""
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refused(folder, match, holds="texts"):
    """Whether a folder stays as it is when another is to be written there."""
    before = contents(folder)
    with pytest.raises(InputError, match=match), whole_folder(folder, holds) as place:
        (place / "new").write_text("new")
    assert contents(folder) == before and [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_folders_of_ours_and_empty_ones_are_replaced(tmp_path):
    (tmp_path / "a").mkdir()
    for name in ("x", "y"):
        written(tmp_path / "a", **{name: name})
    (tmp_path / "a/.snakemake_timestamp").touch()
    (tmp_path / "a/.DS_Store").touch()
    written(tmp_path / "a", z="z")
    assert {path.name for path in (tmp_path / "a").iterdir()} == {"z", "deeper", MARKER}


@pytest.mark.parametrize("name", ["letter.txt", ".git/config", "deeper/letter", "empty/", "000000.png"])
def test_a_folder_with_anything_else_stays(tmp_path, name):
    for folder in (tmp_path / "theirs/a", written(tmp_path / "ours/a")):
        place = folder / name
        (place if name.endswith("/") else place.parent).mkdir(parents=True, exist_ok=True)
        if not name.endswith("/"):
            place.write_text("dear")
        refused(folder, name.rstrip("/"))


def test_a_folder_whose_files_were_changed_stays(tmp_path):
    longer = written(tmp_path / "1/a")
    (longer / "a").write_text("longer")
    refused(longer, "did not write .a.")
    later = written(tmp_path / "2/a")
    (later / "deeper/b").write_text("33")
    os.utime(later / "deeper/b", (time.time() + 60,) * 2)
    refused(later, "deeper/b")
    other = written(tmp_path / "3/a")
    (other / "a").unlink()
    (other / "a").symlink_to("deeper/b")
    refused(other, "did not write .a.")


def test_a_folder_from_which_files_were_taken_is_still_ours(tmp_path):
    folder = written(tmp_path / "a", x="1", y="2")
    (folder / "x").unlink()
    assert written(folder) == folder


def test_a_folder_of_ours_with_other_things_in_it_stays(tmp_path):
    refused(written(tmp_path / "a", "silhouettes"), "holds silhouettes, and a data set would", "a data set")


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"holds": 1, "files": 3}', "[" * 100_000, "\xff", '{"files": {"a": 1}}']
)
def test_a_marker_that_says_nothing_protects(tmp_path, text):
    folder = written(tmp_path / "a")
    (folder / MARKER).write_text(text, encoding="latin-1")
    refused(folder, "did not write")


def test_a_marker_that_is_a_link_or_a_pipe_protects(tmp_path):
    folder = written(tmp_path / "a")
    (folder / MARKER).rename(tmp_path / "marker")
    os.mkfifo(folder / MARKER)
    assert strange_files(folder) == ["a", "deeper/b"]
    (folder / MARKER).unlink()
    (folder / MARKER).symlink_to(tmp_path / "marker")
    assert strange_files(folder) == ["a", "deeper/b"]


def test_files_that_come_while_a_folder_is_written_stay(tmp_path):
    folder = written(tmp_path / "a")
    with pytest.raises(InputError, match="letter"), whole_folder(folder, "texts") as place:
        (place / "new").write_text("new")
        (folder / "letter").write_text("dear")
    assert (folder / "letter").read_text() == "dear" and (folder / "a").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_link_leads_to_the_folder_that_is_asked_about(tmp_path):
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs/letter").write_text("dear")
    (tmp_path / "link").symlink_to("theirs")
    with pytest.raises(InputError, match="letter"), whole_folder(tmp_path / "link", "texts"):
        pass
    assert (tmp_path / "theirs/letter").exists()


def test_the_working_folder_and_those_above_are_not_replaced(tmp_path, monkeypatch):
    (tmp_path / "a/b").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "a/b")
    for name in (".", "..", tmp_path / "a"):
        with pytest.raises(InputError, match="working folder"), whole_folder(name, "texts"):
            pass


def test_a_file_is_not_replaced_by_a_folder(tmp_path):
    (tmp_path / "a").write_text("dear")
    with pytest.raises(InputError, match="is a file"), whole_folder(tmp_path / "a", "texts"):
        pass
    assert (tmp_path / "a").read_text() == "dear"


def test_outputs_are_apart_from_inputs(tmp_path):
    (tmp_path / "res/bert").mkdir(parents=True)
    film = tmp_path / "res/bert/film.mp4"
    film.touch()
    (tmp_path / "link.mp4").symlink_to(film)
    os.link(film, tmp_path / "hard.mp4")
    for output in (film, tmp_path / "res", tmp_path / "res/bert/../bert", tmp_path / "link.mp4", tmp_path / "hard.mp4"):
        with pytest.raises(InputError, match="would be lost"):
            check_apart([tmp_path / "new", output], [None, film])
    check_apart([tmp_path / "res/bert/datasets", tmp_path / "res/anna"], [tmp_path / "res/bert", film, None])
