"""Files that are, pretend to be, or hide pictures; drawn here, never of people."""

import io
import struct
import zlib
from typing import Any

from PIL import Image, ImageCms, PngImagePlugin

CANARY = b"CANARY-4711"
"""What must not come out at the other end."""


def drawn(size: tuple[int, int] = (320, 200), mode: str = "RGB") -> Image.Image:
    """Return a picture with something in every corner."""
    return Image.merge(
        "RGB", (Image.linear_gradient("L").resize(size), Image.radial_gradient("L").resize(size), Image.new("L", size))
    ).convert(mode)


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    """Return the file that Pillow makes of it."""
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


def jpeg(**options: Any) -> bytes:
    return saved(drawn(), "JPEG", **options)


def png(**options: Any) -> bytes:
    return saved(drawn(), "PNG", **options)


def webp(**options: Any) -> bytes:
    return saved(drawn(), "WEBP", **options)


def animated(kind: str) -> bytes:
    frames = [Image.new("RGB", (64, 64), colour) for colour in ("red", "green", "blue")]
    return saved(frames[0], kind, save_all=True, append_images=frames[1:], duration=100, loop=0)


def chunk(name: bytes, data: bytes) -> bytes:
    """Return a PNG chunk."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_of(width: int, height: int, pixels: bytes, *chunks: bytes) -> bytes:
    """Return a grey PNG that says it is so large, with these compressed pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    body = b"".join(chunks) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + body


def zeros(count: int) -> bytes:
    """Return so many zero bytes, compressed a thousandfold."""
    packer, block = zlib.compressobj(9), bytes(1_048_576)
    parts = [packer.compress(block) for _ in range(count // len(block))]
    return b"".join([*parts, packer.compress(bytes(count % len(block))), packer.flush()])


def jpeg_of(width: int, height: int) -> bytes:
    """Return a JPEG whose header says that it is so large."""
    data = jpeg()
    at = data.index(b"\xff\xc0") + 5
    return data[:at] + struct.pack(">HH", height, width) + data[at + 4 :]


def many_scans(times: int) -> bytes:
    """Return a progressive JPEG with its refining scans many times over: few bytes, much work."""
    data = saved(Image.new("RGB", (6_000, 6_000), "teal"), "JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * times + data[-2:]


def profile() -> bytes:
    """Return a colour profile, with the canary in it."""
    made = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    return made + CANARY


def exif() -> Image.Exif:
    """Return metadata with a place, and the canary as description."""
    found = Image.Exif()
    found[0x010E] = CANARY.decode()
    found.get_ifd(0x8825).update({1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 18.0), 29: CANARY.decode()})
    return found


def laden() -> dict[str, bytes]:
    """Return files with all that can be hung onto a picture, by format."""
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", CANARY.decode())
    text.add_itxt("XML:com.adobe.xmp", CANARY.decode())
    extras: dict[str, Any] = {"exif": exif(), "icc_profile": profile()}
    return {
        "JPEG": jpeg(**extras, comment=CANARY, xmp=CANARY) + b"PK\x03\x04" + CANARY,
        "PNG": png(**extras, pnginfo=text) + CANARY,
        "WebP": webp(**extras, xmp=CANARY) + CANARY,
    }
