"""Pictures in the process that decodes them: hostile files, what is left of good ones, and its limits."""

import asyncio
import io
import os
import re
import resource
import sys
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageStat

from services.imagery.adapters.renderer import ProcessRenderer
from services.imagery.core.marks import Watermark
from services.imagery.core.pictures import PictureRefused
from services.imagery.ports import Rendered
from tests.support import picture_files as files

MARK = Watermark("dana.keller", "3f0c1f1e-55aa-4c57-9df5-40b2f0d0c9aa", datetime(2026, 11, 26, 9, 41, tzinfo=UTC))
CONFINED = """
import os, socket, sys
from services.imagery.adapters.render_child import confine
confine(int(sys.argv[1]), int(sys.argv[2]))
"""
SLEEPS = (sys.executable, "-c", "import time  # render\ntime.sleep(60)")
PNG, WEBP = files.png(), files.webp()
HOSTILE = {
    "PNG, animated": (files.animated("PNG"), "animated"),
    "WebP, animated": (files.animated("WEBP"), "animated"),
    "PNG's first bytes, a JPEG behind": (b"\x89PNG\r\n\x1a\n" + files.jpeg(), "not_a_picture"),
    "JPEG's first bytes, HTML behind": (b"\xff\xd8\xff\xe0<html><script>alert(1)</script>", "not_a_picture"),
    "WebP's first bytes, nothing behind": (b"RIFF\x20\x00\x00\x00WEBPVP8 " + bytes(40), "not_a_picture"),
    "PNG, pixels that are none": (files.png_of(64, 64, b"no deflate stream"), "not_a_picture"),
    "PNG, a third of its pixels": (files.png_of(300, 300, files.zeros(30_000)), "not_a_picture"),
    "PNG, a wrong checksum": (PNG[:40] + bytes([PNG[40] ^ 1]) + PNG[41:], "not_a_picture"),
    "PNG, a comment of 200 MB": (
        files.png_of(64, 64, files.zeros(64 * 65), files.chunk(b"zTXt", b"a\x00\x00" + files.zeros(200_000_000))),
        "not_a_picture",
    ),
}


@pytest.fixture(autouse=True)
def leaves_nothing_behind() -> Iterator[None]:
    """No process of ours, running or dead. Files it could leave none: see its confines."""
    yield
    assert children() == []


def children() -> list[int]:
    """Return the pids of this process's children that draw pictures, dead ones that nobody waited for too."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            pid, rest = stat.read_text().split(" ", 1)
            parent = rest.rsplit(")", 1)[1].split()[1]
            command = stat.with_name("cmdline").read_bytes()
        except OSError:
            continue
        if int(parent) == os.getpid() and (b"render" in command or not command):
            found.append(int(pid))
    return found


async def drawn(data: bytes, *, blurred: bool = False, renderer: ProcessRenderer | None = None) -> Rendered:
    return await (renderer or ProcessRenderer()).render(data, MARK, blurred=blurred)


async def refusal(data: bytes, renderer: ProcessRenderer | None = None) -> PictureRefused:
    with pytest.raises(PictureRefused) as caught:
        await drawn(data, renderer=renderer)
    return caught.value


@pytest.mark.parametrize("name", sorted(HOSTILE))
async def test_hostile_files_are_refused_by_name(name: str) -> None:
    """Each with its code and a sentence that quotes nothing of the file."""
    data, code = HOSTILE[name]
    error = await refusal(data)
    assert error.code == code, str(error)
    assert str(error).isascii() or "×" in str(error)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WebP"])
async def test_files_that_break_off_are_refused_wherever(kind: str) -> None:
    """No half picture: what is grey there might be what matters."""
    data = {"JPEG": files.jpeg(), "PNG": PNG, "WebP": WEBP}[kind]
    for share in (0.02, 0.2, 0.5, 0.8, 0.95):
        assert (await refusal(data[: int(len(data) * share)])).code == "not_a_picture"


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WebP"])
async def test_nothing_but_pixels_comes_out(kind: str) -> None:
    """No EXIF, place, XMP, colour profile, comment, or what was hung on behind: only the segments that JPEG needs."""
    data = files.laden()[kind]
    assert data.count(files.CANARY) >= 2
    made = await drawn(data)
    assert files.CANARY not in made.data
    assert b"PK\x03\x04" not in made.data
    assert segments(made.data) <= {0xE0, 0xDB, 0xC0, 0xC4, 0xDA}
    picture = Image.open(io.BytesIO(made.data))
    assert set(picture.info) <= {"jfif", "jfif_version", "jfif_unit", "jfif_density"}
    assert not picture.getexif()
    assert (made.media_type, made.width, made.height) == ("image/jpeg", *picture.size)
    assert made.data.endswith(b"\xff\xd9")


def segments(data: bytes) -> set[int]:
    """Return the markers of a JPEG before its pixels."""
    at, found = 2, set()
    while data[at + 1] != 0xDA:
        found.add(data[at + 1])
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return found


@pytest.mark.parametrize("mode", ["RGB", "L", "1", "P", "RGBA", "LA", "CMYK", "I;16"])
async def test_every_kind_of_pixels_is_shown(mode: str) -> None:
    """As light as it was: 16 bits are not all white, what shines through is not black."""
    picture = files.drawn((800, 600), "L")
    if mode == "I;16":
        data = files.saved(picture.convert("I").point(lambda value: value * 256).convert("I;16"), "PNG")
    else:
        data = files.saved(picture.convert(mode), "JPEG" if mode == "CMYK" else "PNG")
    made = Image.open(io.BytesIO((await drawn(data)).data)).convert("L")
    assert made.size == (800, 600)
    assert abs(ImageStat.Stat(made).mean[0] - ImageStat.Stat(picture).mean[0]) < 12


async def test_a_picture_is_shown_as_the_camera_was_held() -> None:
    """A telephone's portrait lies on its side, and EXIF says so: it stands up before EXIF goes."""
    turned = Image.Exif()
    turned[0x0112] = 6
    lying = Image.new("RGB", (1_200, 800))
    lying.paste((255, 255, 255), (0, 0, 600, 800))  # its left half is on top when it is turned
    made = await drawn(files.saved(lying, "JPEG", exif=turned))
    assert (made.width, made.height) == (800, 1_200)
    picture = Image.open(io.BytesIO(made.data)).convert("L")
    assert ImageStat.Stat(picture.crop((0, 0, 800, 600))).mean[0] > 200
    assert ImageStat.Stat(picture.crop((0, 600, 800, 1_200))).mean[0] < 60


async def test_the_mark_is_in_each_quarter_of_what_comes_out() -> None:
    """Compared with another mark of the same time: the two pictures differ in all four, after compression too."""
    data = files.saved(files.drawn((1_000, 700)), "JPEG")
    other = Watermark("rhea.osei", "0b7d0f35-4f4e-4d35-8d6e-2a5b7c1e9f10", MARK.at)
    renderer = ProcessRenderer()
    mine, theirs = [
        Image.open(io.BytesIO((await renderer.render(data, mark, blurred=False)).data)) for mark in (MARK, other)
    ]
    apart = ImageChops.difference(mine, theirs).convert("L").point(lambda value: 255 if value > 60 else 0)
    for box in ((0, 0, 500, 350), (500, 0, 1_000, 350), (0, 350, 500, 700), (500, 350, 1_000, 700)):
        assert ImageStat.Stat(apart.crop(box)).sum[0] / 255 > 500


async def test_a_blurred_picture_has_its_mark_and_no_detail() -> None:
    """Of stripes nothing is left; the size is that of the clear one, so that a page does not jump."""
    stripes = Image.new("L", (800, 600))
    for left in range(0, 800, 20):
        stripes.paste(255, (left, 0, left + 10, 600))
    data = files.saved(stripes, "PNG")
    clear, blurred = await drawn(data), await drawn(data, blurred=True)
    assert (clear.width, clear.height) == (blurred.width, blurred.height)
    between = (0, 78, 800, 85)  # no letter lies there
    assert ImageStat.Stat(Image.open(io.BytesIO(clear.data)).convert("L").crop(between)).stddev[0] > 100
    assert ImageStat.Stat(Image.open(io.BytesIO(blurred.data)).convert("L").crop(between)).stddev[0] < 30


async def test_the_event_says_what_the_file_must_be() -> None:
    """Before a process is started for it."""
    data, renderer = files.png(), ProcessRenderer(command=("/nowhere",))
    for digest, media_type, code in (("0" * 64, None, "digest_differs"), (None, "image/jpeg", "format_refused")):
        with pytest.raises(PictureRefused) as caught:
            await renderer.render(data, MARK, blurred=False, digest=digest, media_type=media_type)
        assert caught.value.code == code
    right = sha256(data).hexdigest()
    assert (await ProcessRenderer().render(data, MARK, blurred=True, digest=right, media_type="image/png")).data


def worked_s() -> float:
    """Return how long processors worked for processes of ours that have ended: a busy machine does not change it."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime


async def test_a_bomb_within_its_limits_costs_a_second_and_beyond_them_is_refused() -> None:
    """49 million pixels in 48 kB are a picture; the same with 300 MB more behind them ends, one way or the other."""
    bomb = files.png_of(7_000, 7_000, files.zeros(7_000 * 7_001))
    assert len(bomb) < 100_000
    assert max((await drawn(bomb)).width, 0) == 2_048
    assert (await refusal(bomb, ProcessRenderer(memory=300_000_000))).code in ("too_large", "renderer_failed")
    longer = files.png_of(100, 100, files.zeros(300_000_000))
    before = worked_s()
    with suppress(PictureRefused):
        await drawn(longer)
    assert worked_s() - before < 15


async def test_much_work_in_few_bytes_is_ended() -> None:
    """Scans upon scans: the processor's limit ends it, and the sentence says that something did."""
    error = await refusal(files.many_scans(400), ProcessRenderer(cpu_seconds=1, seconds=30))
    assert error.code == "renderer_failed"
    assert "signal" in str(error)


@pytest.mark.parametrize(
    ("act", "said"),
    [
        ("while True: pass", "was not drawn within 2 seconds"),
        ("sys.stdin.buffer.read(); print('nonsense')", "answered nonsense"),
        ("sys.stdin.buffer.read(); print('[]')", "answered nonsense"),
        ('sys.stdin.buffer.read(); print(\'{"code": "of its own"}\')', "answered nonsense"),
        ("sys.stdin.buffer.read(); print('{\"width\": 1, \"height\": 1}'); print('<html>')", "with no picture"),
        ("sys.exit(3)", "ended with 3"),
        ("import os; os.kill(os.getpid(), 11)", "was ended by signal 11"),
        ("while True: sys.stdout.write('x' * 1_000_000)", "answered too much"),
    ],
)
async def test_a_process_that_a_file_has_taken_over_gets_nothing_through(act: str, said: str) -> None:
    """It is ended, and what it says is believed only where it is a refusal, or a JPEG."""
    taken = ProcessRenderer(seconds=2, command=(sys.executable, "-c", f"import sys  # render\n{act}"))
    error = await refusal(files.jpeg(), taken)
    assert (error.code, said in str(error)) == ("renderer_failed", True), str(error)


@pytest.mark.parametrize(
    "act",
    [
        "open('/etc/hostname')",
        "open('/tmp/left-behind', 'w')",
        "import socket; socket.socket()",
        "import os; os.pipe()",
        "import os; os.dup(0)",
        "bytearray(400_000_000)",
    ],
)
async def test_in_its_confines_there_is_nothing_to_be_had(act: str) -> None:
    """No file, no socket, no more memory: asked for by code that runs there, as an exploit would."""
    script = f"{CONFINED}\ntry:\n    {act}\nexcept (OSError, MemoryError) as error:\n    print('none')\n"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, "2", "300000000", stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert out == b"none\n"


async def test_its_processor_time_is_limited() -> None:
    """By the kernel, not only by who waits."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", CONFINED + "while True: pass", "1", "300000000", env=dict(os.environ)
    )
    assert await process.wait() < 0


async def test_it_has_no_environment_and_no_further_descriptor() -> None:
    """The keys of the store are in the environment of who starts it."""
    tell = (
        "import json, os, sys  # render\n"
        "found = [sorted(os.environ), sorted(os.listdir('/proc/self/fd'))[:-1], os.getcwd()]\n"
        "print(json.dumps({'code': 'renderer_failed', 'message': repr(found)}))"
    )
    further = os.open("/dev/null", os.O_RDONLY)
    os.set_inheritable(further, True)
    try:
        error = await refusal(files.jpeg(), ProcessRenderer(command=(sys.executable, "-I", "-c", tell)))
    finally:
        os.close(further)
    assert re.fullmatch(r"\[\[('LC_CTYPE')?\], \['0', '1', '2'\], '/'\]", str(error)), str(error)


async def test_who_gives_up_waiting_ends_the_process() -> None:
    """A viewer who closes the page; the process is gone before the cancelled call is."""
    task = asyncio.create_task(drawn(files.jpeg(), renderer=ProcessRenderer(command=SLEEPS)))
    await asyncio.sleep(0.3)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_only_so_many_are_drawn_at_once() -> None:
    """A queue of bombs takes the machine no further than its first ones."""
    renderer, most = ProcessRenderer(at_once=2), 0
    tasks = [asyncio.create_task(drawn(files.jpeg(), renderer=renderer)) for _ in range(6)]
    while not all(task.done() for task in tasks):
        most = max(most, len(children()))
        await asyncio.sleep(0.01)
    assert {(await task).width for task in tasks} == {596}
    assert most <= 2


async def test_a_process_waits_for_each_picture_and_has_seen_none_before() -> None:
    """The next one is there when a picture is, it is another one, and nobody is left at the end."""
    async with ProcessRenderer(seconds=60, cpu_seconds=60) as renderer:
        seen = set()
        for _ in range(3):
            waiting = renderer._next
            assert waiting is not None
            assert waiting.returncode is None
            await renderer.render(files.jpeg(), MARK, blurred=False)
            assert waiting.returncode == 0, "it drew this one, and ended"
            seen.add(waiting.pid)
            assert renderer._starting is not None
            await renderer._starting
        assert len(seen) == 3
        assert renderer._next is not None
        renderer._next.kill()
        await renderer._next.wait()
        await renderer.render(files.jpeg(), MARK, blurred=False)  # one that died while it waited is replaced


async def test_two_at_once_have_a_process_each() -> None:
    async with ProcessRenderer(seconds=60, cpu_seconds=60) as renderer:
        found = await asyncio.gather(*(renderer.render(files.jpeg(), MARK, blurred=True) for _ in range(4)))
        assert len({each.data for each in found}) == 1
