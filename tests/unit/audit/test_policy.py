import pytest

from proofwatch.audit.policy import InvalidPolicy, parse_policy
from tests.unit.audit.a_log import LOG_KEY, WITNESSES, key

LOG = f"log {LOG_KEY.verifier.text()}"
LINES = [f"witness w{place} {each.verifier.text()}" for place, each in enumerate(WITNESSES)]


def policy_of(*lines: str) -> str:
    return "\n".join([LOG, *LINES, *lines]) + "\n"


def test_a_quorum_of_groups() -> None:
    policy = parse_policy(policy_of("# two of three", "group two 2 w0 w1 w2", "quorum two"))
    keys = [each.verifier for each in WITNESSES]
    assert policy.logs == [LOG_KEY.verifier]
    assert not policy.holds([])
    assert not policy.holds(keys[:1])
    assert policy.holds(keys[:2])
    assert policy.holds(keys[1:])
    nested = parse_policy(policy_of("group any-two any w0 w1", "group both all any-two w2", "quorum both"))
    assert not nested.holds(keys[:2])
    assert nested.holds(keys[1:])
    assert parse_policy(policy_of("quorum none")).holds([])
    assert parse_policy(policy_of("quorum w1")).holds([keys[1]])


def test_spaces_tabs_comments_and_addresses() -> None:
    text = f"\t {LOG} https://log.example\n\n  # note\n{LINES[0]}\thttps://w0.example\nquorum w0\n"
    policy = parse_policy(text)
    assert policy.urls == {"w0": "https://w0.example"}


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "this has 0"),
        (["quorum w0", "quorum w1"], "this has 2"),
        (["quorum nobody"], "line 5: a quorum is"),
        (["group two 3 w0 w1", "quorum two"], "line 5: 3 of 2 members"),
        (["group two 0 w0 w1", "quorum two"], "line 5: 0 of 2 members"),
        ([f"group two {'9' * 6000} w0 w1", "quorum two"], "line 5: 9{20} of 2 members"),
        (["group two ² w0 w1", "quorum two"], "line 5: ² of 2 members"),
        (["group two any", "quorum two"], "line 5: a group is written"),
        (["group two any w0 nobody", "quorum two"], "line 5: nobody is no witness"),
        (["group two any w0 w0", "quorum two"], "line 5: w0 is a member already"),
        (["group a any w0", "group b any w0", "quorum b"], "line 6: w0 is a member already"),
        (["group none any w0", "quorum none"], "line 5: none cannot be a new name"),
        (["group w0 any w1", "quorum none"], "line 5: w0 cannot be a new name"),
        ([LINES[0].replace("w0", "again", 1), "quorum none"], r"line 5: the key of witness\.example/0 is there twice"),
        ([f"witness wrong {LOG_KEY.verifier.text()}", "quorum none"], "is of type 1, and this needs 4"),
        ([f"log {WITNESSES[0].verifier.text()}", "quorum none"], "is of type 4, and this needs 1"),
        (["witness w3 nonsense", "quorum none"], "line 5: a verifier key is written"),
        (["trust me"], "line 5: a line begins with"),
        ([f"witness w4 {key('w4', 4).verifier.text()} url more", "quorum none"], "line 5: a line is written"),
    ],
)
def test_a_policy_that_cannot_be_used_names_its_line(lines: list[str], message: str) -> None:
    with pytest.raises(InvalidPolicy, match=message):
        parse_policy(policy_of(*lines))
