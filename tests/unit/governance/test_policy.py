"""A policy file is understood whole, or refused with a message that says what to change."""

from pathlib import Path

import pytest

from proofwatch.governance.policy import PROFILES, CusumRule, InvalidPolicy, load_policy


def write(tmp_path: Path, old: str, new: str) -> Path:
    text = (PROFILES / "default.yaml").read_text()
    assert old in text
    path = tmp_path / "policy.yaml"
    path.write_text(text.replace(old, new))
    return path


def test_both_shipped_profiles_load_and_differ() -> None:
    """No limit is a constant of the code: two profiles, two sets of limits, two hashes."""
    default, nist = load_policy(), load_policy(PROFILES / "nist-800-63a-4.yaml")
    assert default.limits.fmr == 0.001
    assert nist.limits.fmr == 0.0001
    assert nist.limits.iapar == 0.07
    assert default.hash != nist.hash


def test_hash_depends_on_content_only(tmp_path: Path) -> None:
    """Comments and key order do not change the hash; a value does."""
    path = write(tmp_path, "# The default policy.", "# Another comment.")
    assert load_policy(path).hash == load_policy().hash
    assert load_policy(write(tmp_path, "limit: 3", "limit: 4")).hash != load_policy().hash


def test_threshold_overrides_enter_the_hash() -> None:
    """A threshold given on the command line makes another policy; the same one given makes the same."""
    policy = load_policy()
    assert policy.with_thresholds(liveness=0.4).hash != policy.hash
    assert policy.with_thresholds(match=0.85, liveness=0.995).hash == policy.hash
    assert policy.with_thresholds(match=0.6).match.marginal_below == pytest.approx(0.65)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "threshold: 0.995",
            "threshold: 1.5",
            "liveness.threshold = 1.5: input should be less than or equal to 1",
        ),
        ("threshold: 0.995", "threshold: .nan", "liveness.threshold = nan"),
        ("threshold: 0.995", "threshold: high", "liveness.threshold = 'high': input should be a valid number"),
        ("marginal_below: 0.90", "marginal_below: 0.80", "marginal_below must be at least the threshold (0.85)"),
        ("limit: 3 ", "limits: 3 ", "attempts.limit is missing"),
        ("limit: 3 ", "limits: 3 ", "attempts.limits is not a key of a policy (misspelled?)"),
        ("min_trials: 30", "min_trials: 30\nmin_trials: 31", "key 'min_trials' is given twice"),
        ("name: default", "name: [", "is not valid YAML"),
    ],
)
def test_an_invalid_policy_is_refused_by_name(tmp_path: Path, old: str, new: str, says: str) -> None:
    """The message names the file, the key, the value and what would be right."""
    path = write(tmp_path, old, new)
    with pytest.raises(InvalidPolicy) as error:
        load_policy(path)
    assert str(path) in str(error.value)
    assert says in str(error.value)


def test_a_missing_or_shapeless_file_is_refused_by_name(tmp_path: Path) -> None:
    """A path that is not there, or a file that holds no mapping, says so."""
    with pytest.raises(InvalidPolicy, match="cannot be read"):
        load_policy(tmp_path / "absent.yaml")
    (tmp_path / "list.yaml").write_text("- 1\n")
    with pytest.raises(InvalidPolicy, match="must be a mapping"):
        load_policy(tmp_path / "list.yaml")


def test_a_policy_without_the_limits_of_minutes_keeps_its_hash() -> None:
    """A part that came with a later release is no change while it says nothing else than the default."""
    policy = load_policy()
    assert b"real_time" not in policy.canonical()
    stricter = policy.monitoring.real_time.model_copy(update={"expected_count": 30})
    changed = policy.model_copy(update={"monitoring": policy.monitoring.model_copy(update={"real_time": stricter})})
    assert b"real_time" in changed.canonical()
    assert changed.hash != policy.hash


def test_a_policy_without_the_limits_of_charts_keeps_its_hash() -> None:
    """The same for the charts of rates; and a low limit above the high one is refused."""
    policy = load_policy()
    assert b"cusum" not in policy.canonical()
    assert b"daily_trials" not in policy.canonical()
    with pytest.raises(ValueError, match="low_limit must be at most high_limit"):
        CusumRule(low_limit=16.0)
