"""One tenant's bad records halt nobody; everybody's do."""

from collections.abc import Sequence
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from proofwatch.bus.dead_letters.cap import WINDOW, Cap
from proofwatch.bus.dead_letters.limit import OVER, DeadLetterLimit
from proofwatch.bus.dead_letters.tenants import UNKNOWN, Account, add, halts, over, rebuild_account, tenant_of
from proofwatch.bus.errors import Halted
from proofwatch.bus.local.bus import LocalBus
from proofwatch.bus.records import Batch, Outgoing, Output, Rejection, TopicPartition
from proofwatch.runtime.clock import SimulatedClock
from tests.unit.bus.stages import Recording

AT = TopicPartition("in", 0)
CAP = Cap(0.01, 1_000, by_tenant=True)


def account(*stretches: tuple[int, str | None]) -> Account:
    """Stretches of records, each good (None) or refused of a tenant."""
    made = Account()
    for count, tenant in stretches:
        made = add(made, count, [(n, "malformed", tenant) for n in range(count)] if tenant else [])
    return made


@pytest.mark.parametrize(
    ("key", "tenant"),
    [
        (b"acme/s-1", "acme"),
        (b"acme", "acme"),
        (b"acme-2/a/b", "acme-2"),
        (None, UNKNOWN),
        (b"", UNKNOWN),
        (b"/s", UNKNOWN),
        (b"Acme/s", UNKNOWN),
        (b"\xff/s", UNKNOWN),
        ("é/s".encode(), UNKNOWN),
        (b"a" * 64, UNKNOWN),
    ],
)
def test_the_tenant_is_what_the_key_names(key: bytes | None, tenant: str) -> None:
    """A key that names none is of whoever is unknown, all of them together."""
    assert tenant_of(key) == tenant


@pytest.mark.parametrize("tenant", ["acme", UNKNOWN])
def test_one_tenant_never_halts_however_much_of_it_is_refused(tenant: str) -> None:
    """Neither a flood of nothing else nor a share; it is beyond its cap."""
    for made in (
        account((5_000, tenant)),
        account((9_000, None), (1_000, tenant)),
        account((2_000, None), (30, tenant)),
    ):
        assert halts(made, CAP) is None
        assert over(made, CAP) == {tenant: len(made.dead)}


def test_a_tenant_within_its_share_is_not_spoken_of_and_comes_back() -> None:
    """1 % of the last 10,000 is the cap; what is older counts no more."""
    assert over(account((9_900, None), (100, "acme")), CAP) == {}
    assert over(account((9_899, None), (101, "acme")), CAP) == {"acme": 101}
    assert over(account((9_899, None), (101, "acme"), (WINDOW, None)), CAP) == {}


def test_when_others_are_refused_too_the_reader_is_to_blame() -> None:
    """Nearly everything of several tenants: a schema that was not deployed, not a producer."""
    assert halts(account((800, "acme"), (199, "bank")), CAP) is None
    run = halts(account((800, "acme"), (200, "bank")), CAP)
    assert run
    assert (run.kind, run.dead) == ("run", 1_000)
    mixed = [(100, "acme"), (1, None), (80, "bank")] * 20
    rate = halts(account(*mixed), CAP)
    assert rate
    assert rate.kind == "rate"
    assert halts(account(*[(100, "acme"), (100, None), (5, "bank")] * 20), CAP) is None


@given(st.lists(st.tuples(st.integers(1, 700), st.sampled_from([None, "a", "b"])), max_size=30), st.integers(1, 400))
def test_an_account_is_a_function_of_the_records_not_of_the_batches(
    stretches: list[tuple[int, str | None]], size: int
) -> None:
    """However they are cut; and the dead letters alone bring it back."""
    flat = [tenant for count, tenant in stretches for _ in range(count)]
    cut = Account()
    for first in range(0, len(flat), size):
        part = flat[first : first + size]
        cut = add(cut, len(part), [(n, "malformed", tenant) for n, tenant in enumerate(part) if tenant])
    whole = account(*stretches)
    assert cut == whole
    again = rebuild_account(len(flat), [(n, "malformed", tenant) for n, tenant in enumerate(flat) if tenant])
    assert [(whole.seen - each.ordinal, each.tenant) for each in whole.dead] == [
        (again.seen - each.ordinal, each.tenant) for each in again.dead
    ]
    assert halts(again, CAP) is None or halts(whole, CAP) is not None


class Picky(Recording):
    """Refuses what is not `good`."""

    async def step(self, batch: Batch, tx: object) -> Sequence[Output]:
        copies = await super().step(batch, tx)
        return [
            out if record.value == b"good" else Rejection(record, "malformed", "$: is not JSON")
            for record, out in zip(batch.records, copies, strict=True)
        ]


async def stepped(*records: tuple[bytes, bytes], cut: int = 50) -> tuple[int, list[Any]]:
    """Let a capped stage see the records, 10 s apart; return the dead letters, and what was said of tenants."""
    bus = LocalBus({"in": 1, "out": 1, "in.dlq": 1}, SimulatedClock())
    await bus.publish([Outgoing("in", key, value, 0, 1) for key, value in records])
    stage: DeadLetterLimit[None] = DeadLetterLimit(Picky(), Cap(0, 100, by_tenant=True), "picky", bus)
    taken = [record async for record in bus.read(AT)]
    await stage.opened(AT, 0, bus.consumer("r", ["in"]).history(AT, 0))
    dead = 0
    with structlog.testing.capture_logs() as logs:
        for number, first in enumerate(range(0, len(taken), cut)):
            part = taken[first : first + cut]
            batch = Batch(AT, part, first, first + len(part), 1, 10_000 * number)
            dead += sum(isinstance(out, Rejection) for out in [*await stage.step(batch, None)])
    return dead, [line for line in logs if "dead_letter_cap" in line["event"]]


async def test_a_tenant_beyond_the_cap_is_told_once_and_then_every_minute_and_the_others_go_on() -> None:
    """All of its bad records are dead letters, all good ones are decided; when it mends itself that is said too."""
    flood, others = [(b"acme/s", b"bad")] * 600, [(b"bank/s", b"good")] * 50
    dead, said = await stepped(*flood, *others)
    assert dead == 600
    assert [line["event"] for line in said] == [
        "tenant_beyond_dead_letter_cap",
        "tenant_beyond_dead_letter_cap",
        "tenant_within_dead_letter_cap",
    ]
    assert {line["tenant"] for line in said} == {"acme"}
    assert ("picky", "in", 0) not in OVER


async def test_what_nobody_gets_through_halts() -> None:
    """Two tenants of which nothing is readable."""
    with pytest.raises(Halted, match="200 records in a row"):
        await stepped(*[(b"acme/s", b"bad"), (b"bank/s", b"bad")] * 200)
