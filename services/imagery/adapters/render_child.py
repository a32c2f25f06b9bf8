"""The process that decodes one picture: started by `renderer`, it reads a job from stdin, answers on stdout and ends.

What it decodes is hostile until shown otherwise. So it has nothing to lose: no environment (and so no keys), no file
descriptor beside its three, and none to be had (`RLIMIT_NOFILE`), so no file and no socket; no child, no core dump;
little memory and processor time. All of it is set before the first byte of the picture is read.
"""

import io
import json
import resource
import sys
import warnings
from typing import Any, Final

from PIL import ExifTags, Image, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

from services.imagery.adapters import drawing
from services.imagery.core.headers import check
from services.imagery.core.pictures import Limits, PictureRefused

_OPENERS: Final[dict[str, Any]] = {
    "image/jpeg": JpegImagePlugin.JpegImageFile,  # not Pillow's own choice, which finds further formats within
    "image/png": PngImagePlugin.PngImageFile,
    "image/webp": WebPImagePlugin.WebPImageFile,
}
_QUALITY: Final = 90
_DESCRIPTORS: Final = 3
_BROKEN: Final = "the file begins like a picture, and is broken or breaks off"


def main() -> int:
    """Do the one job. Returns 0 if it could answer."""
    cpu_seconds, memory = (int(each) for each in sys.argv[1:3])
    _warm_up()
    confine(cpu_seconds, memory)
    header, _, data = sys.stdin.buffer.read().partition(b"\n")
    job = json.loads(header)
    answer: dict[str, str | int]
    try:
        answer, picture = _rendered(job, data)
    except PictureRefused as error:
        answer, picture = {"code": error.code, "message": str(error)}, b""
    except MemoryError:
        answer, picture = {"code": "too_large", "message": "the picture takes more memory than is given to one"}, b""
    sys.stdout.buffer.write(json.dumps(answer).encode() + b"\n" + picture)
    sys.stdout.buffer.flush()
    return 0


def confine(cpu_seconds: int, memory: int) -> None:
    """Give up, for good, all that decoding does not need; `memory` in bytes of addresses."""
    for what, most in (
        (resource.RLIMIT_CPU, cpu_seconds),
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_NOFILE, _DESCRIPTORS),
    ):
        resource.setrlimit(what, (most, most))


def _warm_up() -> None:
    """Do everything once with a picture of our own: what is imported late could not be opened any more."""
    warnings.simplefilter("ignore")
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 1
    for media_type, opener in _OPENERS.items():
        small = io.BytesIO()
        Image.new("RGB", (2, 2)).save(small, media_type.removeprefix("image/").upper(), exif=exif)
        small.seek(0)
        image = opener(small)
        image.load()
        drawing.upright(image, image.getexif().get(ExifTags.Base.Orientation))
    least = drawing.least_size(drawing.stamp(("A",)))
    drawing.marked(drawing.blurred(drawing.enlarged(Image.new("RGB", (2, 2)), least)), ("A",))


def _rendered(job: dict[str, Any], data: bytes) -> tuple[dict[str, str | int], bytes]:
    image = _decoded(job, data)
    try:
        lines = tuple(job["lines"])
        image = drawing.anew(drawing.enlarged(image, drawing.least_size(drawing.stamp(lines))))
        if job["blurred"]:
            image = drawing.blurred(image)
        image = drawing.marked(image, lines)
        written = io.BytesIO()
        image.save(written, "JPEG", quality=_QUALITY, subsampling=0)
    except (drawing.Unmarked, OSError, ValueError) as error:
        raise PictureRefused("renderer_failed", f"the picture could not be drawn: {type(error).__name__}") from error
    return {"width": image.width, "height": image.height}, written.getvalue()


def _decoded(job: dict[str, Any], data: bytes) -> Image.Image:
    limits = Limits(*job["limits"])
    Image.MAX_IMAGE_PIXELS = limits.most_pixels
    try:
        image: Image.Image = _OPENERS[job["media_type"]](io.BytesIO(data))
        check(image.size, limits)
        _still(image)
        if image.format == "JPEG":
            image.draft("RGB", (drawing.LONGEST_SIDE, drawing.LONGEST_SIDE))  # decoded at half or a quarter, if it is
        orientation = image.getexif().get(ExifTags.Base.Orientation)
        image.load()
        image = drawing.shrunk(drawing.flat(image))
        return drawing.upright(image, orientation)
    except (PictureRefused, MemoryError):
        raise
    except Image.DecompressionBombError:
        raise PictureRefused("too_large", "the picture has more pixels than are opened") from None
    except Exception:  # noqa: BLE001 — decoders raise all there is; what they say may quote the file
        raise PictureRefused("not_a_picture", _BROKEN) from None


def _still(image: Image.Image) -> None:
    if getattr(image, "is_animated", False):
        raise PictureRefused("animated", "the picture is an animation; only still ones are opened")


if __name__ == "__main__":
    sys.exit(main())
