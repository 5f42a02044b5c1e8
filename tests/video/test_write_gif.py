import numpy as np
from PIL import Image

from understudy.video.write_gif import write_gif


def pictures(count=5, clear=False):
    """Smooth colours that change, in a disc that moves where the rest is to be clear."""
    y, x = np.mgrid[:41, :63]
    for number in range(count):
        disc = (x - 20 - 5 * number) ** 2 + (y - 20) ** 2 < 15**2
        alpha = np.where(disc, 255, 0) if clear else np.full_like(x, 255)
        yield np.stack([4 * x, 6 * y, np.full_like(x, 40 * number), alpha], axis=-1).astype(np.uint8)


def read(path):
    with Image.open(path) as image:
        for number in range(image.n_frames):
            image.seek(number)
            yield image.info["duration"], np.array(image.convert("RGBA"))


def test_what_is_written_is_read_again_and_plays_on_and_on(tmp_path):
    write_gif(tmp_path / "a.gif", pictures(), fps=12.5)
    with Image.open(tmp_path / "a.gif") as image:
        assert image.info["loop"] == 0
    found = list(read(tmp_path / "a.gif"))
    assert [duration for duration, _ in found[:-1]] == [80] * 4
    for (_, shown), given in zip(found, pictures(), strict=True):
        assert shown.shape == (42, 64, 4)  # made even
        off = np.abs(shown[:41, :63].astype(int) - given)
        assert off.mean() < 8 and (shown[..., 3] == 255).all()


def test_what_is_clear_stays_clear_in_every_picture(tmp_path):
    write_gif(tmp_path / "a.gif", pictures(clear=True), fps=10)
    for (_, shown), given in zip(read(tmp_path / "a.gif"), pictures(clear=True), strict=True):
        np.testing.assert_array_equal(shown[:41, :63, 3], given[..., 3])


def test_same_pictures_give_the_same_bytes(tmp_path):
    for name in ("a.gif", "b.gif"):
        write_gif(tmp_path / name, pictures(), fps=10)
    assert (tmp_path / "a.gif").read_bytes() == (tmp_path / "b.gif").read_bytes()
