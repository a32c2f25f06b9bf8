"""The audit log of a run: what was done in it, sequenced and signed at its end, and exported for anybody to check.

The key is known to everybody, and what is drawn for its entries is drawn by a seed, so that a run is the same every
time: the export shows how a log is checked, and proves nothing about the run.
"""

from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from pydantic import SecretStr

from proofwatch.audit.export import FILES, RANGE
from proofwatch.audit.note import SigningKey
from proofwatch.bus.port import Bus
from proofwatch.events import topics
from proofwatch.runtime.clock import Clock
from proofwatch.simulation.drawn import seeded
from services.auditor.adapters.log_reader import LogReader
from services.auditor.app import Settings, build
from services.auditor.commands.write_export import write_export

if TYPE_CHECKING:
    import asyncpg

ORIGIN: Final = "demo.proofwatch.example/standalone"
FOLDER: Final = "audit"
KEY: Final = "audit.pub"
_READ: Final = 64
_CATCH_UP_S: Final = 2.0


def demo_key() -> SigningKey:
    """Return the key of every run."""
    return SigningKey.from_seed(ORIGIN, sha256(ORIGIN.encode()).digest())


class RunLog:
    """The log while a run ends: to be entered (`async with`)."""

    def __init__(self, bus: Bus, pool: "asyncpg.Pool", clock: Clock) -> None:
        self._pool = pool
        self._scratch = TemporaryDirectory()
        settings = Settings(
            audit_signing_keys=SecretStr(demo_key().text()),
            audit_checkpoints_file=Path(self._scratch.name) / "checkpoints.jsonl",
            instance_id="standalone",
        )
        self._auditor = build(settings, bus, pool, clock, draw=seeded(ORIGIN))
        self._published = bus.tail((topics.AUDIT_CHECKPOINTS,), _READ)

    async def __aenter__(self) -> Self:
        await self._published.start()
        await self._auditor.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._auditor.stop()
        await self._published.stop()
        self._scratch.cleanup()

    async def sequenced(self) -> list[bytes]:
        """Sequence what was done and sign it; return the checkpoints that have been published since the last call."""
        while await self._auditor.step():
            pass
        found = await self._published.catch_up(_CATCH_UP_S)
        return [record.value for _, record in found.records if record.value is not None]

    async def exported(self, out: Path) -> int:
        """Write `audit/` and `audit.pub`; return how many entries there are. An earlier run's are replaced."""
        await self.sequenced()
        _empty(out / FOLDER)
        done = await write_export(LogReader(self._pool), out / FOLDER)
        (out / KEY).write_text(f"{demo_key().verifier.text()}\n", encoding="utf-8")
        return done.entries


def _empty(folder: Path) -> None:
    for name in (*FILES, RANGE):
        (folder / name).unlink(missing_ok=True)
