"""An export is there whole or not at all: half of a log looks like a whole one of a short log. On a real PostgreSQL."""

import errno
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from proofwatch.audit import export
from proofwatch.new_file import NotNew
from tests.integration.auditor.conftest import Audited

_KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from proofwatch.bus.postgres.pool import opened
from services.auditor.adapters.log_reader import LogReader
from services.auditor.commands.write_export import write_export

def progress(done, total):
    if done == 3:
        os.kill(os.getpid(), signal.SIGKILL)

async def main():
    async with opened(sys.argv[1]) as pool:
        await write_export(LogReader(pool), Path(sys.argv[2]), progress=progress)

asyncio.run(main())
"""


async def logged(audited: Audited) -> None:
    auditor = await audited.auditor()
    await audited.act(1, 8)
    await auditor.step()


async def test_a_disk_that_is_full_leaves_no_export(audited: Audited, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever file it is at; said in a sentence."""
    await logged(audited)
    true = Path.write_bytes
    for name in (export.CHECKPOINTS, export.CHECKPOINT, export.KEYS):

        def full(self: Path, body: Any, name: str = name) -> int:
            if self.name == name:
                raise OSError(errno.ENOSPC, "No space left on device")
            return true(self, body)

        monkeypatch.setattr(Path, "write_bytes", full)
        with pytest.raises(NotNew, match="export cannot be written: no space left on device"):
            await audited.export()
        assert not [each for each in audited.folder.iterdir() if each.name.startswith("export")]
    monkeypatch.undo()
    assert (await audited.verdict()).entries == 8


async def test_a_kill_leaves_no_export(audited: Audited, postgres_dsn: str) -> None:
    """SIGKILL while entries are written; the next one takes what was left away, and is whole."""
    await logged(audited)
    out = audited.folder / "export"
    done = subprocess.run(  # noqa: ASYNC221 - nothing else runs meanwhile
        [sys.executable, "-c", _KILLED, postgres_dsn, str(out)], check=False, capture_output=True
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert not out.exists()
    assert (audited.folder / "export.partial").is_dir()
    assert (await audited.verdict()).entries == 8
    assert not (audited.folder / "export.partial").exists()


async def test_what_came_to_be_there_meanwhile_is_not_written_over(audited: Audited) -> None:
    """Neither before it begins nor while it is written."""
    await logged(audited)
    out = audited.folder / "export"
    (out / "theirs").mkdir(parents=True)
    with pytest.raises(NotNew, match="is there already and is not empty"):
        await audited.export()
    (out / "theirs").rmdir()
    with pytest.raises(NotNew, match="is there by now"):
        await audited.export(progress=lambda *_: (out / "theirs").mkdir(exist_ok=True))
    assert [each.name for each in out.iterdir()] == ["theirs"]
