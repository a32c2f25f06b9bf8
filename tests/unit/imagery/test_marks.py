"""The mark across a picture: any quarter of it says who looked, at which case, and when."""

from datetime import UTC, datetime, timedelta, timezone
from random import Random

import pytest
from PIL import Image, ImageChops, ImageStat

from services.imagery.adapters import drawing
from services.imagery.core.marks import LINE, Watermark
from tests.support import picture_files as files

AT = datetime(2026, 11, 26, 9, 41, 7, tzinfo=UTC)
MARK = Watermark("dana.keller", "3f0c1f1e-55aa-4c57-9df5-40b2f0d0c9aa", AT)
LEAST = drawing.least_size(drawing.stamp(MARK.lines()))
SIZES = [LEAST, (LEAST[0] + 1, LEAST[1] + 1), (640, 480), (1_200, 800), (800, 1_200), (2_048, 1_536), (2_048, LEAST[1])]


GREY = (120, 120, 120)


def differing(picture: Image.Image, without: Image.Image) -> Image.Image:
    return ImageChops.difference(picture, without).convert("L").point(lambda value: 255 if value else 0)


def letters() -> list[Image.Image]:
    """What one stamp changes of a grey ground, for each size of letters."""
    found = []
    for letter in drawing.LETTERS:
        stamp = drawing.stamp(MARK.lines(), letter)
        ground = Image.new("RGB", stamp.size, GREY)
        written = ground.copy()
        written.paste(stamp, (0, 0), stamp)
        change = differing(written, ground)
        found.append(change.crop(change.getbbox()))
    return found


def seen(picture: Image.Image, without: Image.Image) -> bool:
    """Return whether a whole stamp is among what differs, wherever: it is searched for, its place is not known."""
    differs = differing(picture, without)
    pixels, width = differs.tobytes(), differs.width
    for whole in LETTERS:
        first = whole.crop((0, 0, whole.width, 1)).tobytes()
        for top in range(differs.height - whole.height + 1):
            line = pixels[top * width : (top + 1) * width]
            left = line.find(first)
            while left >= 0:
                window = differs.crop((left, top, left + whole.width, top + whole.height))
                if window.tobytes() == whole.tobytes():
                    return True
                left = line.find(first, left + 1)
    return False


LETTERS = letters()


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_any_quarter_shows_a_whole_mark(size: tuple[int, int]) -> None:
    """Half the width by half the height, cut out anywhere, compared with the same crop of the picture without it."""
    plain = Image.new("RGB", size, GREY)
    marked = drawing.marked(plain, MARK.lines())
    width, height = size[0] // 2, size[1] // 2
    random = Random(7)
    corners = [(0, 0), (size[0] - width, 0), (0, size[1] - height), (size[0] - width, size[1] - height)]
    anywhere = [(random.randint(0, size[0] - width), random.randint(0, size[1] - height)) for _ in range(12)]
    for left, top in corners + anywhere:
        box = (left, top, left + width, top + height)
        assert seen(marked.crop(box), plain.crop(box)), box
        assert not seen(plain.crop(box), plain.crop(box))


def test_a_strip_of_a_quarter_shows_it_too_where_there_is_room() -> None:
    """Not only half by half: a quarter of a large picture's height, or of its width."""
    size = (2_048, 1_536)
    plain = Image.new("RGB", size, GREY)
    marked = drawing.marked(plain, MARK.lines())
    for start in range(0, 1_536 - 384 + 1, 192):
        box = (0, start, 2_048, start + 384)
        assert seen(marked.crop(box), plain.crop(box)), box


@pytest.mark.parametrize("ground", ["white", "black", "grey", "busy"])
def test_it_is_seen_on_any_ground(ground: str) -> None:
    """Light letters with a dark edge: on average a fifth of the scale away from what was there, on every ground."""
    plain = files.drawn((640, 480)) if ground == "busy" else Image.new("RGB", (640, 480), ground)
    stamp = drawing.stamp(MARK.lines())
    marked = drawing.marked(plain, MARK.lines())
    where = (0, 0, *stamp.size)
    written = stamp.getchannel("A").point(lambda value: 255 if value > 60 else 0)
    change = ImageChops.difference(plain, marked).convert("L").crop(where)
    assert ImageStat.Stat(change, written).mean[0] > 50


def test_every_letter_of_every_id_is_written() -> None:
    """Wrapped, never cut; what the letters do not have stands there as a number, so that nobody is a row of boxes."""
    lines = MARK.lines()
    assert lines == ("dana.keller", "3f0c1f1e-55aa-4c57-9", "df5-40b2f0d0c9aa", "2026-11-26 09:41:07Z")
    assert all(len(line) <= LINE for line in lines)
    east = Watermark("Zoë\n李", "c", AT.astimezone(timezone(timedelta(hours=8))))
    assert east.lines() == ("Zo<eb><a><674e>", "c", "2026-11-26 09:41:07Z")
    drawing.stamp(("A", "<674e>"))


@pytest.mark.parametrize(
    ("person", "case", "at", "said"),
    [
        ("", "c", AT, "person has 1 to 64 characters, not 0"),
        ("p", " ", AT, "case has 1 to 64"),
        ("p" * 65, "c", AT, "not 65"),
        ("p", "c", AT.replace(tzinfo=None), "needs a zone"),
    ],
)
def test_a_mark_that_says_nothing_is_none(person: str, case: str, at: datetime, said: str) -> None:
    """So the picture is not shown."""
    with pytest.raises(ValueError, match=said):
        Watermark(person, case, at)


def test_a_picture_too_small_for_its_mark_is_enlarged_and_else_refused() -> None:
    """Never shown with part of a mark."""
    with pytest.raises(drawing.Unmarked, match="too small"):
        drawing.marked(Image.new("RGB", (LEAST[0] - 1, LEAST[1])), MARK.lines())
    for size in [(1, 1), (16, 900), (900, 16), (10_000, 3)]:
        large = drawing.enlarged(drawing.shrunk(Image.new("RGB", size)), LEAST)
        assert large.width >= LEAST[0]
        assert large.height >= LEAST[1]
        assert max(large.size) <= max(drawing.LONGEST_SIDE, *LEAST)
        drawing.marked(large, MARK.lines())


def test_a_mark_that_does_not_come_out_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """An invisible mark is no mark."""
    monkeypatch.setattr(drawing, "_OPACITY", 0)
    with pytest.raises(drawing.Unmarked, match="without its mark"):
        drawing.marked(Image.new("RGB", (640, 480)), MARK.lines())


def test_blurred_is_what_a_few_pixels_hold() -> None:
    """Two pictures that differ in detail alone are the same when blurred; the size stays."""
    plain = Image.new("RGB", (1_600, 1_200), (100, 100, 100))
    detailed = plain.copy()
    for left in range(0, 1_600, 2):  # stripes of one pixel: as light as the other on average
        detailed.paste((99, 99, 99), (left, 0, left + 1, 1_200))
        detailed.paste((101, 101, 101), (left + 1, 0, left + 2, 1_200))
    blurred = drawing.blurred(detailed)
    assert blurred.size == detailed.size
    assert ImageChops.difference(drawing.blurred(plain), blurred).getbbox() is None
    few = drawing.blurred(files.drawn((1_600, 1_200))).resize((16, 12), Image.Resampling.BOX)
    again = few.resize((1_600, 1_200), Image.Resampling.BICUBIC)
    apart = ImageStat.Stat(ImageChops.difference(again, drawing.blurred(files.drawn((1_600, 1_200))))).mean
    assert max(apart) < 3  # nothing is in it but what 16 by 12 pixels hold
