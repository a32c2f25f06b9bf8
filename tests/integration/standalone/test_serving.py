"""`demo --serve`: the console over what a run made, by a link that opens once, until it is stopped."""

import asyncio
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import httpx
import pytest

from services.cli import main
from tests.support.runner import free_port

_LINK: Final = re.compile(r"http://localhost:\d+/once/[\w-]{43}")


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """A demo that serves, and its link."""
    place = f"localhost:{free_port()}"
    words = ("demo", "--events", "400", "--headless", "--out", str(tmp_path / "out"), "--serve", place)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.cli", *words, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        said = ""
        while not (found := _LINK.search(said)):
            line = await process.stdout.readline()
            assert line, f"it ended with {process.returncode}:\n{said}"
            said += line.decode()
        assert "conservation holds" in said
        yield process, found[0]
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@pytest.mark.timeout(600)
async def test_who_ran_it_works_its_cases_until_it_is_stopped(
    running: tuple[asyncio.subprocess.Process, str],
) -> None:
    """The link signs in whoever opens it first, and nobody after; SIGTERM ends it, and the run was a success."""
    process, link = running
    origin = link.partition("/once")[0]
    async with httpx.AsyncClient(timeout=60) as client:
        opened = await client.get(link)
        assert (opened.status_code, opened.headers["location"]) == (303, "/")
        cookie = {"cookie": opened.headers["set-cookie"].partition(";")[0], "origin": origin}
        assert (await client.get(link)).status_code == 404
        assert (await client.get(f"{origin}/once/x")).status_code == 404
        assert (await client.get(f"{origin}/v1/cases")).status_code == 401
        cases = (await client.get(f"{origin}/v1/cases", headers=cookie)).json()["cases"]
        assert cases
        given = await client.post(f"{origin}/v1/cases/next", headers=cookie, json={})
        assert given.json()["case"]["assignee_name"] == "you"
        page = await client.get(f"{origin}/queue", headers=cookie)
        assert (page.status_code, "you" in page.text) == (200, True)
    process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(process.wait(), 120) == 0


def test_what_cannot_be_served_is_said_before_anything_is_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A port that is another's; a place that a browser would not give the cookie to."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        assert main(["demo", "--serve", place, "--out", str(tmp_path / "out")]) == 2
    assert "name another port" in capsys.readouterr().err
    for wrong in ("0.0.0.0:8091", "localhost", "localhost:0", "console.example:80"):
        with pytest.raises(SystemExit):
            main(["demo", "--serve", wrong])
    assert not (tmp_path / "out").exists()
