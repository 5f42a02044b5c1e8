import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.paths import SCRIPTS
from understudy.errors import InputError
from understudy.video.sources import list_images, list_videos, sha256_of_images


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_videos_and_image_folders_are_actors(tmp_path):
    names = ["zoe.mp4", "Ann B.MOV", "走.gif", "x.y.webm", "notes.txt", ".hidden.mp4", "._ann.mov"]
    touch(*(tmp_path / name for name in names))
    touch(tmp_path / "bob" / "1.png", tmp_path / "empty" / "readme.md", tmp_path / ".cache" / "1.png")
    found = list_videos(tmp_path)
    assert found == {
        "Ann B": tmp_path / "Ann B.MOV",
        "bob": tmp_path / "bob",
        "x.y": tmp_path / "x.y.webm",
        "zoe": tmp_path / "zoe.mp4",
        "走": tmp_path / "走.gif",
    }
    assert list(found) == sorted(found)


def test_no_folder_holds_no_videos(tmp_path):
    assert list_videos(tmp_path / "nowhere") == {}


@pytest.mark.parametrize("other", ["ann.mov", "ann/1.jpg"])
def test_two_sources_of_one_name_are_refused(tmp_path, other):
    touch(tmp_path / "ann.mp4", tmp_path / other)
    with pytest.raises(InputError, match="has both ann.* and ann.*; rename one of them or move"):
        list_videos(tmp_path)


def test_images_are_counted_as_people_count(tmp_path):
    for name in ("img10.jpg", "img2.jpg", "img1.PNG", "a.tif", ".b.jpg", "c.txt", "img03.webp"):
        touch(tmp_path / name)
    (tmp_path / "folder.jpg").mkdir()
    assert [path.name for path in list_images(tmp_path)] == ["a.tif", "img1.PNG", "img2.jpg", "img03.webp", "img10.jpg"]


def test_the_hash_of_a_folder_knows_names_and_contents(tmp_path):
    first, second = tmp_path / "1.jpg", tmp_path / "2.jpg"
    first.write_bytes(b"one")
    second.write_bytes(b"two")
    before = sha256_of_images([first, second])
    assert sha256_of_images([first, second]) == before
    second.write_bytes(b"Two")
    changed = sha256_of_images([first, second])
    second.rename(tmp_path / "3.jpg")
    renamed = sha256_of_images([first, tmp_path / "3.jpg"])
    assert len({before, changed, renamed}) == 3


def test_listing_needs_the_standard_library_only():
    program = (
        "import sys; import understudy.video.sources; "
        "print([m for m in ('numpy', 'av', 'cv2', 'PIL', 'torch') if m in sys.modules])"
    )
    scripts = SCRIPTS
    result = subprocess.run([sys.executable, "-c", program], cwd=scripts, capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
