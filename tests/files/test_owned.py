"""What somebody else made is never removed or replaced, and an output never takes the place of its own input."""

import os
import shutil
import stat
import threading
import time

import pytest

from understudy.errors import InputError
from understudy.files.atomic import atomic_files, atomic_folder, atomic_write, remove_ours
from understudy.files.marks import MARKER
from understudy.files.owned import check_apart, strange_files
from understudy.files.records import check_recorded, is_recorded


def written(folder, holds="texts", **files):
    """A folder that was written as a whole."""
    with atomic_folder(folder, holds) as place:
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
    with pytest.raises(InputError, match=match), atomic_folder(folder, holds) as place:
        (place / "new").write_text("new")
    assert contents(folder) == before and [path.name for path in folder.parent.iterdir()] == [folder.name]


def test_folders_of_ours_and_empty_ones_are_replaced(tmp_path):
    (tmp_path / "a").mkdir()
    for name in ("x", "y"):
        written(tmp_path / "a", **{name: name})
    (tmp_path / "a/.snakemake_timestamp").touch()
    for name in (".DS_Store", "desktop.ini", ".directory", "._x", "deeper/Thumbs.db"):
        (tmp_path / "a" / name).touch()
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
    same = written(tmp_path / "2/a")
    (same / "deeper/b").write_text("33")  # of the same size, and dated before it was written
    os.utime(same / "deeper/b", (time.time() - 60,) * 2)
    refused(same, "deeper/b")
    assert strange_files(same) == ["deeper/b"] and not strange_files(same, by_size=True)
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
    "text",
    [
        "",
        "[]",
        "{}",
        '{"holds": 1, "files": 3}',
        "[" * 100_000,
        "\xff",
        '{"files": {}}',
        '{"holds": 1, "files": {"a": 1}}',
    ],
)
def test_a_marker_that_says_nothing_protects(tmp_path, text):
    folder = written(tmp_path / "a")
    (folder / MARKER).write_text(text, encoding="latin-1")
    refused(folder, "did not write")


def test_a_marker_that_is_a_link_or_a_pipe_protects(tmp_path):
    folder = written(tmp_path / "a")
    (folder / MARKER).rename(tmp_path / "marker")
    os.mkfifo(folder / MARKER)
    assert strange_files(folder) == [MARKER, "a", "deeper/b"]
    (folder / MARKER).unlink()
    (folder / MARKER).symlink_to(tmp_path / "marker")
    assert strange_files(folder) == [MARKER, "a", "deeper/b"]


def test_a_copy_is_ours_whatever_its_times(tmp_path):
    folder = written(tmp_path / "a")
    shutil.copytree(folder, tmp_path / "copy", copy_function=shutil.copyfile)
    for path in tmp_path.rglob("*"):
        os.utime(path, (time.time() + 3600,) * 2)
    assert not strange_files(folder) and not strange_files(tmp_path / "copy")


def test_what_is_left_of_a_removal_that_was_cut_short_is_still_ours(tmp_path, monkeypatch):
    folder = written(tmp_path / "a")
    removed = []

    def killed(path, *arguments, **options):
        removed.append(path)
        raise KeyboardInterrupt

    with monkeypatch.context() as context:
        context.setattr("understudy.files.atomic.shutil.rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            remove_ours(folder)
    [left] = tmp_path.iterdir()
    assert removed and (left / MARKER).exists() and not strange_files(left)
    (left / "deeper/b").unlink()
    assert not strange_files(left)  # deeper/ is empty now


@pytest.mark.parametrize("kind", ["folder", "file"])
def test_what_is_removed_is_ours_or_stays(tmp_path, kind):
    make = (lambda: written(tmp_path / "a")) if kind == "folder" else (lambda: put(tmp_path / "a", "1"))
    assert remove_ours(make()) and not (tmp_path / "a").exists()
    path = make()
    changed = path / "a" if kind == "folder" else path
    changed.write_text("mine")
    assert not remove_ours(path) and changed.read_text() == "mine"
    assert {each.name for each in tmp_path.iterdir()} <= {"a", MARKER}


def test_a_folder_is_back_where_a_stop_comes_between_the_renames(tmp_path, monkeypatch):
    folder = written(tmp_path / "a")
    before = contents(folder)

    def stopped(*arguments):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), atomic_folder(folder, "texts") as place:
        (place / "new").write_text("new")
        monkeypatch.setattr("understudy.files.atomic.check_replaceable", stopped)
    assert contents(folder) == before and [path.name for path in tmp_path.iterdir()] == ["a"]


def test_two_writers_of_one_file_leave_one_that_is_ours(tmp_path):
    written = []

    def write(number):
        for turn in range(20):
            written.append(put(tmp_path / "a.txt", f"{number} {turn}"))

    threads = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(written) == 80 and is_recorded(tmp_path / "a.txt")
    assert put(tmp_path / "a.txt", "last").read_text() == "last"


def test_records_are_for_those_who_may_read_the_folder(tmp_path):
    tmp_path.chmod(0o770)
    before = os.umask(0o077)
    try:
        put(tmp_path / "a.txt", "1")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / MARKER).stat().st_mode) == 0o770


def test_what_else_bears_the_name_of_a_marker_is_strange(tmp_path):
    folder = written(tmp_path / "a")
    (folder / "deeper" / MARKER).write_text("my notes")
    refused(folder, f"deeper/{MARKER}")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / MARKER).write_text("my notes")
    refused_alone = pytest.raises(InputError, match=MARKER)
    with refused_alone, atomic_folder(tmp_path / "mine", "texts"):
        pass


def test_files_that_come_while_a_folder_is_written_stay(tmp_path):
    folder = written(tmp_path / "a")
    with pytest.raises(InputError, match="letter"), atomic_folder(folder, "texts") as place:
        (place / "new").write_text("new")
        (folder / "letter").write_text("dear")
    assert (folder / "letter").read_text() == "dear" and (folder / "a").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_link_leads_to_the_folder_that_is_asked_about(tmp_path):
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs/letter").write_text("dear")
    (tmp_path / "link").symlink_to("theirs")
    with pytest.raises(InputError, match="letter"), atomic_folder(tmp_path / "link", "texts"):
        pass
    assert (tmp_path / "theirs/letter").exists()


def test_the_working_folder_and_those_above_are_not_replaced(tmp_path, monkeypatch):
    (tmp_path / "a/b").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "a/b")
    for name in (".", "..", tmp_path / "a"):
        with pytest.raises(InputError, match="working folder"), atomic_folder(name, "texts"):
            pass


def test_a_file_is_not_replaced_by_a_folder(tmp_path):
    (tmp_path / "a").write_text("dear")
    with pytest.raises(InputError, match="is a file"), atomic_folder(tmp_path / "a", "texts"):
        pass
    assert (tmp_path / "a").read_text() == "dear"


def put(path, text, recorded=True):
    """Write a file that its folder has a record of."""
    with atomic_write(path, recorded) as file:
        file.write_text(text)
    return path


def test_a_recorded_file_is_replaced_and_another_stays(tmp_path):
    ours = put(put(tmp_path / "a.txt", "1"), "2")
    assert ours.read_text() == "2" and is_recorded(ours)
    ours.write_text("3")
    with pytest.raises(InputError, match=r"a\.txt was changed since Understudy wrote it"):
        put(ours, "4")
    (tmp_path / "b.txt").write_text("mine")
    with pytest.raises(InputError, match=r"b\.txt is there already, and Understudy did not write it"):
        put(tmp_path / "b.txt", "4")
    (tmp_path / "c.txt").symlink_to("a.txt")
    with pytest.raises(InputError, match=r"c\.txt is there already"):
        put(tmp_path / "c.txt", "4")
    (tmp_path / "empty.txt").touch()
    assert put(tmp_path / "empty.txt", "4").read_text() == "4"
    assert (ours.read_text(), (tmp_path / "b.txt").read_text()) == ("3", "mine")


def test_a_file_that_comes_while_another_is_written_stays(tmp_path):
    with pytest.raises(InputError, match="did not write it"), atomic_write(tmp_path / "a.txt", recorded=True) as file:
        file.write_text("new")
        (tmp_path / "a.txt").write_text("mine")
    assert (tmp_path / "a.txt").read_text() == "mine"
    assert {path.name for path in tmp_path.iterdir()} == {"a.txt", MARKER}


def test_a_copy_of_a_recorded_file_with_its_record_is_ours(tmp_path):
    put(tmp_path / "x/a.txt", "1")
    shutil.copytree(tmp_path / "x", tmp_path / "y", copy_function=shutil.copyfile)
    os.utime(tmp_path / "y/a.txt", (0, 0))
    assert put(tmp_path / "y/a.txt", "2").read_text() == "2"


@pytest.mark.parametrize("call", ["record", "replace"])
def test_a_process_killed_between_record_and_file_leaves_what_is_ours(tmp_path, monkeypatch, call):
    path = put(tmp_path / "a.txt", "old")

    def killed(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as context:
        context.setattr(
            "understudy.files.atomic.record" if call == "record" else "understudy.files.atomic.os.replace", killed
        )
        for text in ("new", "another", "third"):
            with pytest.raises(KeyboardInterrupt):
                put(path, text)
    assert path.read_text() == "old" and is_recorded(path) and put(path, "newer").read_text() == "newer"


def test_files_beside_others_are_recorded_one_by_one(tmp_path):
    (tmp_path / "letter.txt").write_text("dear")
    for text in ("1", "2"):
        with atomic_files(tmp_path, ["a", "b"], "exports") as folder:
            (folder / "a").write_text(text)
    (tmp_path / "b").write_text("mine")
    with pytest.raises(InputError, match="b is there already"), atomic_files(tmp_path, ["a", "b"], "exports"):
        pass
    assert (tmp_path / "a").read_text() == "2" and is_recorded(tmp_path / "a")


@pytest.mark.parametrize("kind", ["file", "link", "pipe"])
def test_what_stands_in_the_place_of_the_records_stays(tmp_path, kind):
    (tmp_path / "mine").mkdir()
    (tmp_path / "notes").write_text("dear")
    make = {
        "file": lambda path: path.write_text("dear"),
        "link": lambda path: path.symlink_to(tmp_path / "notes"),
        "pipe": os.mkfifo,
    }
    make[kind](tmp_path / "mine" / MARKER)
    with pytest.raises(InputError, match="none of Understudy's"):
        put(tmp_path / "mine/a.txt", "1")
    assert [path.name for path in (tmp_path / "mine").iterdir()] == [MARKER]
    assert (tmp_path / "notes").read_text() == "dear"


def test_nothing_is_written_into_a_folder_that_was_written_as_a_whole(tmp_path):
    folder = written(tmp_path / "a")
    with pytest.raises(InputError, match="holds texts and nothing else may be written there"):
        put(folder / "film.mp4", "1")
    assert not strange_files(folder)


@pytest.mark.parametrize("text", ["", "{}", "[1]", "[[Infinity, 1]]", '[["1", 2, 3]]', "[" * 100_000, '[[1, "0"]]'])
def test_a_record_that_says_nothing_protects(tmp_path, text):
    path = put(tmp_path / "a.txt", "1")
    (tmp_path / MARKER / "a.txt").write_text(text)
    with pytest.raises(InputError):
        check_recorded([path])


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
