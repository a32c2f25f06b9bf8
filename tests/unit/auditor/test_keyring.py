import pytest

from proofwatch.audit.keys import InForce, LogKeys
from services.auditor.core.keyring import Change, KeysDisagree, changes
from services.auditor.core.position import Elsewhere, refusal
from tests.unit.audit.a_log import LOG_KEY, NEXT_KEY, key

FIRST, SECOND = LOG_KEY.verifier, NEXT_KEY.verifier
OLD = FIRST.id.digest.hex()


def known(*keys: InForce) -> LogKeys:
    return LogKeys(list(keys))


def test_the_first_key_begins_the_log_and_further_ones_follow() -> None:
    assert changes([LOG_KEY], known(), None) == [Change("log.begun", FIRST.text())]
    assert changes([LOG_KEY, NEXT_KEY], known(), None) == [
        Change("log.begun", FIRST.text()),
        Change("log.key_added", SECOND.text()),
    ]
    assert changes([LOG_KEY], known(InForce(FIRST, 0)), None) == []


def test_a_key_is_retired_once_and_beside_another() -> None:
    both = known(InForce(FIRST, 0), InForce(SECOND, 4))
    assert changes([NEXT_KEY], both, OLD) == [Change("log.key_retired", FIRST.text())]
    assert changes([NEXT_KEY], known(InForce(FIRST, 0, 8), InForce(SECOND, 4)), OLD) == []
    assert changes([NEXT_KEY], known(InForce(FIRST, 0)), OLD) == [
        Change("log.key_added", SECOND.text()),
        Change("log.key_retired", FIRST.text()),
    ]


@pytest.mark.parametrize(
    ("configured", "found", "retire", "message"),
    [
        ([], known(), None, "at least one"),
        ([LOG_KEY, key("audit.example/other")], known(), None, "the log's origin as its name"),
        ([NEXT_KEY], known(InForce(FIRST, 0)), None, f"retire it with PROOFWATCH_AUDIT_RETIRE_KEY={OLD}"),
        ([LOG_KEY], known(InForce(FIRST, 0)), OLD, "the last key of the log cannot be retired"),
        ([LOG_KEY], known(InForce(FIRST, 0)), "00000000", "the log has no key 00000000"),
    ],
)
def test_keys_that_disagree(configured: list, found: LogKeys, retire: str | None, message: str) -> None:  # type: ignore[type-arg]
    with pytest.raises(KeysDisagree, match=message):
        changes(configured, found, retire)


def test_nothing_is_signed_below_what_anybody_has_seen() -> None:
    roots = {3: b"three", 5: b"five"}
    assert refusal(5, [Elsewhere("a", 5, b"five"), Elsewhere("b", 3, None)], roots) is None
    assert refusal(5, [Elsewhere("the file", 6, None)], roots) == (
        "the file has a checkpoint of 6 entries, and the database has 5: it was restored to before, or entries were "
        "removed. Nothing is signed; see docs/audit.md"
    )
    assert "another root for 3 entries" in str(refusal(5, [Elsewhere("the topic", 3, b"other")], roots))
