"""A real browser that is driven by keys: headless Chromium over its DevTools protocol."""

import asyncio
import base64
import itertools
import os
import subprocess
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Self

import aiohttp

from tests.support.debian import ensure_programs
from tests.support.runner import ComponentError

_START_S = 120.0
_ANSWER_S = 60.0
_CODES = {"Enter": 13, "Tab": 9, "Escape": 27}


class Browser:
    """One page of a browser with an empty profile. What it asks for over the network is noted in `requests`."""

    def __init__(self, width: int = 1_100, height: int = 900) -> None:
        self._size = (width, height)
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self.requests: list[str] = []
        self.complaints: list[str] = []
        """What the console says of errors and of a policy that was broken."""

    async def __aenter__(self) -> Self:
        ensure_programs(["chromium"], ["chromium"])
        async with AsyncExitStack() as opened:
            profile = opened.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
            self._start(profile)
            opened.push_async_callback(self._end)
            session = await opened.enter_async_context(aiohttp.ClientSession())
            async with session.get(f"http://127.0.0.1:{await self._port(profile)}/json/list") as answer:
                pages = await answer.json()
            url = next(each["webSocketDebuggerUrl"] for each in pages if each["type"] == "page")
            self._socket = await opened.enter_async_context(session.ws_connect(url, max_msg_size=64 * 2**20))
            reading = asyncio.create_task(self._read())
            opened.callback(reading.cancel)
            for domain in ("Page", "Runtime", "Network", "Log"):
                await self.ask(f"{domain}.enable")
            self._opened = opened.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._opened.aclose()

    def _start(self, profile: str) -> None:
        self._process = subprocess.Popen(
            ["chromium", "--headless=new", "--disable-gpu", "--no-first-run", "--disable-quic",
             "--remote-debugging-port=0", f"--user-data-dir={profile}",
             f"--window-size={self._size[0]},{self._size[1]}", *(["--no-sandbox"] if os.geteuid() == 0 else []),
             "about:blank"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    async def _end(self) -> None:
        self._process.terminate()
        await asyncio.to_thread(self._process.wait)

    async def ask(self, method: str, **given: Any) -> Any:
        """Return what a method of the protocol answers. Raises `ComponentError`."""
        number = next(self._numbers)
        self._waiting[number] = asyncio.get_running_loop().create_future()
        try:
            await self._socket.send_json({"id": number, "method": method, "params": given})
            answer = await asyncio.wait_for(self._waiting[number], _ANSWER_S)
        finally:
            del self._waiting[number]
        if "error" in answer:
            raise ComponentError(f"{method}: {answer['error']}")
        return answer["result"]

    async def open(self, url: str) -> None:
        """Go to a page, and wait until it has been read."""
        await self.ask("Page.navigate", url=url)
        await self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    async def value(self, expression: str) -> Any:
        """Return what an expression of JavaScript is in the page."""
        found = await self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in found:
            raise ComponentError(f"{expression}: {found['exceptionDetails']}")
        return found["result"].get("value")

    async def until(self, expression: str) -> None:
        """Wait until an expression holds in the page. Raises `TimeoutError`."""
        async with asyncio.timeout(_ANSWER_S):
            while not await self.value(expression):  # noqa: ASYNC110 — a page tells nobody
                await asyncio.sleep(0.05)

    async def type(self, text: str) -> None:
        """Type a text where the keyboard's focus is."""
        await self.ask("Input.insertText", text=text)

    async def press(self, key: str, *, repeat: bool = False) -> None:
        """Press and let go of a key; `repeat`: as when it is held down."""
        code = _CODES.get(key) or ord(key.upper())
        text = {"Enter": "\r"}.get(key, key if len(key) == 1 else "")
        about = {"key": key, "windowsVirtualKeyCode": code, "code": key if len(key) > 1 else f"Key{key.upper()}"}
        await self.ask("Input.dispatchKeyEvent", type="keyDown", text=text, autoRepeat=repeat, **about)
        await self.ask("Input.dispatchKeyEvent", type="keyUp", **about)

    async def screenshot(self, picture: Path) -> None:
        """Write what is seen, as a PNG or, by the name's end, as WebP."""
        form = {"format": "webp", "quality": 80} if picture.suffix == ".webp" else {"format": "png"}
        found = await self.ask("Page.captureScreenshot", **form)
        await asyncio.to_thread(picture.write_bytes, base64.b64decode(found["data"]))

    async def _port(self, profile: str) -> int:
        file = Path(profile) / "DevToolsActivePort"
        async with asyncio.timeout(_START_S):
            while not (await asyncio.to_thread(file.exists) and (text := await asyncio.to_thread(file.read_text))):
                if self._process.poll() is not None:
                    raise ComponentError(f"chromium ended with {self._process.returncode}")
                await asyncio.sleep(0.1)
        return int(text.splitlines()[0])

    async def _read(self) -> None:
        async for message in self._socket:
            said = message.json()
            if future := self._waiting.get(said.get("id")):
                future.set_result(said)
            elif said.get("method") == "Network.requestWillBeSent":
                self.requests.append(said["params"]["request"]["url"])
            elif said.get("method") == "Log.entryAdded":
                self.complaints.append(said["params"]["entry"]["text"])
            elif said.get("method") == "Runtime.exceptionThrown":
                self.complaints.append(str(said["params"]["exceptionDetails"]))
