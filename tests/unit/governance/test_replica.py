"""Four eyes, times and versions: what counts, from when, and what is refused with which reason."""

import random
from dataclasses import replace
from datetime import UTC, datetime
from unittest.mock import patch

import msgspec
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proofwatch.bus.records import Record
from proofwatch.events import topics
from proofwatch.events.codec import APPROVAL
from proofwatch.governance.activations import Entry, TimelineKey
from proofwatch.governance.documents import Document, content_hash, document_of
from proofwatch.governance.keyring import Keyring
from proofwatch.governance.policy import load_policy
from proofwatch.governance.replica import FOREVER_MS, Regime, Replica
from proofwatch.governance.signer import Signer
from proofwatch.instants import instant_of
from tests.unit.governance.scene import (
    ADA,
    ADA_AGAIN,
    BOB,
    CLEO,
    KEYRING,
    LEAD_MS,
    STRANGER,
    Log,
    activation,
    control,
    folded,
    last_refusal,
    pattern,
    policy,
    published,
    reasons,
    tenant,
)

T0 = 1_000_000_000_000


def thresholds(replica: Replica, log_ms: int) -> dict[str, float]:
    return {scope: policy.liveness.threshold for scope, policy in replica.at(log_ms).policies.items()}


def test_an_approved_policy_decides_from_its_time_on_and_not_a_millisecond_earlier() -> None:
    """The regime before ends exactly where the one after begins."""
    log = Log()
    document = log.approved(policy(0.9), T0)
    log.put(activation(document, "*", T0 + LEAD_MS), T0)
    replica = log.replica()
    before, after = replica.at(T0 + LEAD_MS - 1), replica.at(T0 + LEAD_MS)
    assert not before.policies
    assert after.policies["*"].hash == document.hash
    assert before.until_ms == after.from_ms == T0 + LEAD_MS
    assert (before.from_ms, after.until_ms) == (0, FOREVER_MS)
    assert not replica.refusals


@pytest.mark.parametrize(
    ("signers", "reason"),
    [((), "unsigned"), ((ADA,), "once_signed"), ((ADA, ADA), "once_signed"), ((ADA, ADA_AGAIN), "once_signed")],
    ids=["nobody", "one", "one twice", "two keys of one person"],
)
def test_less_than_two_people_are_refused(signers: tuple[Signer, ...], reason: str) -> None:
    """Two keys of one person are one pair of eyes."""
    log = Log()
    document = log.propose(policy(0.9), T0, *signers)
    log.put(activation(document, "*", T0 + LEAD_MS), T0)
    refusal = last_refusal(log)
    assert refusal
    assert refusal.reason == reason
    assert "two people must approve it" in refusal.message
    assert not log.replica().at(T0 + 10 * LEAD_MS).policies


def test_the_second_signature_counts_when_it_comes_in_time() -> None:
    """The refusal is lifted; a millisecond too late it stays, and activating anew helps."""
    for late_ms, expected in ((0, []), (1, ["signed_too_late"])):
        log = Log()
        document = log.propose(policy(0.9), T0, ADA)
        log.put(activation(document, "*", T0 + 5 * LEAD_MS), T0)
        log.put(BOB.approve(document, instant_of(T0)), T0 + 4 * LEAD_MS + late_ms)
        replica = log.replica()
        assert reasons(replica) == expected
        assert bool(replica.at(T0 + 6 * LEAD_MS).policies) is not bool(expected)
    log.put(activation(document, "*", T0 + 7 * LEAD_MS), T0 + 5 * LEAD_MS)
    assert thresholds(log.replica(), T0 + 7 * LEAD_MS) == {"*": 0.9}


def test_a_document_that_comes_too_late_does_not_count() -> None:
    """Nothing that was not in the log for the lead time can decide, or a replay would decide otherwise."""
    document = document_of(policy(0.9))
    log = Log()
    for signer in (ADA, BOB):
        log.put(signer.approve(document, instant_of(T0)), T0)
    log.put(activation(document, "*", T0 + LEAD_MS), T0)
    assert reasons(log.replica()) == ["unknown_document"] * 3
    log.put(published(document), T0 + 1)
    assert reasons(log.replica()) == ["signed_too_late"]


def test_a_repeated_document_or_approval_changes_nothing() -> None:
    """Who can write to the topics but not sign cannot move what was in force."""
    log = Log()
    document = log.approved(policy(0.9), T0)
    log.put(activation(document, "*", T0 + LEAD_MS), T0)
    approvals = [record for topic, record in log.records if topic == topics.APPROVALS]
    for record in approvals:
        log.put(APPROVAL.decode(record.value), T0 + 9 * LEAD_MS)
    log.put(published(document), T0 + 9 * LEAD_MS)
    replica = log.replica()
    assert thresholds(replica, T0 + LEAD_MS) == {"*": 0.9}
    assert not replica.refusals


def test_a_changed_byte_is_refused() -> None:
    """In the document the hash does not fit; in a signature, the signature; in a signed field, the signature, too."""
    document = document_of(policy(0.9))
    text = document.text.decode()
    forged = text.replace('"threshold":0.9}', '"threshold":0.8}')
    assert forged != text
    log = Log()
    log.put(msgspec.structs.replace(published(document), document=forged), T0)
    assert reasons(log.replica()) == ["wrong_hash"]

    approval = ADA.approve(document, instant_of(T0))
    other = "B" if approval.signature[0] != "B" else "C"
    for changed in (
        msgspec.structs.replace(approval, signature=other + approval.signature[1:]),
        msgspec.structs.replace(approval, signed_at=instant_of(T0 + 1)),
        msgspec.structs.replace(approval, key_id=BOB.key_id),
    ):
        for document_first in (True, False):
            log = Log()
            if document_first:
                log.put(published(document), T0)
            log.put(changed, T0)
            if not document_first:
                log.put(published(document), T0)
            assert reasons(log.replica()) == ["bad_signature"]

    signed = activation(document, "acme", T0 + LEAD_MS)
    for changed_activation in (
        msgspec.structs.replace(signed, scope="*"),
        msgspec.structs.replace(signed, effective_from=instant_of(T0 + LEAD_MS + 1)),
        msgspec.structs.replace(signed, mode="shadow"),
        msgspec.structs.replace(signed, ends_at=instant_of(T0 + 2 * LEAD_MS)),
        msgspec.structs.replace(signed, document_hash="0" * 32),
    ):
        log = Log()
        log.put(changed_activation, T0)
        assert reasons(log.replica()) == ["bad_signature"]


def test_an_approval_is_of_the_whole_document_not_of_its_hash() -> None:
    """Should two texts ever share the short hash, the signature tells them apart."""
    document = document_of(policy(0.9))
    log = Log()
    log.put(published(document), T0)
    log.put(ADA.approve(replace(document, text=b"another text"), instant_of(T0)), T0)
    assert reasons(log.replica()) == ["bad_signature"]


def test_an_approval_of_one_kind_is_none_of_the_other() -> None:
    """The statement names the kind and the whole document."""
    document = document_of(policy(0.9))
    as_tenant = replace(document, kind="tenant")
    log = Log()
    log.put(published(document), T0)
    log.put(BOB.approve(as_tenant, instant_of(T0)), T0)
    log.put(msgspec.structs.replace(ADA.approve(as_tenant, instant_of(T0)), document_kind="policy"), T0)
    assert reasons(log.replica()) == ["unknown_document", "bad_signature"]


def test_keys_must_be_known_and_not_retired() -> None:
    """A key counts by the log time of what it signed."""
    ends = datetime.fromtimestamp(T0 / 1000, UTC)
    retired = ADA.entry("ada").model_copy(update={"not_after": ends})
    approver = BOB.entry("bob").model_copy(update={"roles": ("approve",)})
    keyring = Keyring([retired, approver])
    document = document_of(policy(0.9))
    cases = [
        (ADA.approve(document, ends), T0, None),
        (ADA.approve(document, ends), T0 + 1, "key_expired"),
        (STRANGER.approve(document, ends), T0, "unknown_key"),
        (BOB.approve(document, ends), T0, None),
        (activation(document, "*", T0 + LEAD_MS, BOB), T0, "role_missing"),
        (activation(document, "*", T0 + LEAD_MS, STRANGER), T0, "unknown_key"),
    ]
    for event, log_ms, expected in cases:
        log = Log()
        log.put(published(document), T0)
        log.put(event, log_ms)
        refusal = last_refusal(log, keyring)
        assert (refusal.reason if refusal else None) == expected


def test_an_activation_needs_the_lead_time() -> None:
    """One millisecond less than the lead is refused, and the message says how much is missing."""
    log = Log()
    document = log.approved(policy(0.9), T0)
    log.put(activation(document, "*", T0 + LEAD_MS - 1), T0)
    refusal = last_refusal(log)
    assert refusal
    assert refusal.reason == "lead_too_short"
    assert "1 ms too early" in refusal.message
    assert not log.replica().at(T0 + LEAD_MS).policies


def test_the_narrowest_scope_wins_and_an_end_gives_way_to_the_wider() -> None:
    """Cohort before tenant before everyone; of two cohorts the first segment by name."""
    log = Log()
    everyone, acme, cohort, other = (log.approved(policy(score), T0) for score in (0.90, 0.91, 0.92, 0.93))
    start, end = T0 + LEAD_MS, T0 + 2 * LEAD_MS
    log.put(activation(everyone, "*", start), T0)
    log.put(activation(acme, "acme", start, ends_at=instant_of(end)), T0)
    log.put(activation(cohort, "acme/source=emulator", start), T0)
    log.put(activation(other, "acme/os=android", start, ends_at=instant_of(end)), T0)
    replica = log.replica()
    first, second = replica.at(start), replica.at(end)

    def decides(regime: Regime, tenant: str, segments: dict[str, str] | None) -> str | None:
        found = regime.policy_for(tenant, segments)
        return found.hash if found else None

    assert decides(first, "globex", {"source": "emulator"}) == everyone.hash
    assert decides(first, "acme", None) == acme.hash
    assert decides(first, "acme", {"source": "app"}) == acme.hash
    assert decides(first, "acme", {"source": "emulator"}) == cohort.hash
    assert decides(first, "acme", {"source": "emulator", "os": "android"}) == other.hash
    assert decides(second, "acme", {"source": "emulator", "os": "android"}) == cohort.hash
    assert decides(second, "acme", None) == everyone.hash
    assert (first.cohorts, second.cohorts) == ({"acme": ("os", "source")}, {"acme": ("source",)})


def test_shadows_stand_beside_each_other_until_they_end() -> None:
    """Any number for one scope; the last activation of a document decides about it; none of them is live."""
    log = Log()
    one, two = log.approved(policy(0.90), T0), log.approved(policy(0.91), T0)
    start, later = T0 + LEAD_MS, T0 + 2 * LEAD_MS
    log.put(activation(one, "*", start, mode="shadow"), T0)
    log.put(activation(two, "*", start, mode="shadow"), T0)
    log.put(activation(two, "acme", start, mode="shadow"), T0)
    log.put(activation(one, "*", later, mode="shadow", ends_at=instant_of(later)), T0)
    replica = log.replica()

    def beside(log_ms: int, tenant: str) -> list[str]:
        return [each.hash for each in replica.at(log_ms).shadows_for(tenant, None)]

    assert beside(start - 1, "acme") == []
    assert beside(start, "acme") == [two.hash, one.hash]
    assert beside(later, "globex") == [two.hash]
    assert not replica.at(later).policies


def test_a_rollback_activates_what_was_approved_before() -> None:
    """No new signatures under the document; the regime in between stays what it was."""
    log = Log()
    old, new = log.approved(policy(0.90), T0), log.approved(policy(0.99), T0)
    for number, document in enumerate((old, new, old), start=1):
        log.put(activation(document, "*", T0 + number * LEAD_MS), T0)
    replica = log.replica()
    found = [replica.at(T0 + number * LEAD_MS).policies["*"].hash for number in (1, 2, 3)]
    assert found == [old.hash, new.hash, old.hash]


def test_of_one_scope_and_time_the_later_record_counts() -> None:
    """The key is the same; one that is refused does not push out the one before."""
    log = Log()
    old, new = log.approved(policy(0.90), T0), log.propose(policy(0.99), T0, CLEO)
    log.put(activation(old, "*", T0 + LEAD_MS), T0)
    log.put(activation(new, "*", T0 + LEAD_MS), T0)
    assert thresholds(log.replica(), T0 + LEAD_MS) == {"*": 0.90}
    log.put(BOB.approve(new, instant_of(T0)), T0)
    assert thresholds(log.replica(), T0 + LEAD_MS) == {"*": 0.99}


def test_a_tenants_contract_follows_the_listed_transitions() -> None:
    """draft, active, suspended, active, ended; what is not listed is refused and what was in force stays."""
    log = Log()
    states = ("draft", "suspended", "active", "suspended", "active", "ended", "active")
    for number, state in enumerate(states, start=1):
        document = log.approved(tenant(state=state, time_zone=f"Etc/GMT+{number}"), T0)  # type: ignore[arg-type]
        log.put(activation(document, "acme", T0 + number * LEAD_MS), T0)
    replica = log.replica()
    found = [replica.at(T0 + number * LEAD_MS).tenants["acme"].contract.state for number in range(1, 8)]
    assert found == ["draft", "draft", "active", "suspended", "active", "ended", "ended"]
    assert [(r.offset, r.reason) for r in replica.refusals] == [(1, "unlisted_transition"), (6, "unlisted_transition")]
    assert "draft cannot become suspended; right is active or ended" in replica.refusals[0].message


def test_a_tenants_settings_hold_for_that_tenant_alone() -> None:
    """Not for everyone, not for another, not as a shadow."""
    log = Log()
    document = log.approved(tenant(), T0)
    for scope, mode in (("*", "live"), ("globex", "live"), ("acme/os=ios", "live"), ("acme", "shadow")):
        log.put(activation(document, scope, T0 + LEAD_MS, mode=mode), T0)
    assert reasons(log.replica()) == ["invalid_scope", "scope_mismatch", "invalid_scope", "invalid_scope"]


def test_controls_replace_each_other_and_expire_and_the_version_counts_records() -> None:
    """The version is the offset of the newest record that has taken effect, plus one."""
    log = Log()
    log.put(control(T0 + 2 * LEAD_MS, expires_at=instant_of(T0 + 5 * LEAD_MS)), T0)
    log.put(control(T0 + 3 * LEAD_MS, "off"), T0)
    log.put(control(T0 + LEAD_MS, tenant="globex", expires_at=instant_of(T0 + 4 * LEAD_MS)), T0)
    for keyring in (KEYRING, None):
        replica = log.replica(keyring)
        regimes = [replica.at(T0 + number * LEAD_MS) for number in range(5)]
        assert [[c.tenant for c in regime.controls] for regime in regimes] == [
            [],
            ["globex"],
            ["acme", "globex"],
            ["globex"],
            [],
        ]
        assert [regime.controls_version for regime in regimes] == [0, 3, 3, 3, 3]


def test_a_control_that_was_held_up_takes_effect_late_but_is_not_lost() -> None:
    """It begins the lead time after it reached the log; nobody can have judged by it before."""
    log = Log()
    log.put(control(T0 - 10 * LEAD_MS), T0)
    replica = log.replica()
    assert not replica.refusals
    assert not replica.at(T0 + LEAD_MS - 1).controls
    assert [c.tenant for c in replica.at(T0 + LEAD_MS).controls] == ["acme"]


def test_patterns_are_replaced_by_revision_and_withdrawn() -> None:
    """The highest revision that has taken effect counts, published or withdrawn."""
    log = Log()
    log.put(pattern(T0 + LEAD_MS), T0)
    log.put(pattern(T0 + 2 * LEAD_MS, 2, description="better"), T0)
    log.put(pattern(T0 + 3 * LEAD_MS, 3, "withdrawn"), T0)
    log.put(pattern(T0 + LEAD_MS, 9, predicate='{"field":"subject_ref","op":"eq","value":"x"}'), T0)
    replica = log.replica()
    regimes = [replica.at(T0 + number * LEAD_MS) for number in range(4)]
    assert [[p.revision for p in regime.patterns] for regime in regimes] == [[], [1], [2], []]
    assert [regime.patterns_version for regime in regimes] == [0, 1, 2, 3]
    assert reasons(replica) == ["invalid_predicate"]


def test_a_pattern_in_shadow_is_compared_until_it_is_withdrawn() -> None:
    """It is in force as one that is published; what a match of it does is the scorer's."""
    log = Log()
    log.put(pattern(T0 + LEAD_MS, 1, "shadow", species="virtual_camera"), T0)
    log.put(pattern(T0 + 2 * LEAD_MS, 2), T0)
    log.put(pattern(T0 + 3 * LEAD_MS, 3, "shadow"), T0)
    log.put(pattern(T0 + 4 * LEAD_MS, 4, "withdrawn"), T0)
    replica = log.replica()
    regimes = [replica.at(T0 + number * LEAD_MS) for number in range(5)]
    states = [[p.state for p in regime.patterns] for regime in regimes]
    assert states == [[], ["shadow"], ["published"], ["shadow"], []]


def test_without_a_keyring_only_controls_and_patterns_are_followed() -> None:
    """The policy file decides; what governs policies is not even read."""
    log = Log()
    document = log.approved(policy(0.9), T0)
    log.put(activation(document, "*", T0 + LEAD_MS), T0)
    log.put(control(T0 + LEAD_MS), T0)
    replica = log.replica(None)
    assert not replica.refusals
    assert replica.topics == (topics.CONTROLS, topics.ATTACK_PATTERNS)
    regime = replica.at(T0 + LEAD_MS)
    assert (dict(regime.policies), regime.controls_version) == ({}, 1)


@pytest.mark.parametrize("value", [None, b"", b"{}", b"\xff", b'{"schema_version":2}'])
@pytest.mark.parametrize("topic", Replica(KEYRING).topics)
def test_bad_input_is_refused_and_nothing_else_happens(topic: str, value: bytes | None) -> None:
    """A tombstone, too: nothing is ever deleted from these topics."""
    refusal = Replica(KEYRING).apply(topic, Record(0, T0, b"k", value))
    assert refusal
    assert refusal.reason == "malformed"


def test_a_record_under_another_key_is_refused() -> None:
    """Or a compaction could remove the wrong one."""
    log = Log()
    log.put(control(T0), T0, key=b"another")
    log.put(published(document_of(policy(0.9))), T0, key=b"another")
    assert reasons(log.replica()) == ["wrong_key", "wrong_key"]


def test_a_document_of_an_older_release_keeps_its_hash() -> None:
    """A key that came later has its default; the verdicts name the hash that is in the log."""
    older = orjson.loads(policy(0.9).canonical())
    del older["suspicion"]
    text = orjson.dumps(older, option=orjson.OPT_SORT_KEYS)
    document = Document("policy", content_hash(text), text, policy(0.9))
    log = Log()
    log.put(published(document), T0)
    for signer in (ADA, BOB):
        log.put(signer.approve(document, instant_of(T0)), T0)
    log.put(activation(document, "*", T0 + LEAD_MS), T0)
    found = log.replica().at(T0 + LEAD_MS).policies["*"]
    assert found.hash == document.hash != policy(0.9).hash
    assert found.model_copy(update={"min_trials": 3}).hash not in (found.hash, policy(0.9).hash)


def test_documents_must_be_canonical_and_valid() -> None:
    """So that one content has one hash; a reading error says where."""
    for text, reason in (
        (b'{"name": "x"}', "not_canonical"),
        (b"[]", "not_canonical"),
        (b'{"name":"x","name":"x"}', "not_canonical"),
        (b'{"name":"x"}', "invalid_document"),
    ):
        log = Log()
        log.put(published(Document("policy", content_hash(text), text, policy(0.9))), T0)
        assert reasons(log.replica()) == [reason]


def busy_log() -> Log:
    """Much of everything: late signatures, rollbacks, overlapping scopes, tenants, controls, patterns."""
    log = Log()
    documents = [log.propose(policy(score), T0 + score_ms, ADA) for score_ms, score in enumerate((0.9, 0.91, 0.92))]
    tenants = [log.approved(tenant(state=state), T0) for state in ("draft", "suspended", "active")]
    for number, document in enumerate(documents[:2]):
        log.put(BOB.approve(document, instant_of(T0)), T0 + number * LEAD_MS)
    chosen = random.Random(7)
    for number in range(12):
        scope = chosen.choice(["*", "acme", "acme/os=ios"])
        mode = chosen.choice(["live", "live", "shadow"])
        start = T0 + LEAD_MS + number * LEAD_MS // 3
        ends = instant_of(start + LEAD_MS) if chosen.random() < 0.3 else None
        log.put(activation(chosen.choice(documents), scope, start, mode=mode, ends_at=ends), T0)
    for number in (1, 2, 3, 4):
        log.put(activation(tenants[number % 3], "acme", T0 + number * LEAD_MS), T0)
        log.put(control(T0 + number * LEAD_MS, ("on", "off")[number % 2]), T0 + number)
        log.put(pattern(T0 + number * LEAD_MS, number), T0 + number)
    return log


BUSY = busy_log()
TIMES = [T0 + step * LEAD_MS // 3 + shift for step in range(20) for shift in (0, 1)]


@settings(max_examples=25, deadline=None)
@given(st.randoms(use_true_random=False), st.randoms(use_true_random=False))
def test_the_order_of_reading_makes_no_difference(order: random.Random, asking: random.Random) -> None:
    """Any interleaving of the topics, asked at any times in between, gives the same regimes in the end."""
    expected = folded(BUSY.records)
    replica = Replica(KEYRING, LEAD_MS)
    waiting = {topic: [record for at, record in BUSY.records if at == topic] for topic in replica.topics}
    while waiting:
        topic = order.choice(sorted(waiting))
        replica.apply(topic, waiting[topic].pop(0))
        if not waiting[topic]:
            del waiting[topic]
        if asking.random() < 0.3:
            replica.at(asking.choice(TIMES))
    for log_ms in asking.sample(TIMES, len(TIMES)):
        assert replica.at(log_ms) == expected.at(log_ms)
    assert replica.refusals == expected.refusals


@settings(max_examples=20, deadline=None)
@given(st.integers(0, len(BUSY.records)))
def test_what_is_known_of_the_lead_time_ahead_does_not_change_any_more(cut: int) -> None:
    """A record changes nothing that lies earlier than the lead time after its own log time."""
    in_time = sorted(BUSY.records, key=lambda each: each[1].timestamp_ms)
    whole, part = folded(in_time), folded(in_time[:cut])
    if cut == len(in_time):
        return
    known_until = in_time[cut][1].timestamp_ms + LEAD_MS
    for log_ms in (known_until - 1, known_until - LEAD_MS, T0):
        one, other = whole.at(log_ms), part.at(log_ms)
        assert (one.policies, one.shadows, one.tenants) == (other.policies, other.shadows, other.tenants)
        assert (one.controls, one.controls_version) == (other.controls, other.controls_version)
        assert (one.patterns, one.patterns_version) == (other.patterns, other.patterns_version)


def test_regimes_share_what_does_not_change() -> None:
    """What is derived from a mapping can be kept while the mapping is the same object."""
    log = Log()
    document = log.approved(policy(0.9), T0)
    log.put(activation(document, "*", T0 + LEAD_MS), T0)
    for number in (1, 2):
        log.put(activation(document, "*", T0 + number * LEAD_MS, mode="shadow"), T0)
    log.put(control(T0 + 2 * LEAD_MS), T0)
    replica = log.replica()
    one, two = replica.at(T0 + LEAD_MS), replica.at(T0 + 2 * LEAD_MS)
    assert one.policies is two.policies
    assert one.policies["*"] is two.policies["*"]
    assert one.shadows is two.shadows
    assert len(one.shadows["*"]) == 1
    assert replica.at(T0 + LEAD_MS + 5) is one


def test_ten_thousand_scopes_cost_no_more_than_what_changes() -> None:
    """Crossing a boundary looks at the one scope that changes, not at all of them."""
    log = Log()
    documents = [log.approved(load_policy().with_thresholds(liveness=0.5 + n / 100), T0) for n in range(10)]
    replica = log.replica()
    asked: list[TimelineKey] = []
    ask = replica.activations.live

    def counting(line: TimelineKey, at_ms: int) -> Entry | None:
        asked.append(line)
        return ask(line, at_ms)

    with (
        patch.object(KEYRING, "verify", lambda *_: "ada"),  # a second of signatures is not what this is about
        patch.object(replica.activations, "live", counting),
    ):
        more = Log()
        unsigned = activation(documents[0], "*", T0)
        for number in range(10_000):
            start = instant_of(T0 + LEAD_MS + number)
            more.put(
                msgspec.structs.replace(
                    unsigned,
                    scope=f"tenant-{number}",
                    effective_from=start,
                    document_hash=documents[number % 10].hash,
                ),
                T0,
            )
        for topic, record in more.records:
            assert replica.apply(topic, record) is None
        assert len(replica.at(T0 + LEAD_MS + 9_999).policies) == 10_000
        assert len(asked) == 10_000
        asked.clear()
        for number in range(9_900, 10_000):
            assert len(replica.at(T0 + LEAD_MS + number).policies) == number + 1
    assert len(asked) == 99 + 99
