"""A view from the question to the last byte, and every way in which nothing is to be seen."""

import asyncio
import io
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from PIL import Image

from proofwatch.access.roles import Role
from proofwatch.audit.checkpoint import Checkpoint
from proofwatch.audit.note import SigningKey
from proofwatch.bus.errors import BusUnavailable
from proofwatch.bus.records import Outgoing, TopicPartition
from proofwatch.events import topics
from proofwatch.events.codec import AUDIT_CHECKPOINT
from proofwatch.events.types import AuditCheckpoint
from services.imagery.core.facts import Limits
from services.imagery.core.lease import Terms
from services.imagery.handlers.broker import Showing
from services.imagery.handlers.refusals import Denied, NotSignedIn, Unavailable
from services.imagery.handlers.sweep import Sweep
from services.imagery.ports import Undelivered
from tests.integration.imagery.house import BY, CASE, TRANSACTION, House, all_of, asked, somebody_before
from tests.unit.audit.a_log import LOG_KEY

Act = Callable[[], Awaitable[Any]]
_SIZE = "select size from audit.log"


async def published(house: House) -> int:
    """The size of the newest checkpoint that is on the topic."""
    sizes = [
        AUDIT_CHECKPOINT.decode(record.value).size
        async for record in house.bus.read(TopicPartition(topics.AUDIT_CHECKPOINTS, 0))
    ]
    return max(sizes, default=0)


async def place(house: House, entry_id: str) -> int | None:
    found: int | None = await house.pool.fetchval("select index from audit.entries where entry_id = $1", entry_id)
    return found


async def pending(house: House) -> int:
    found: int = await house.pool.fetchval("select count(*) from audit.pending")
    return found


@contextmanager
def before_fetching(house: House, act: Act) -> Iterator[None]:
    """Let something happen just before the store is asked."""
    true = house.store

    async def acting(*given: Any) -> bytes:
        await act()
        data: bytes = await true.fetch(*given)
        return data

    house.store = type("Acting", (), {"fetch": staticmethod(acting)})()
    yield
    house.store = true


@contextmanager
def after_rendering(house: House, act: Act) -> Iterator[None]:
    """Let something happen when the picture is there, and has not left."""
    true = house.opening._renderer

    async def acting(*given: Any, **how: Any) -> Any:
        found = await true.render(*given, **how)
        await act()
        return found

    house.opening._renderer = type("Acting", (), {"render": staticmethod(acting)})()
    yield
    house.opening._renderer = true


@contextmanager
def after_leaving(house: House, act: Act) -> Iterator[None]:
    """Let something happen when the entry has left, and nothing was fetched."""
    true = house.checkpoints.left

    async def acting(*given: Any) -> None:
        await true(*given)
        await act()

    house.checkpoints.left = acting  # type: ignore[method-assign, assignment]
    yield
    house.checkpoints.left = true  # type: ignore[method-assign]


STEPS = [after_leaving, before_fetching, after_rendering]


async def test_a_granted_view_shows_a_marked_picture_and_leaves_three_entries(house: House) -> None:
    session, broker = await house.sign_in(), house.broker()
    seen: list[tuple[int | None, int]] = []

    async def look() -> None:
        view = (await house.entries("imagery.view_intended"))[0].entry_id
        seen.append((await place(house, view), await published(house)))

    lease = await broker.lease(session.session_id, asked())
    with before_fetching(house, look):
        showing = await broker.show(session.session_id, lease.lease_id, sharp=True)
    body = await all_of(showing)
    assert (showing.media_type, house.fetched) == ("image/jpeg", 1)
    image = Image.open(io.BytesIO(body))
    assert image.format == "JPEG"
    assert not image.getexif()
    index, size = seen[0]
    assert index is not None, "the entry was sequenced before the store was asked"
    assert size > index, "and a checkpoint with it was on the topic"
    granted, intended, ended = await house.entries()
    assert [each.outcome for each in (granted, intended, ended)] == ["granted", "granted", "done"]
    assert (ended.details["state"], ended.details["bytes"]) == ("delivered", len(body))
    assert intended.reason == "one face, two names"
    assert granted.authority.policy
    whole = repr((granted, intended, ended))
    assert TRANSACTION not in whole
    assert "s3://" not in whole


async def test_blurred_and_sharp_differ(house: House) -> None:
    session, broker = await house.sign_in(), house.broker()
    lease = await broker.lease(session.session_id, asked())
    blurred = await all_of(await broker.show(session.session_id, lease.lease_id, sharp=False))
    sharp = await all_of(await broker.show(session.session_id, lease.lease_id, sharp=True))
    assert blurred != sharp
    with pytest.raises(Denied, match="spent"):
        await broker.show(session.session_id, lease.lease_id, sharp=True)
    assert house.fetched == 2


async def close(house: House, case_id: str) -> None:
    await house.pool.execute("update triage.cases set state = 'closed' where case_id = $1", case_id)


async def erase(house: House, case_id: str) -> None:
    await house.pool.execute("delete from imagery.flagged where transaction_id = $1", f"tx-{case_id}")


async def revoke_lease(house: House, case_id: str) -> None:
    await house.pool.execute("update imagery.leases set revoked_at = granted_at where case_id = $1", case_id)


async def end_session(house: House, _: str) -> None:
    await house.pool.execute("update access.sessions set ended_at = $1, ended_by = 'signed_out'", house.now)


async def change_roles(house: House, _: str) -> None:
    await house.register.give_roles("ada", [Role.ANALYST, Role.CHECKER], ["kestrel"], BY, house.now)


REVOKED: list[Callable[[House, str], Awaitable[None]]] = [
    House.release, close, erase, revoke_lease, end_session, change_roles,
]  # fmt: skip


async def test_what_is_taken_back_between_any_two_steps_shows_nothing(house: House) -> None:
    done = 0
    for revoke in REVOKED:
        for step in STEPS:
            case_id = f"case-{revoke.__name__}-{step.__name__}"
            await house.case(case_id, f"tx-{case_id}")
            session, broker, fetched = await house.sign_in(), house.broker(), house.fetched
            lease = await broker.lease(session.session_id, asked(case_id, f"tx-{case_id}"))

            async def act(revoke: Any = revoke, case_id: str = case_id) -> None:
                nonlocal done
                done += 1
                await revoke(house, case_id)

            with step(house, act), pytest.raises(Denied):
                await broker.show(session.session_id, lease.lease_id, sharp=True)
            assert house.fetched - fetched == (0 if step is after_leaving else 1)
            last = (await house.entries())[-1]
            assert (last.action, last.outcome, last.details["state"], last.details["bytes"]) == (
                "imagery.view_ended", "denied", "withheld", 0,
            )  # fmt: skip
            assert not broker.sending
    assert done == len(REVOKED) * len(STEPS)


async def slowly(showing: Showing, taken: list[bytes]) -> None:
    async for chunk in showing.chunks:
        taken.append(chunk)
        await asyncio.sleep(0.1)


async def test_an_open_stream_stops_within_a_second(house: House) -> None:
    """It is looked after four times a second; what had left by then is told as seen."""
    house.terms = house.terms._replace(chunk_bytes=512)
    for revoke in REVOKED:
        case_id = f"case-{revoke.__name__}"
        await house.case(case_id, f"tx-{case_id}")
        session, broker = await house.sign_in(), house.broker()
        lease = await broker.lease(session.session_id, asked(case_id, f"tx-{case_id}"))
        showing = await broker.show(session.session_id, lease.lease_id, sharp=True)
        taken = [await anext(showing.chunks)]
        await revoke(house, case_id)
        with pytest.raises(Denied):
            await slowly(showing, taken)
        assert len(taken) < 12
        ended = (await house.entries())[-1]
        assert (ended.details["state"], ended.details["bytes"]) == ("delivered", sum(map(len, taken)))
        assert ended.details["reason_code"]


async def test_without_an_auditor_nothing_is_fetched(house: House) -> None:
    house.terms = house.terms._replace(view_s=0.3)
    session, broker = await house.sign_in(), house.broker()
    lease = await broker.lease(session.session_id, asked())
    await house.silence()
    with pytest.raises(Unavailable, match="before its entry has left"):
        await broker.show(session.session_id, lease.lease_id, sharp=True)
    assert house.fetched == 0
    assert (await house.entries())[-1].details["state"] == "withheld"


@pytest.mark.parametrize("reads", [True, False])
async def test_while_the_topic_is_away_what_is_in_the_log_opens_nothing_and_once_it_is_back_it_does(
    house: House, monkeypatch: pytest.MonkeyPatch, reads: bool
) -> None:
    """An entry that was sequenced and signed has not left: a database that is set back would not have it."""
    house.terms = Terms(minutes=5, views=2, view_s=1.0)
    session, broker = await house.sign_in(), house.broker()
    lease = await broker.lease(session.session_id, asked())
    async with asyncio.timeout(30):
        while await pending(house) or await published(house) < await house.pool.fetchval(_SIZE):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    published_by = house.bus.publish

    async def away(*_: Any, **__: Any) -> Any:
        raise BusUnavailable("Kafka is away")

    async def no_checkpoint(records: Sequence[Outgoing]) -> None:
        if any(each.topic == topics.AUDIT_CHECKPOINTS for each in records):
            await away()
        await published_by(records)

    with monkeypatch.context() as patch:
        patch.setattr(house.bus, "publish", no_checkpoint)
        if not reads:
            patch.setattr(house.checkpoints._tail, "catch_up", away)
        with pytest.raises(Unavailable, match="before its entry has left"):
            await broker.show(session.session_id, lease.lease_id, sharp=True)
        (intent,) = await house.entries("imagery.view_intended")
        index = await place(house, intent.entry_id)
        assert index is not None, "the log has the entry"
        signed = "select max(size) from audit.checkpoints where published_at is null"
        assert await house.pool.fetchval(signed) > index, "a checkpoint that has it is signed"
        assert await published(house) <= index, "and has not left"
        assert (house.fetched, broker.sending) == (0, set())
        assert (await house.entries("imagery.view_ended"))[-1].details["state"] == "withheld"
    showing = await broker.show(session.session_id, lease.lease_id, sharp=True)
    assert await all_of(showing)
    assert house.fetched == 1
    assert await published(house) > index


async def test_of_many_views_at_once_as_many_as_the_day_has_left_are_shown(house: House) -> None:
    """Each is decided behind the one before, whatever grant it comes of."""
    session, broker = await house.sign_in(), house.broker(Limits(views_a_day=1))
    leases = [await broker.lease(session.session_id, asked()) for _ in range(3)]
    found = await asyncio.gather(
        *(broker.show(session.session_id, each.lease_id, sharp=True) for each in leases), return_exceptions=True
    )
    shown = [each for each in found if not isinstance(each, BaseException)]
    assert [len(shown), house.fetched] == [1, 1]
    assert {each.code for each in found if isinstance(each, Denied)} == {"quota_spent"}
    assert await all_of(shown[0])


async def test_a_replayed_grant_is_told_once_the_bus_answers_again(house: House) -> None:
    """Denied and entered meanwhile; once for each who tried, however often they did."""
    broker = house.broker()
    mine, other = await house.sign_in(), await house.sign_in()
    lease = await broker.lease(mine.session_id, asked())
    house.bus_away = True
    for _ in range(2):
        with pytest.raises(Denied, match="another session"):
            await broker.show(other.session_id, lease.lease_id, sharp=True)
    assert (house.told, await broker.tell_late()) == ([], 0)
    house.bus_away = False
    assert [await broker.tell_late(), await broker.tell_late()] == [1, 0]
    assert [each.kind for each in house.told] == ["replayed_grant"]


@pytest.mark.parametrize(
    "lie",
    [
        "update audit.entries set leaf = replace(encode(leaf, 'escape'), 'one face', 'no face')::bytea",
        "update audit.entries set leaf_hash = sha256(leaf_hash)",
        "update audit.entries set index = index + 1000 where action = 'imagery.view_intended'",
        "update audit.nodes set hash = sha256(hash)",
    ],
)
async def test_a_database_that_lies_about_the_log_shows_nothing(
    house: House, lie: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The entry must be the one that was entered, and the checkpoint must prove it."""
    session, broker = await house.sign_in(), house.broker()
    lease = await broker.lease(session.session_id, asked())
    checkpoints, find = house.checkpoints, house.checkpoints._audit.find
    left, told = checkpoints.left, 0

    async def lying(intent: Any, _: float) -> None:
        """Once a checkpoint has it, however long that takes: then the tables change."""
        nonlocal told
        checkpoints._waiting += 1
        async with asyncio.timeout(60):
            while await find(intent.entry_id, checkpoints._tip.size) is None:  # noqa: ASYNC110 — nobody tells
                await asyncio.sleep(0.02)
        await house.silence()
        await house.pool.execute(lie)
        told += 1
        await left(intent, 1.0)

    monkeypatch.setattr(checkpoints, "left", lying)
    with pytest.raises(Unavailable):
        await broker.show(session.session_id, lease.lease_id, sharp=True)
    assert (told > 0, house.fetched) == (True, 0)


async def test_a_checkpoint_of_another_key_counts_for_nothing_and_a_fork_closes_everything(house: House) -> None:
    session, broker = await house.sign_in(), house.broker()
    lease = await broker.lease(session.session_id, asked())
    await house.silence()
    house.terms = house.terms._replace(view_s=0.3)
    broker = house.broker()

    async def publish(key: SigningKey, size: int) -> None:
        note = Checkpoint(LOG_KEY.verifier.name, size, b"\1" * 32).signed(key).body().decode()
        event = AuditCheckpoint(
            schema_version=1, origin=LOG_KEY.verifier.name, checkpoint_index=9, size=size, note=note
        )
        await house.bus.publish([Outgoing(topics.AUDIT_CHECKPOINTS, b"k", AUDIT_CHECKPOINT.encode(event), 0)])

    await publish(SigningKey.from_seed(LOG_KEY.verifier.name, b"x" * 32), 1_000_000)
    with pytest.raises(Unavailable, match="no checkpoint has had the entry"):
        await broker.show(session.session_id, lease.lease_id, sharp=True)
    assert not house.checkpoints.unready()
    await publish(LOG_KEY, house.checkpoints._tip.size)
    await house.until(lambda: bool(house.checkpoints.unready()))
    assert "two roots" in house.checkpoints.unready()[0]
    with pytest.raises(Unavailable, match="two roots"):
        await broker.show(session.session_id, lease.lease_id, sharp=True)
    assert house.fetched == 0


async def test_a_grant_in_another_session_is_denied_and_told(house: House) -> None:
    broker = house.broker()
    mine, other = await house.sign_in(), await house.sign_in()
    await house.add("ben")
    stranger = await house.sign_in("ben")
    lease = await broker.lease(mine.session_id, asked())
    for session in (other, stranger):
        with pytest.raises(Denied, match="another session"):
            await broker.show(session.session_id, lease.lease_id, sharp=True)
        last = (await house.entries())[-1]
        alert = house.told[-1]
        assert (alert.kind, alert.severity) == ("replayed_grant", "critical")
        assert session.person_id in alert.summary
        said = alert.access
        assert said
        assert (said.case_id, said.grant_id, said.person) == (CASE, lease.lease_id, session.person_id)
        assert (said.granted_to, said.second_person, said.until) == (mine.person_id, None, None)
        assert (last.outcome, last.details["reason_code"], last.actor.id) == (
            "denied",
            "other_session",
            session.person_id,
        )
    assert house.fetched == 0
    assert len(house.told) == 2
    with pytest.raises(NotSignedIn):
        await broker.show("nobody", lease.lease_id, sharp=True)
    with pytest.raises(Denied, match="no such grant"):
        await broker.show(mine.session_id, "made-up", sharp=True)


async def test_refusals_are_entries_with_their_reason(house: House) -> None:
    broker = house.broker(Limits(confirmed_within_s=60, views_a_day=1))
    await house.add("ben")
    await house.add("cleo", Role.AUDITOR, tenants=None)
    await house.case("5f0c6c70-5b0e-5a3e-9f0e-000000000002", "tx-2", who="ben")
    ada, ben, cleo = await house.sign_in(), await house.sign_in("ben"), await house.sign_in("cleo")
    expected = [
        (ben, asked(), "case_not_assigned"),
        (cleo, asked(), "no_role"),
        (ada, asked(transaction="tx-2"), "not_in_case"),
        (ada, asked(transaction="tx-9"), "not_flagged"),
        (ada, asked("no-such-case"), "other_tenant"),
        (ada, asked(reason="  "), "reason_missing"),
        (ada, asked()._replace(tenant="heron"), "other_tenant"),
    ]
    for session, question, reason in expected:
        with pytest.raises(Denied) as denied:
            await broker.lease(session.session_id, question)
        assert denied.value.code == reason
        last = (await house.entries())[-1]
        assert (last.action, last.outcome, last.details["reason_code"]) == ("imagery.lease", "denied", reason)
        assert last.actor.id == session.person_id
    lease = await broker.lease(ada.session_id, asked())
    await all_of(await broker.show(ada.session_id, lease.lease_id, sharp=False))
    with pytest.raises(Denied, match="views of today are spent"):
        await broker.show(ada.session_id, lease.lease_id, sharp=True)
    house.later(seconds=61)
    with pytest.raises(Denied, match=r"one-time code again|views of today"):
        await broker.lease(ada.session_id, asked())
    assert house.fetched == 1


async def test_a_store_without_the_object_is_undelivered(house: House) -> None:
    session, broker = await house.sign_in(), house.broker()
    (house.folder / "store" / "imagery" / "kestrel" / TRANSACTION).unlink()
    lease = await broker.lease(session.session_id, asked())
    with pytest.raises(Undelivered):
        await broker.show(session.session_id, lease.lease_id, sharp=True)
    ended = (await house.entries())[-1]
    assert (ended.outcome, ended.details["state"], ended.details["bytes"]) == ("failed", "undelivered", 0)


async def test_what_is_no_picture_is_undelivered(house: House) -> None:
    session, broker = await house.sign_in(), house.broker()
    (house.folder / "store" / "imagery" / "kestrel" / TRANSACTION).write_text("<svg onload='alert(1)'/>")
    lease = await broker.lease(session.session_id, asked())
    with pytest.raises(Undelivered, match="SVG"):
        await broker.show(session.session_id, lease.lease_id, sharp=True)


async def test_settings_that_are_withdrawn_close_the_store(house: House) -> None:
    session, broker = await house.sign_in(), house.broker()
    lease = await broker.lease(session.session_id, asked())
    house.tenant = None
    with pytest.raises(Denied, match="does not lie in the store"):
        await broker.show(session.session_id, lease.lease_id, sharp=True)
    assert house.fetched == 0


async def test_a_view_whose_process_died_counts_as_seen(house: House) -> None:
    session, broker = await house.sign_in(), house.broker()
    lease = await broker.lease(session.session_id, asked())

    stuck, other = asyncio.Event(), house.broker()

    async def hang() -> None:
        stuck.set()
        await asyncio.Event().wait()

    with before_fetching(house, hang):
        view = asyncio.create_task(broker.show(session.session_id, lease.lease_id, sharp=True))
        await stuck.wait()
    own, another = (
        Sweep(house.tables, house.clock, each.sending, 120, house.glass(each).step) for each in (broker, other)
    )
    house.later(seconds=121)
    assert await own.step() == 0, "this process has it in hand"
    assert await another.step() == 1, "to another it is as if it had died"
    assert await another.step() == 0
    ended = (await house.entries())[-1]
    assert (ended.details["state"], ended.details["reason_code"]) == ("presumed_seen", "process_ended")
    view.cancel()
    with pytest.raises(asyncio.CancelledError):
        await view
    assert (await house.entries())[-1] == ended, "what comes back to life tells nothing else"


async def test_who_waits_for_another_is_no_clock_that_is_set_back(house: House) -> None:
    """The time of a decision is taken once it is its turn: for a lease, a view and each look at a view in hand."""
    session, broker = await house.sign_in(), house.broker()
    async with somebody_before(house):
        leased = asyncio.create_task(broker.lease(session.session_id, asked()))
    lease = await leased
    async with somebody_before(house):
        shown = asyncio.create_task(broker.show(session.session_id, lease.lease_id, sharp=False))
    showing = await shown
    async with somebody_before(house):
        still = asyncio.create_task(broker._still(lease))
    await still
    assert await all_of(showing)
    codes = [entry.details.get("reason_code") for entry in await house.entries()]
    assert codes == [None] * 3, "granted, intended, delivered"


async def test_a_clock_that_is_set_back_opens_nothing(house: House) -> None:
    session, broker = await house.sign_in(), house.broker()
    lease = await broker.lease(session.session_id, asked())
    house.clock._now_ms -= 1_000
    with pytest.raises((Denied, NotSignedIn)):
        await broker.lease(session.session_id, asked())
    with pytest.raises((Denied, NotSignedIn)):
        await broker.show(session.session_id, lease.lease_id, sharp=True)
    assert house.fetched == 0
