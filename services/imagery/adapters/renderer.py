"""A picture that may be shown, made by a process of its own that lives for this one picture (`render_child`).

The next one is started while the one before is at work, and waits, confined, for its job: who looks does not wait for a
process to start. It has seen nothing before its own picture.
"""

import asyncio
import json
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Final, Self, get_args

from services.imagery.core.headers import sized
from services.imagery.core.marks import Watermark
from services.imagery.core.pictures import Code, Limits, PictureRefused, judged
from services.imagery.ports import Rendered

_CHILD: Final = "services.imagery.adapters.render_child"
_CODES: Final = frozenset(get_args(Code))
_MOST_ANSWER: Final = 32 * 1_048_576
_LONGEST_MESSAGE: Final = 300
_JPEG: Final = (b"\xff\xd8\xff", b"\xff\xd9")


class ProcessRenderer:
    """Judges a file, then has it decoded, redrawn and marked elsewhere. At most `at_once` pictures at a time.

    `seconds`: of wall time for one; its process is killed then. `cpu_seconds`, `memory`: what the process may use
    (seconds, bytes).
    """

    def __init__(
        self,
        limits: Limits = Limits(),  # noqa: B008 — immutable
        *,
        seconds: float = 10.0,
        cpu_seconds: int = 8,
        memory: int = 1_500_000_000,
        at_once: int = 2,
        command: Sequence[str] = (sys.executable, "-I", "-m", _CHILD),
    ) -> None:
        self._limits, self._seconds = limits, seconds
        self._command = [*command, str(cpu_seconds), str(memory)]
        self._turn = asyncio.Semaphore(at_once)
        self._next: asyncio.subprocess.Process | None = None
        self._starting: asyncio.Task[None] | None = None
        self._ahead = False

    async def __aenter__(self) -> Self:
        """Start a process ahead of its picture from now on; without that, each is started when it is needed."""
        self._ahead = True
        await self._start_next()
        return self

    async def __aexit__(self, *_: object) -> None:
        """End the process that waits."""
        self._ahead = False
        if self._starting:
            await self._starting
        waiting, self._next = self._next, None
        if waiting is not None and waiting.returncode is None:
            waiting.kill()
            await waiting.wait()

    async def render(
        self,
        data: bytes,
        mark: Watermark,
        *,
        blurred: bool,
        digest: str | None = None,
        media_type: str | None = None,
    ) -> Rendered:
        """See `ports.Renderer`."""
        found = judged(data, self._limits, digest, media_type)
        sized(data, found, self._limits)
        job = {"media_type": found, "lines": mark.lines(), "blurred": blurred, "limits": self._limits}
        async with self._turn:
            try:
                async with asyncio.timeout(self._seconds):
                    answer = await self._asked(json.dumps(job).encode() + b"\n" + data)
            except TimeoutError:
                raise PictureRefused(
                    "renderer_failed", f"the picture was not drawn within {self._seconds:g} seconds"
                ) from None
            finally:
                if self._ahead and self._next is None and (self._starting is None or self._starting.done()):
                    self._starting = asyncio.create_task(self._start_next())
        return _read(answer)

    async def _started(self) -> asyncio.subprocess.Process:
        pipe = asyncio.subprocess.PIPE
        return await asyncio.create_subprocess_exec(
            *self._command, stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.DEVNULL, env={}, cwd="/", limit=2**20
        )

    async def _start_next(self) -> None:
        with suppress(OSError):  # who needs one will meet the reason
            self._next = await self._started()

    async def _one(self) -> asyncio.subprocess.Process:
        """Return a process for one picture: that which waits, unless there is none or it has ended by itself."""
        waiting, self._next = self._next, None
        return waiting if waiting is not None and waiting.returncode is None else await self._started()

    async def _asked(self, job: bytes) -> bytes:
        process = await self._one()
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            with suppress(BrokenPipeError, ConnectionResetError):  # it ended early: how, its answer tells
                process.stdin.write(job)
                await process.stdin.drain()
                process.stdin.close()
            parts: list[bytes] = []
            while part := await process.stdout.read(2**20):
                parts.append(part)
                if sum(map(len, parts)) > _MOST_ANSWER:
                    raise PictureRefused("renderer_failed", "the process that draws pictures answered too much")
            status = await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
                await asyncio.shield(process.wait())
        if status != 0:
            how = f"was ended by signal {-status}" if status < 0 else f"ended with {status}"
            raise PictureRefused("renderer_failed", f"the process that draws pictures {how}")
        return b"".join(parts)


def _read(answer: bytes) -> Rendered:
    """Return what the process answered, believing as little of it as can be: it has seen the file."""
    header, _, picture = answer.partition(b"\n")
    try:
        said = json.loads(header)
        code = said.get("code")
        if code in _CODES:
            raise PictureRefused(code, str(said["message"])[:_LONGEST_MESSAGE])
        width, height = int(said["width"]), int(said["height"])
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        raise PictureRefused("renderer_failed", "the process that draws pictures answered nonsense") from None
    if not (picture.startswith(_JPEG[0]) and picture.endswith(_JPEG[1])):
        raise PictureRefused("renderer_failed", "the process that draws pictures answered with no picture")
    return Rendered(picture, "image/jpeg", width, height)
