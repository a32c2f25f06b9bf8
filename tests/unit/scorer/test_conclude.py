"""What follows from a transaction: the quick way says what the plain one says, whatever it spares."""

import hashlib
from collections.abc import Sequence
from datetime import UTC, timedelta, timezone
from typing import Final, Literal

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from proofwatch.detection.velocity import crossings
from proofwatch.events.types import Attempt, Control, Mfa, Shadowing, SubjectState, Transaction
from services.scorer.core import attempts
from services.scorer.core.attempts import CLEAN, Identity, named
from services.scorer.core.books import Book
from services.scorer.core.conclude import Conclusion, Found, conclude, differs, shadow_of
from services.scorer.core.decide import Decided
from services.scorer.core.rulebook import Rulebook
from services.scorer.core.rules import judge
from services.scorer.core.step_up import StepUpTimes, advance, records, with_step_up
from services.scorer.core.subject import NOTHING, pruned
from services.scorer.core.suspicion import FarBelow, Grounds, suspicions
from services.scorer.core.times import occurred_ms
from tests.unit.scorer.samples import BOOK, POLICY, START, START_MS, transaction

STRICTER = Rulebook.of(
    POLICY.model_copy(
        update={
            "name": "stricter",
            "liveness": POLICY.liveness.model_copy(update={"threshold": 0.998}),
            "attempts": POLICY.attempts.model_copy(update={"limit": 2}),
        }
    )
)
VERSIONS: Final = (3, 2)
"""Of controls and patterns."""
ZONES: Final = (UTC, timezone.utc, timezone(timedelta(0)), timezone(timedelta(hours=5, minutes=30)))  # noqa: UP017
_SCORES = st.sampled_from([None, 0.05, 0.29, 0.3, 0.5, 0.849, 0.85, 0.89, 0.95])
_LIVENESS = st.sampled_from([None, 0.05, 0.3, 0.9, 0.994, 0.995, 0.9975, 0.999])


def control(measure: Literal["step_up_mfa", "alarmed_cohort"]) -> Control:
    return Control(
        schema_version=1,
        control_id=f"{measure}-1",
        measure=measure,
        state="on",
        tenant="acme",
        segment_name=None,
        segment_value=None,
        effective_from=START,
        reason="operator",
        evidence={"k": 3.0},
    )


@st.composite
def books(draw: st.DrawFn) -> Book:
    return Book(
        BOOK,
        BOOK.basis(CLEAN.failures, *VERSIONS),
        shadows=draw(st.sampled_from([(), (STRICTER,)])),
        mfa=draw(st.sampled_from([None, control("step_up_mfa")])),
        alarms=draw(st.sampled_from([(), (control("alarmed_cohort"),)])),
    )


@st.composite
def events(draw: st.DrawFn) -> Transaction:
    at = START + timedelta(microseconds=draw(st.integers(0, 90_000_000_000)))
    event = transaction(
        draw(st.integers(0, 3)),
        match_score=draw(_SCORES),
        liveness_score=draw(_LIVENESS),
        attempt_id=draw(st.sampled_from([None, None, "second", "2026-01-15T08:00:00Z"])),
        checks=("match", "liveness"),
    )
    return msgspec.structs.replace(event, occurred_at=at.astimezone(draw(st.sampled_from(ZONES))))


def plain_identity(event: Transaction) -> Identity:
    """BLAKE2b of 64 bits over the id, and over the attempt and what was judged."""
    at = event.occurred_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
    name = at if event.attempt_id is None else event.attempt_id
    texts = (event.transaction_id, f"{name}\0{event.match_score!r}\0{event.liveness_score!r}")
    hashes = [hashlib.blake2b(text.encode(), digest_size=8).digest() for text in texts]
    return Identity(*(int.from_bytes(each, "big", signed=True) for each in hashes))


def plainly_decided(
    event: Transaction, found: Found, history: tuple[Attempt, ...], rulebook: Rulebook, of: Identity
) -> Decided:
    at_ms = occurred_ms(event)
    failures, suspected = attempts.before(history, found.offset, at_ms, of, rulebook.window_ms)
    judgement = judge(event, rulebook, failures)
    raises = judgement.liveness_persists and not suspected
    left = attempts.after(history, found.offset, at_ms, of, judgement.failed, suspicion=raises)
    return Decided(judgement, failures, raises, left)


def plainly(event: Transaction, found: Found, state: SubjectState, book: Book) -> Conclusion:
    """Conclude without sparing anything: every look-up and every rule in turn."""
    rulebook, of, now_ms = book.rulebook, plain_identity(event), found.log_ms
    if attempts.is_further(state.attempts, found.offset, of):
        event = named(event)
    judgement, failures, raises, history = plainly_decided(event, found, state.attempts, rulebook, of)
    basis = rulebook.basis(failures, *VERSIONS)
    crossed = crossings(found.times, found.occurred_ms, rulebook.velocity) if found.times else ()
    grounds = Grounds(raises, crossed, found.patterns, book.alarms)
    limits = FarBelow(rulebook.match_far_below, rulebook.liveness_far_below)
    raised = suspicions(event, judgement, basis, limits, grounds)
    flagged_ms = now_ms if raised else state.flagged_ms
    times = StepUpTimes(rulebook.flagged_ms, rulebook.hold_ms)
    mfa = advance(found.mfa, now_ms, flagged_ms, book.mfa.control_id if book.mfa else None, times)
    told = records(event.tenant, event.subject_ref, found.mfa, mfa)
    different, histories = [], []
    known = {shadow.policy_hash: shadow.attempts for shadow in state.shadows or ()}
    for rules in book.shadows:
        other = plainly_decided(event, found, known.get(rules.policy_hash, ()), rules, of)
        if differs(other.judgement, judgement):
            different.append(shadow_of(event, judgement, rulebook.policy_hash, other.judgement, rules.policy_hash))
        if other.history:
            histories.append(Shadowing(policy_hash=rules.policy_hash, attempts=other.history))
    if mfa:
        judgement, basis = with_step_up(judgement), rulebook.basis(failures, *VERSIONS, step_up=True)
    kept = pruned(state, now_ms, {shadow.policy_hash for shadow in book.shadows})
    left = {"attempts": history, "flagged_ms": flagged_ms, "step_up": mfa, "shadows": tuple(histories) or None}
    if any(getattr(kept, name) != value for name, value in left.items()):
        kept = SubjectState(schema_version=1, offset=found.offset, **left)  # type: ignore[arg-type]
    return Conclusion(event, judgement, basis, raised, told, different, mfa, kept)


@given(st.lists(st.tuples(events(), st.booleans()), min_size=1, max_size=8), books(), st.booleans())
def test_nothing_that_is_spared_changes_what_follows(
    arriving: Sequence[tuple[Transaction, bool]], book: Book, begins_under_step_up: bool
) -> None:
    """Over the whole history of a subject: events, states and step-ups are those of the plain way, step by step."""
    state, mfa = NOTHING, Mfa(control_id="c", since_ms=0, until_ms=START_MS + 5) if begins_under_step_up else None
    for offset, (event, crosses) in enumerate(arriving):
        at_ms = occurred_ms(event)
        times = [at_ms] * BOOK.velocity[0].limit if crosses else None
        found = Found(offset, START_MS + 10 * offset, at_ms, times, (), mfa)
        told = conclude(event, found, state, book)
        assert told == plainly(event, found, state, book)
        state, mfa = told.state, told.mfa


@given(events())
def test_the_identity_of_an_attempt_is_what_its_definition_says(event: Transaction) -> None:
    """In every time zone and spelling of UTC: states of earlier releases hold it."""
    assert attempts.identity(event) == plain_identity(event)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 9)), max_size=4), st.integers(0, 10))
def test_a_short_history_settles_like_a_long_one(entries: Sequence[tuple[bool, int]], position: int) -> None:
    """What a later batch builds on: below its position, and above the last accept."""
    history = tuple(
        Attempt(offset=offset, occurred_ms=0, transaction=offset, failed=int(failed))
        for failed, offset in sorted(entries, key=lambda entry: entry[1])
    )
    below = [entry for entry in history if entry.offset < position]
    cleared = max((at for at, entry in enumerate(below) if not entry.failed), default=-1)
    assert attempts.settled(history, position) == tuple(below[cleared + 1 :])
