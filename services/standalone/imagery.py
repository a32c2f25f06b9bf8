"""The door to imagery, shown at a run's end: somebody is refused, somebody else sees a picture, and both are on record.

The people are made up, the picture is drawn; broker, rules, sessions, cases and log are those of a deployment. The
broker is a process of its own here too (`services.imagery.alone`): this one has no means to open a picture, and gets
no byte of one.
"""

import asyncio
import sys
from base64 import b64encode
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

import msgspec
import structlog

from proofwatch.access.acts import OPERATOR, By
from proofwatch.access.one_time_codes import code_at, step_of
from proofwatch.access.passwords import hashed
from proofwatch.access.postgres import PostgresPeople
from proofwatch.access.register import PostgresRegister
from proofwatch.access.roles import Role
from proofwatch.audit.pending import Draw
from proofwatch.events.codec import SUSPICION
from proofwatch.instants import instant_of
from proofwatch.simulation.drawn import seeded
from proofwatch.simulation.pictures import BUCKET, MEDIA_TYPE, digest, key, picture
from services.standalone.audit import RunLog, demo_key
from services.standalone.config import SETTINGS
from services.standalone.core.shown import Asked, Flagged, Shown
from services.triage.adapters.desk import PostgresDesk

if TYPE_CHECKING:
    import asyncpg

_log = structlog.get_logger(__name__)
_STORE: Final = "run"
_SEEING: Final = ("dana.keller", Role.ANALYST, "the liveness score is far below what this handset gives")
_REFUSED: Final = ("sam.okafor", Role.SRE, "I would like to see why this one was slow")
_PASSWORD: Final = "four unrelated words here"  # noqa: S105 — of people who end with the run
_WHY: Final = "a run shows how imagery is opened"
_SECONDS: Final = 300
"""For the broker to answer: a second where nothing else runs, and many where the machine has none to spare."""


class BrokerFailed(RuntimeError):
    """The broker's process ended without an answer; the message says how."""


async def show(
    flagged: Flagged | None, log: RunLog, pool: "asyncpg.Pool", dsn: str, now_ms: int, out: Path
) -> Shown | None:
    """Let one person be refused and another see it; None: nothing was flagged. A broker that fails costs no result.

    `out` has the folder `imagery` where the input's transactions announce pictures; where they do not, one is drawn.
    """
    if flagged is None:
        return None
    with TemporaryDirectory() as scratch:
        value, drawn = _with_picture(flagged, Path(scratch))
        folder = Path(scratch) if drawn else out / "imagery"
        broker = await _started()  # it loads while people are signed in
        try:
            sessions = await _signed_in(flagged, pool, instant_of(now_ms))
            asks = [
                {
                    "session_id": session,
                    "case_id": flagged.case_id,
                    "transaction_id": flagged.transaction_id,
                    "reason": reason,
                }
                for session, (_, _, reason) in zip(sessions, (_REFUSED, _SEEING), strict=True)
            ]
            job = {
                "dsn": dsn,
                "folder": str(folder.resolve()),
                "store": _STORE,
                "settings": _settings(flagged.tenant),
                "log_key": demo_key().verifier.text(),
                "tag_secret": SETTINGS["subject_tag_secret"],
                "suspicion": b64encode(value).decode(),
                "logged_ms": flagged.suspicion.timestamp_ms,
                "now_ms": now_ms,
                "seed": f"imagery/{flagged.transaction_id}",
                "asks": asks,
            }
            async with asyncio.timeout(_SECONDS):
                answers = await _answers(broker, job, log.sequenced)
        except (BrokerFailed, TimeoutError) as error:
            failed = str(error) or f"the imagery broker of the run did not answer within {_SECONDS} seconds"
            _log.error("imagery_not_shown", reason=failed)
            return Shown(flagged.tenant, flagged.transaction_id, flagged.case_id, drawn, (), failed)
        finally:
            if broker.returncode is None:
                broker.kill()
                await broker.wait()
    asked = [
        Asked(name, role.value, *(each[field] for field in ("view_id", "bytes", "code", "sentence")))
        for each, (name, role, _) in zip(answers, (_REFUSED, _SEEING), strict=True)
    ]
    return Shown(flagged.tenant, flagged.transaction_id, flagged.case_id, drawn, tuple(asked))


def _with_picture(flagged: Flagged, scratch: Path) -> tuple[bytes, bool]:
    """Return the suspicion, and whether its picture had to be drawn because upstream announced none."""
    value = flagged.suspicion.value or b""
    event = SUSPICION.decode(value)
    if event.imagery_sha256 is not None:
        return value, False
    tenant, transaction_id = flagged.tenant, flagged.transaction_id
    path = scratch / BUCKET / tenant / "drawn"
    path.parent.mkdir(parents=True)
    path.write_bytes(picture(0, transaction_id))
    drawn = msgspec.structs.replace(
        event,
        imagery_ref=f"s3://{BUCKET}/{key(tenant, 'drawn')}",
        imagery_sha256=digest(0, transaction_id),
        imagery_media_type=MEDIA_TYPE,
    )
    return SUSPICION.encode(drawn), True


def _settings(tenant: str) -> dict[str, Any]:
    return {
        "tenant": tenant,
        "contract": {"state": "active", "from": "2000-01-01"},
        "time_zone": "UTC",
        "segments": [],
        "imagery": {"store": _STORE, "bucket": BUCKET, "prefix": f"{tenant}/"},
    }


async def _signed_in(flagged: Flagged, pool: "asyncpg.Pool", now: datetime) -> list[str]:
    """Add both people, sign them in, let the analyst take the case; return their sessions."""
    draw: Draw = seeded(f"people/{flagged.transaction_id}")
    register, people = PostgresRegister(pool, draw=draw), PostgresPeople(pool, draw=draw)
    by, password_hash = By(OPERATOR, _WHY), await asyncio.to_thread(hashed, _PASSWORD, _SEEING[0])
    sessions = []
    for name, role, _ in (_REFUSED, _SEEING):
        await register.add(name, [role], [flagged.tenant], by, now)
        secret = await register.enrol(name, password_hash, by, now)
        token, session = await people.sign_in(name, _PASSWORD, code_at(secret, step_of(now)), now)
        sessions.append(session.session_id)
    await PostgresDesk(pool, draw).do("take", flagged.case_id, token, now)
    return sessions


async def _started() -> asyncio.subprocess.Process:
    """Start the broker, without anything of this process's environment."""
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.imagery.alone", stdin=pipe, stdout=pipe, stderr=pipe, env={}, limit=2**20
    )


async def _answers(
    broker: asyncio.subprocess.Process, job: Mapping[str, Any], sequenced: Callable[[], Any]
) -> list[dict[str, Any]]:
    assert broker.stdin is not None
    assert broker.stdout is not None
    assert broker.stderr is not None
    said: Any = job
    while True:
        broker.stdin.write(msgspec.json.encode(said) + b"\n")
        await broker.stdin.drain()
        line = await broker.stdout.readline()
        if not line:
            why = (await broker.stderr.read()).decode(errors="replace").strip().rpartition("\n")[2]
            raise BrokerFailed(f"the imagery broker of the run ended without an answer: {why or 'it said nothing'}")
        answer = msgspec.json.decode(line)
        if "answers" in answer:
            found: list[dict[str, Any]] = answer["answers"]
            return found
        said = [b64encode(each).decode() for each in await sequenced()]
