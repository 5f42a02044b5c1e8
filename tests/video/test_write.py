import av
import numpy as np
import pytest

from tests.support.videos import number_of, numbered
from understudy.errors import InputError
from understudy.files.atomic import atomic_write
from understudy.files.marks import MARKER
from understudy.video.config import FramesConfig
from understudy.video.decode import extract_frames
from understudy.video.write import write_video


def test_what_is_written_is_read_again(tmp_path):
    path = tmp_path / "out" / "turn table é.mp4"
    pictures = numbered(20, 96, 64)
    for picture in pictures:
        picture[:20, :30] = (200, 60, 30)
    write_video(path, iter(pictures), fps=25)
    frames = extract_frames(path, tmp_path / "frames", tmp_path / "frames.json", FramesConfig())
    assert frames.fps == 25
    assert [number_of(frames.read(i)) for i in range(len(frames))] == list(range(20))
    assert np.abs(frames.read(9)[8, 12].astype(int) - (200, 60, 30)).max() <= 4


def test_players_are_told_the_colours_and_odd_sizes_are_padded(tmp_path):
    picture = np.full((49, 63, 3), 40, np.uint8)
    picture[:, -1] = picture[-1] = 220
    write_video(tmp_path / "a.mp4", [picture] * 3, fps=30000 / 1001, crf=4)
    with av.open(str(tmp_path / "a.mp4")) as container:
        stream = container.streams.video[0]
        frame = next(container.decode(stream))
        assert float(stream.average_rate) == 30000 / 1001
        assert (frame.width, frame.height, frame.format.name) == (64, 50, "yuv420p")
        assert (frame.colorspace, frame.color_primaries, frame.color_trc, frame.color_range) == (1, 1, 1, 1)
        pixels = frame.to_ndarray(format="rgb24")
    assert pixels[49, 10, 0] > 200 and pixels[10, 63, 0] > 200 and pixels[10, 10, 0] < 60


def test_same_pictures_give_the_same_bytes(tmp_path):
    for name in ("a.mp4", "b.mp4"):
        write_video(tmp_path / name, numbered(12), fps=30)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


def test_pictures_are_taken_one_at_a_time(tmp_path):
    alive, most = 0, 0

    class Counted(np.ndarray):
        def __del__(self):
            nonlocal alive
            alive -= 1

    def pictures():
        nonlocal alive, most
        for picture in numbered(30):
            alive += 1
            most = max(most, alive)
            yield picture.view(Counted)

    write_video(tmp_path / "a.mp4", pictures(), fps=30)
    assert most < 12


@pytest.mark.parametrize(
    ("pictures", "message"),
    [
        ([], "no frames to write"),
        ([np.zeros((8, 8, 3), np.uint8), np.zeros((8, 10, 3), np.uint8)], "frame 1 .* not uint8"),
        ([np.zeros((8, 8, 3), np.float32)], "frame 0 .* float32"),
    ],
)
def test_bad_pictures_are_refused_and_leave_the_former_file(tmp_path, pictures, message):
    path = tmp_path / "a.mp4"
    with atomic_write(path, recorded=True) as former:
        former.write_bytes(b"former")
    with pytest.raises(InputError, match=message):
        write_video(path, pictures, fps=30)
    assert path.read_bytes() == b"former"
    assert {p.name for p in tmp_path.iterdir()} == {"a.mp4", MARKER}
