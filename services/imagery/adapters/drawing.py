"""Pixels to pixels: made anew, sized, blurred, marked. Runs in the limited process alone (`render_child`)."""

from typing import Final

from PIL import Image, ImageChops, ImageDraw, ImageFont

LONGEST_SIDE: Final = 2_048
"""Pixels of what is shown; more has no screen, and costs the viewer seconds."""
BLURRED_SIDE: Final = 16
"""Pixels that are left of the longer side when it is blurred. They are all that leaves: nothing can be sharpened."""
LETTERS: Final = range(14, 27)
"""Heights of the mark's letters in pixels: the larger the picture, the larger they are."""
_LETTERS_ACROSS: Final = 70
_OPACITY: Final = 150
_GAP: Final = 10
_SPREAD: Final = (1.5, 2.0)
"""How far apart stamps begin, in stamps: the picture is looked at between them."""
_GREY: Final = (96, 96, 96)

_TURNS: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class Unmarked(Exception):
    """The mark did not come out in every quarter."""


def flat(image: Image.Image) -> Image.Image:
    """Return it as red, green and blue; what shines through is set on grey."""
    if image.mode.startswith("I"):  # 16 bits of grey; converted by Pillow, all but the darkest would be white
        image = image.convert("I").point(lambda value: value / 256).convert("L")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        through = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, (*_GREY, 255)), through)
    return image.convert("RGB")


def shrunk(image: Image.Image) -> Image.Image:
    """Return it with no side over `LONGEST_SIDE` pixels."""
    factor = LONGEST_SIDE / max(image.size)
    if factor >= 1:
        return image
    return image.resize(_times(image.size, factor), Image.Resampling.LANCZOS, reducing_gap=2.0)


def upright(image: Image.Image, orientation: int | None) -> Image.Image:
    """Return it as the camera was held: what EXIF says of that is the one thing of it that is minded."""
    turn = _TURNS.get(orientation or 0)
    return image if turn is None else image.transpose(turn)


def enlarged(image: Image.Image, least: tuple[int, int]) -> Image.Image:
    """Return it with no side under `least` pixels: larger, as far as `LONGEST_SIDE` allows, then set on grey."""
    factor = max(1.0, *(need / have for need, have in zip(least, image.size, strict=True)))
    size = _times(image.size, min(factor, LONGEST_SIDE / max(image.size)))
    if size != image.size:
        image = image.resize(size, Image.Resampling.BICUBIC)
    canvas = (max(size[0], least[0]), max(size[1], least[1]))
    if canvas == size:
        return image
    ground = Image.new("RGB", canvas, _GREY)
    ground.paste(image, ((canvas[0] - size[0]) // 2, (canvas[1] - size[1]) // 2))
    return ground


def anew(image: Image.Image) -> Image.Image:
    """Return its pixels in an image that knows nothing else of where they came from."""
    return Image.frombytes("RGB", image.size, image.tobytes())


def _times(size: tuple[int, int], factor: float) -> tuple[int, int]:
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))


def blurred(image: Image.Image) -> Image.Image:
    """Return what is left of it when the longer side has `BLURRED_SIDE` pixels, at the size it had."""
    few = _times(image.size, BLURRED_SIDE / max(image.size))
    return image.resize(few, Image.Resampling.BOX).resize(image.size, Image.Resampling.BICUBIC)


def stamp(lines: tuple[str, ...], letter: int = LETTERS[0]) -> Image.Image:
    """Return the mark once, transparent around its letters: light ones with a dark edge, seen on white and on black."""
    font = ImageFont.load_default(letter)
    pitch = round(letter * 1.25)
    width = max(round(font.getlength(line)) for line in lines) + 4
    image = Image.new("RGBA", (width, pitch * len(lines) + 4), (0, 0, 0, 0))
    draw = ImageDraw.Draw(image)
    light, dark = (255, 255, 255, _OPACITY), (0, 0, 0, _OPACITY)
    for number, line in enumerate(lines):
        draw.text((2, 2 + number * pitch), line, font=font, fill=light, stroke_width=1, stroke_fill=dark)
    return image


def least_size(mark: Image.Image) -> tuple[int, int]:
    """Return the smallest width and height at which any half by half of a picture can hold a whole stamp.

    Where stamps begin every p pixels and are s long, p + s pixels hold a whole one, wherever they begin; p is more
    than s.
    """
    return 2 * (2 * mark.width + _GAP), 2 * (2 * mark.height + _GAP)


def marked(image: Image.Image, lines: tuple[str, ...]) -> Image.Image:
    """Return it with the mark all over, so that any half by half of it shows one whole.

    Raises `Unmarked` where the picture is too small for that, or a quarter is as it was.
    """
    mark = _fitting(image.size, lines)
    halves = (image.width // 2, image.height // 2)
    pitch = [_pitch(*each) for each in zip(image.size, mark.size, _SPREAD, strict=True)]
    written = image.copy()
    for top in range(0, image.height, pitch[1]):
        for left in range(0, image.width, pitch[0]):
            written.paste(mark, (left, top), mark)
    changed = ImageChops.difference(image, written)
    for left in (0, halves[0]):
        for top in (0, halves[1]):
            if changed.crop((left, top, left + halves[0], top + halves[1])).getbbox() is None:
                raise Unmarked("a quarter of the picture is without its mark")
    return written


def _pitch(size: int, long: int, spread: float) -> int:
    """Return after how many pixels the next stamp begins: apart, but one in a quarter of the side if it has room."""
    apart = min(round(spread * long), size // 4 - long)
    return min(max(apart, long + _GAP), size // 2 - long)


def _fitting(size: tuple[int, int], lines: tuple[str, ...]) -> Image.Image:
    """Return the mark in the largest letters that the picture has room for."""
    wanted = max(LETTERS[0], min(LETTERS[-1], max(size) // _LETTERS_ACROSS))
    for letter in range(wanted, LETTERS[0] - 1, -1):
        mark = stamp(lines, letter)
        if all(have >= need for have, need in zip(size, least_size(mark), strict=True)):
            return mark
    raise Unmarked(f"a picture of {size[0]} by {size[1]} pixels is too small for its mark")
