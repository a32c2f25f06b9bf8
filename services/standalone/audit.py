"""The audit log of a run: what was done in it, sequenced and signed at its end, and exported for anybody to check.

The key is known to everybody, so that a run is the same every time: the export shows how a log is checked, and proves
nothing about the run.
"""

from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from pydantic import SecretStr

from proofwatch.audit.export import FILES, RANGE
from proofwatch.audit.note import SigningKey
from proofwatch.bus.port import Bus
from proofwatch.runtime.clock import Clock
from services.auditor.adapters.log_reader import LogReader
from services.auditor.app import Settings, build
from services.auditor.commands.write_export import write_export

if TYPE_CHECKING:
    import asyncpg

ORIGIN: Final = "demo.proofwatch.example/standalone"
FOLDER: Final = "audit"
KEY: Final = "audit.pub"


def demo_key() -> SigningKey:
    """Return the key of every run."""
    return SigningKey.from_seed(ORIGIN, sha256(ORIGIN.encode()).digest())


async def write_audit(bus: Bus, pool: "asyncpg.Pool", clock: Clock, out: Path) -> int:
    """Sequence what was done, sign it, write `audit/` and `audit.pub`; return how many entries there are.

    What an earlier run left in `out` is replaced.
    """
    key = demo_key()
    with TemporaryDirectory() as scratch:
        settings = Settings(
            audit_signing_keys=SecretStr(key.text()),
            audit_checkpoints_file=Path(scratch) / "checkpoints.jsonl",
            instance_id="standalone",
        )
        auditor = build(settings, bus, pool, clock)
        await auditor.start()
        try:
            while await auditor.step():
                pass
        finally:
            await auditor.stop()
    _empty(out / FOLDER)
    exported = await write_export(LogReader(pool), out / FOLDER)
    (out / KEY).write_text(f"{key.verifier.text()}\n", encoding="utf-8")
    return exported.entries


def _empty(folder: Path) -> None:
    for name in (*FILES, RANGE):
        (folder / name).unlink(missing_ok=True)
