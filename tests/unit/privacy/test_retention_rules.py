"""What goes by age: manifests and settings agree, and what is kept for ever is no rule."""

from datetime import timedelta
from pathlib import Path

import pytest

from proofwatch.events.stores import InvalidStore, load_stores
from services.privacy.config import RetentionSettings
from services.privacy.core.retention import rules_of
from tests.integration.access.house import START


def test_every_rule_of_a_manifest_has_its_setting_and_the_same_days() -> None:
    """An operator reads the manifest, or .env.example: both must be what happens."""
    said = {each.setting: each.days for store in load_stores().values() for each in store.retention}
    assert said == RetentionSettings().days()
    assert all(each.setting in store.kept for store in load_stores().values() for each in store.retention)


def test_what_is_kept_for_ever_is_no_rule() -> None:
    """0 days; the others keep theirs."""
    settings = RetentionSettings(keep_closed_cases_days=0, keep_imagery_references_days=30)
    rules = rules_of(load_stores().values(), settings.days())
    kept = [("consents", 1_095), ("imagery", 30), ("triage", 30), ("triage", 30)]
    assert [(each.store, each.days) for each in rules] == kept
    assert [each.functions for each in rules] == ["", "", "attempts_", "pattern_hits_"]
    assert rules[1].before(START) == START - timedelta(days=30)


def test_a_rule_is_of_its_stores_categories_and_purposes(tmp_path: Path) -> None:
    """A manifest that says otherwise is refused."""
    (tmp_path / "odd.yaml").write_text(
        "{name: odd, kind: postgresql, description: d, owner: o, subjects: s, categories: [account], purposes: "
        "[provide_features], kept: k, retention: [{rule: r, what: w, since: s, categories: [face_features], purposes: "
        "[provide_features], days: 1, setting: PROOFWATCH_KEEP_ODD_DAYS}]}"
    )
    with pytest.raises(InvalidStore, match="r has a category or a purpose that the store has not"):
        load_stores(tmp_path)
