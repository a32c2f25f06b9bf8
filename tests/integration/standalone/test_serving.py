"""`demo --serve`: the console over what a run made, for two people by links that open once, until it is stopped."""

import asyncio
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final, NamedTuple

import httpx
import pytest

from services.cli import main
from tests.support.runner import free_port

_LINK: Final = re.compile(r"http://localhost:\d+/once/[\w-]{43}")


_TOKEN: Final = re.compile(r"\bpw_\w+")


class Running(NamedTuple):
    """A demo that serves: its process, a link for each of two people, a machine's token, and its database."""

    process: asyncio.subprocess.Process
    links: list[str]
    token: str

    @property
    def origin(self) -> str:
        return self.links[0].partition("/once")[0]


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[Running]:
    """A demo that serves."""
    place = f"localhost:{free_port()}"
    words = ("demo", "--events", "400", "--headless", "--out", str(tmp_path / "out"), "--serve", place)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.cli", *words, stdout=asyncio.subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        said = ""
        while not _TOKEN.search(said):
            line = await process.stdout.readline()
            assert line, f"it ended with {process.returncode}:\n{said}"
            said += line.decode()
        assert "conservation holds" in said
        yield Running(process, _LINK.findall(said), _TOKEN.findall(said)[0])
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def come(client: httpx.AsyncClient, link: str) -> dict[str, str]:
    """Open a link; return what a browser then sends."""
    opened = await client.get(link)
    assert (opened.status_code, opened.headers["location"]) == (303, "/")
    return {"cookie": opened.headers["set-cookie"].partition(";")[0], "origin": link.partition("/once")[0]}


@pytest.mark.timeout(600)
async def test_two_people_work_its_cases_until_it_is_stopped(running: Running) -> None:
    """A link signs in whoever opens it first; what one finds the other agrees to; notes and the audit log keep up."""
    origin = running.origin
    assert len(running.links) == 2
    async with httpx.AsyncClient(timeout=60) as client:
        you, other = [await come(client, link) for link in running.links]
        for link in (*running.links, f"{origin}/once/x"):
            assert (await client.get(link)).status_code == 404
        assert (await client.get(f"{origin}/v1/cases")).status_code == 401
        given = (await client.post(f"{origin}/v1/cases/next", headers=you, json={})).json()["case"]
        assert given["assignee_name"] == "you"
        case = f"{origin}/v1/cases/{given['case_id']}"
        noted = await client.post(
            f"{case}/notes", headers=you | {"idempotency-key": "n"}, json={"text": "a seam at the neck"}
        )
        assert noted.status_code == 200, noted.text
        assert "a seam at the neck" in (await client.get(case, headers=other)).text

        async def tag() -> dict[str, str]:
            return {"if-match": (await client.get(case, headers=you)).headers["etag"]}

        found = {"reason": "a mask", "attack": "presentation"}
        said = await client.post(f"{case}/threat", headers=you | await tag(), json=found)
        assert said.status_code == 200, said.text
        assert (await client.post(f"{case}/approve", headers=you | await tag(), json={})).status_code == 403
        agreed = await client.post(f"{case}/approve", headers=other | await tag(), json={})
        assert agreed.json()["case"]["said"][0]["state"] == "approved", agreed.text
        entry = None
        for _ in range(240):
            entries = (await client.get(f"{origin}/v1/audit?action=case.decided", headers=other)).json()["entries"]
            if entries:
                entry = entries[0]["index"]
                break
            await asyncio.sleep(0.5)
        assert entry is not None, "what is done is sequenced"
        for _ in range(240):
            verified = await client.get(f"{origin}/v1/audit/{entry}/verified", headers=other)
            if verified.json().get("proved"):
                break
            await asyncio.sleep(0.5)
        assert verified.json()["proved"], verified.text
    running.process.send_signal(signal.SIGTERM)
    assert await asyncio.wait_for(running.process.wait(), 120) == 0


@pytest.mark.timeout(600)
async def test_what_it_keeps_is_looked_back_at_and_its_token_reads(running: Running) -> None:
    """By triage, which goes on beside the console; the token that is printed is of the run's time."""
    origin = running.origin
    async with httpx.AsyncClient(timeout=60) as client:
        you = await come(client, running.links[0])
        bearer = {"authorization": f"Bearer {running.token}"}
        assert (await client.get(f"{origin}/v1/cases", headers=bearer)).status_code == 200
        os = {"field": "device.os", "op": "eq", "value": "android"}
        asked = await client.post(
            f"{origin}/v1/lookbacks", headers=you | {"idempotency-key": "k"}, json={"kind": "preview", "predicate": os}
        )
        assert asked.status_code == 202, asked.text
        for _ in range(240):
            told = (await client.get(f"{origin}/v1/lookbacks/{asked.json()['lookback_id']}", headers=you)).json()
            if told["state"] == "done":
                break
            await asyncio.sleep(0.5)
        assert told["read"] == 400
        assert 0 < told["matched"] < 400
        assert sum(each["accepted"] for each in told["days"]) > 0


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
