"""A training export from a bus and a real database: whose data is in it, what is on record, and what is left behind."""

import hashlib
import json
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pyarrow.parquet as pq
import pytest

from proofwatch.audit.entry import Entry, entry_of
from proofwatch.bus.local.bus import LocalBus
from proofwatch.bus.postgres.pool import create_pool
from proofwatch.bus.records import Outgoing, TopicPartition
from proofwatch.events import topics
from proofwatch.governance.consent_words import ConsentsBehind
from proofwatch.governance.pseudonyms import subject_tag
from proofwatch.governance.purposes import Purpose
from proofwatch.instants import instant_of
from proofwatch.new_file import NotNew
from proofwatch.privacy.data_keys import tag_of
from proofwatch.privacy.key_encryption import EpochKeys
from proofwatch.privacy.postgres_keys import PostgresKeys
from proofwatch.runtime.clock import SimulatedClock
from proofwatch.runtime.migrations import migrate
from services.outputs import training, training_files
from services.outputs.training import Ask, Exported, Moving, export

SECRET = bytes(range(32))
KEYS = EpochKeys({1: SECRET})
NOW_MS = 1_767_225_600_000
NOW = instant_of(NOW_MS)


class Scene:
    def __init__(self, pool: asyncpg.Pool, folder: Path) -> None:
        self.pool = pool
        self.folder = folder / "set"
        self.clock = SimulatedClock(NOW_MS)
        self.bus = LocalBus({spec.name: 2 for spec in topics.kafka_specs()}, self.clock)

    async def proof(self, subject: str, number: int, tenant: str = "acme", **more: Any) -> None:
        document = {
            "schema_version": 1,
            "tenant": tenant,
            "transaction_id": f"tx-{subject}-{number}",
            "subject_ref": subject,
            "occurred_at": "2025-12-31T12:00:00Z",
            "match_score": 0.9,
            "segments": {"country": subject.upper()},
            **more,
        }
        key, value = f"{tenant}/{subject}".encode(), json.dumps(document).encode()
        await self.bus.publish([Outgoing(topics.TRANSACTIONS, key, value, None, NOW_MS)])

    async def consent(self, subject: str, granted: bool, ends: datetime | None = None) -> None:
        await self.pool.execute(
            "insert into consents.words values ('acme', $1, 'improve_and_develop', $2, $3, $4) "
            "on conflict (tenant, subject_tag, purpose) do update set granted = excluded.granted",
            subject_tag(SECRET, "acme", subject),
            granted,
            NOW - timedelta(days=1),
            ends,
        )

    async def export(self) -> Exported:
        ask = Ask("acme", 0, self.folder, "r.mehta", "liveness model 5")
        return await export(ask, self.bus, self.pool, SECRET, self.clock, keys=KEYS)

    async def move_tags(self) -> None:
        """As `proofwatch keys tags` does, which needs people."""
        rows = await self.pool.fetch("select distinct tenant, subject_tag from consents.words")
        keys = await PostgresKeys(KEYS).held_or_made(self.pool, [(row[0], row[1]) for row in rows])
        moved = [(tenant, mark, tag_of(key)) for (tenant, mark), key in keys.items()]
        for columns in moved:
            await self.pool.execute("select consents.retag(array[$1], array[$2], array[$3])", *columns)
        await self.pool.execute("update privacy.tagging set moved_at = now()")

    def rows(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = pq.read_table(self.folder / "training.parquet").to_pylist()
        return found

    async def entries(self) -> list[Entry]:
        return [
            entry_of(row[0]) for row in await self.pool.fetch("select entry from audit.pending order by pending_id")
        ]


@pytest.fixture
async def scene(postgres_dsn: str, tmp_path: Path) -> AsyncIterator[Scene]:
    await migrate(postgres_dsn)
    pool = await create_pool(postgres_dsn)
    try:
        yield Scene(pool, tmp_path)
    finally:
        await pool.close()


@pytest.mark.parametrize("moved", [False, True], ids=["tags of the secret", "tags of data keys"])
async def test_each_subject_is_in_it_as_far_as_it_consented(scene: Scene, moved: bool) -> None:
    """Four states, another tenant, a repeated event, a label; what was withheld is counted, on record, and hashed."""
    for subject in ("granted", "withdrawn", "expired", "never"):
        await scene.proof(subject, 1)
    await scene.proof("granted", 1)
    await scene.proof("granted", 1, tenant="other")
    await scene.consent("granted", True)
    await scene.consent("withdrawn", False)
    await scene.consent("expired", True, NOW)
    if moved:
        await scene.move_tags()
    await scene.pool.execute(
        "insert into ledger.transactions(tenant, transaction_id, pair_class, pair_probability) "
        "values ('acme', 'tx-granted-1', 'genuine', 0.5), ('other', 'tx-never-1', 'impostor', 1)"
    )

    done = await scene.export()

    assert (done.rows, done.left_out) == (3, 1)
    assert done.withheld == {"consent_expired": 1, "consent_missing": 1, "consent_withdrawn": 1}
    rows = scene.rows()
    assert sorted(str(row["segments"]) for row in rows) == ["None", "None", "[('country', 'GRANTED')]"]
    assert [(row["pair"], row["pair_probability"]) for row in rows if row["segments"]] == [("genuine", 0.5)]
    assert all(row["pair"] is None for row in rows if not row["segments"])

    manifest = (scene.folder / "manifest.json").read_bytes()
    data = (scene.folder / "training.parquet").read_bytes()
    assert hashlib.sha256(manifest).hexdigest() == done.manifest
    assert json.loads(manifest)["files"] == {"training.parquet": hashlib.sha256(data).hexdigest()}
    for secret in (b"acme", b"tx-", b"WITHDRAWN", b"EXPIRED", b"NEVER"):
        assert secret not in manifest + data.replace(b"consent_withdrawn", b"")

    [made] = await scene.entries()
    assert (made.action, made.outcome, made.purpose) == ("training.exported", "done", Purpose.IMPROVE_AND_DEVELOP)
    assert (made.tenant, made.reason, made.actor.id) == ("acme", "liveness model 5", "r.mehta")
    assert made.details["manifest"] == done.manifest
    assert made.details["withheld.consent_missing"] == 1


async def restrict(scene: Scene, subject: str) -> None:
    mark = subject_tag(SECRET, "acme", subject)
    await scene.pool.execute(
        "insert into privacy.holds(hold_id, tenant, mark, reason, placed_by, placed_at, ground, tag) "
        "values ($1, 'acme', $2, 'ticket', 'pia', $3, 'accuracy', $2)",
        f"hold-{subject}",
        mark,
        NOW,
    )


async def test_whose_processing_is_restricted_is_not_in_it_and_counted(scene: Scene) -> None:
    """Nothing of them, whatever they consented to; their namesake at another tenant is of another tenant's set."""
    for subject in ("granted", "restricted"):
        await scene.proof(subject, 1)
        await scene.consent(subject, True)
    await restrict(scene, "restricted")

    done = await scene.export()

    assert (done.rows, done.left_out, done.withheld) == (1, 1, {"processing_restricted": 1})
    assert [row["segments"] for row in scene.rows()] == [[("country", "GRANTED")]]
    [made] = await scene.entries()
    assert (made.details["left_out"], made.details["withheld.processing_restricted"]) == (1, 1)


async def test_a_restriction_while_it_is_written_takes_effect(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """The set was written with the person; it is written anew without, before anything is there."""
    for subject in ("granted", "other"):
        await scene.proof(subject, 1)
    written: list[int] = []

    def write(folder: Path, rows: Any, about: Any) -> str:
        written.append(len(rows))
        return training_files.write(folder, rows, about)

    true = training._handed_over

    async def after(*given: Any) -> Any:
        if len(written) == 1:
            await restrict(scene, "other")
        return await true(*given)

    monkeypatch.setattr(training, "write", write)
    monkeypatch.setattr(training, "_handed_over", after)

    assert (await scene.export()).left_out == 1
    assert written == [2, 1]


async def test_a_withdrawal_while_it_is_written_takes_effect(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """The set was written with it; it is written anew without, before anything is there."""
    await scene.proof("granted", 1)
    await scene.proof("other", 1)
    await scene.consent("granted", True)
    written: list[int] = []

    def write(folder: Path, rows: Any, about: Any) -> str:
        written.append(len(rows))
        return real(folder, rows, about)

    async def read(tx: Any, bus: Any) -> None:
        if len(written) == 1:
            await scene.consent("granted", False)

    real = training_files.write
    monkeypatch.setattr("services.outputs.training.write", write)
    monkeypatch.setattr(training, "require_read", read)

    done = await scene.export()

    assert written == [2, 1]
    assert (done.rows, done.left_out) == (1, 1)
    assert [row["segments"] for row in scene.rows()] == [None]
    assert len(await scene.entries()) == 1


async def how_it_ended(scene: Scene) -> list[tuple[str, Any]]:
    """The outcomes that are on record, with why."""
    return [(each.outcome, each.details.get("why")) for each in await scene.entries()]


async def test_while_consents_are_behind_nothing_is_handed_over(scene: Scene) -> None:
    """What nobody has read may be a withdrawal. No folder, entered as failed; with the position come up, it goes."""
    await scene.proof("granted", 1)
    await scene.consent("granted", True)
    key = b"acme/granted/improve_and_develop"
    await scene.bus.publish([Outgoing(topics.CONSENTS, key, b"{}", 1, NOW_MS)])

    with pytest.raises(ConsentsBehind, match=r"onboarding.consents.v1/1 has records from offset 0"):
        await scene.export()
    assert list(scene.folder.parent.iterdir()) == []
    assert await how_it_ended(scene) == [("failed", "ConsentsBehind")]

    at = TopicPartition(topics.CONSENTS, 1)
    await scene.pool.execute("insert into consents.fence(topic, partition, epoch, position) values ($1, $2, 1, 1)", *at)
    assert (await scene.export()).rows == 1


async def test_no_audit_no_output(scene: Scene) -> None:
    """The entry cannot be written: nothing is there, nor beside its place."""
    await scene.proof("granted", 1)
    await scene.pool.execute("alter table audit.pending rename to elsewhere")
    try:
        with pytest.raises(Exception, match="pending"):
            await scene.export()
    finally:
        await scene.pool.execute("alter table audit.elsewhere rename to pending")

    assert list(scene.folder.parent.iterdir()) == []


@pytest.mark.parametrize("way", ["link", "file", "under a file", "no disk"])
async def test_what_cannot_be_made_is_refused_before_anything_is_read(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """In words, and on record as failed, never as done."""

    async def unread(*_: Any) -> None:
        raise AssertionError("something was read")

    monkeypatch.setattr(training, "transactions", unread)
    taken = scene.folder.parent / "taken"
    if way == "link":
        scene.folder.symlink_to("nowhere")
    elif way == "no disk":
        scene.folder = Path("/proc/x/y")
    else:
        taken.write_text("")
        scene.folder = taken if way == "file" else taken / "set"

    with pytest.raises(NotNew, match=r"is there already; name a folder that is not|cannot be written: "):
        await scene.export()

    assert [(each.action, each.outcome) for each in await scene.entries()] == [("training.exported", "failed")]


async def test_what_gets_no_place_is_entered_as_failed_and_not_as_done(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A link came there meanwhile: the entry of the same transaction is undone with it."""
    await scene.proof("granted", 1)

    async def read(tx: Any, bus: Any) -> None:
        if not scene.folder.is_symlink():
            scene.folder.symlink_to("nowhere")

    monkeypatch.setattr(training, "require_read", read)

    with pytest.raises(NotNew, match="is there by now"):
        await scene.export()

    assert [each.outcome for each in await scene.entries()] == ["failed"]
    assert [each.name for each in scene.folder.parent.iterdir()] == ["set"]


async def test_a_full_disk_is_entered_as_failed(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the set is written; nothing of it stays."""
    await scene.proof("granted", 1)

    def full(*_: Any) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(training, "write", full)

    with pytest.raises(NotNew, match="cannot be written: no space left on device"):
        await scene.export()

    assert [each.outcome for each in await scene.entries()] == ["failed"]
    assert list(scene.folder.parent.iterdir()) == []


async def test_what_cannot_be_entered_at_the_end_is_taken_back(scene: Scene) -> None:
    """The set was in its place for a moment, and the database went away before the commit."""
    await scene.proof("granted", 1)

    async with scene.pool.acquire() as connection:
        await connection.execute(
            "create function audit.fail() returns trigger language plpgsql as "
            "$$ begin raise exception 'lost at commit'; end $$"
        )
        await connection.execute(
            "create constraint trigger lost after insert on audit.pending deferrable initially deferred "
            "for each row execute function audit.fail()"
        )
    try:
        with pytest.raises(Exception, match="lost at commit"):
            await scene.export()
    finally:
        await scene.pool.execute("drop trigger lost on audit.pending")
        await scene.pool.execute("drop function audit.fail()")

    assert list(scene.folder.parent.iterdir()) == []
    assert await scene.entries() == []


async def test_consents_that_never_rest_end_in_a_refusal(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """And in no file."""
    await scene.proof("granted", 1)
    said = [True]

    async def read(tx: Any, bus: Any) -> None:
        said.append(not said[-1])
        await scene.consent("granted", said[-1])

    monkeypatch.setattr(training, "require_read", read)

    with pytest.raises(Moving, match="5 times"):
        await scene.export()
    assert list(scene.folder.parent.iterdir()) == []
    assert await how_it_ended(scene) == [("failed", "Moving")]
