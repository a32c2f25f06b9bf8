"""The register of processing: every store and topic is in it, nothing is made up, and what is open is said."""

import shutil
from pathlib import Path

import pytest

from proofwatch import resources
from proofwatch.events.stores import InvalidStore, load_stores
from proofwatch.events.topics import load_manifests
from proofwatch.governance.purposes import MATRIX, Purpose
from proofwatch.governance.register import (
    OWN,
    InvalidOrganisation,
    Organisation,
    load_organisation,
    register,
)
from proofwatch.governance.tenant import Tenant
from services.cli import main
from services.operations.access import PROCESSES

KESTREL = Tenant.from_document(
    {
        "tenant": "kestrel-telecom",
        "contract": {"state": "active", "from": "2026-01-01"},
        "time_zone": "Europe/Berlin",
        "segments": ["os", "sex"],
        "lawful_bases": {"sex": "Art. 6(1)(f) fairness | tests"},
        "keep_transactions_days": 400,
    }
)
ALL_TOLD = Organisation(
    name="Example", contact="a street", representative="none", data_protection_officer="A.", third_countries="none"
)


def shipped(organisation: Organisation = ALL_TOLD) -> dict[str, object]:
    return register(load_manifests().values(), load_stores().values(), [KESTREL], organisation)


def test_every_schema_of_the_database_is_declared_as_a_store() -> None:
    """A table that nobody declared would be in no register: a migration needs its file in schemas/stores."""
    declared = {name for name, store in load_stores().items() if store.kind == "postgresql"}

    assert {path.stem for path in resources.migrations().glob("*.sql")} == declared


def test_every_topic_and_store_is_under_each_of_its_purposes() -> None:
    """And under no other: the register says what the manifests say."""
    said = {
        activity["purpose"]: {place["name"] for place in activity["places"]}
        for activity in shipped()["activities"]  # type: ignore[attr-defined]
    }
    places = [(each.name, each.purposes) for each in load_manifests().values()]
    places += [(each.name, each.purposes) for each in load_stores().values()]

    assert said == {purpose: {name for name, of in places if purpose in of} for purpose in Purpose}


def test_an_activity_has_the_categories_of_the_matrix_and_says_which_need_consent() -> None:
    """Training on sensitive data is the one that asks people."""
    activities = {each["purpose"]: each for each in shipped()["activities"]}  # type: ignore[attr-defined]

    for purpose in Purpose:
        assert {each["category"] for each in activities[purpose]["categories"]} == MATRIX[purpose]
    asked = [each["category"] for each in activities["improve_and_develop"]["categories"] if each["consent"]]
    assert asked == ["face_features", "identification"]
    assert not any(each["consent"] for each in activities["billing"]["categories"])


def test_no_place_has_a_category_that_its_activity_may_not_use() -> None:
    """The static rule, once more from the finished document."""
    for activity in shipped()["activities"]:  # type: ignore[attr-defined]
        for place in activity["places"]:
            assert set(place["categories"]) <= MATRIX[activity["purpose"]], (activity["purpose"], place["name"])


def test_recipients_are_those_whom_the_manifests_name_and_who_are_not_us() -> None:
    """Upstream receives verdicts; our own processes are no recipients."""
    provide = shipped()["activities"][0]  # type: ignore[index]
    verdicts = next(each for each in provide["places"] if each["name"] == "biometrics.verdicts.v1")

    assert verdicts["recipients"] == ("upstream",)
    assert verdicts["subjects"] == "by the tenant's reference (subject_ref)"
    assert {name for name in PROCESSES if name != "topics"} <= OWN | {"people", "imagery", "erasure", "privacy"}


def test_a_key_names_people_as_a_field_does() -> None:
    """What is left of a subject's own transactions names it by its key alone."""
    provide = shipped()["activities"][0]  # type: ignore[index]
    subjects = next(each for each in provide["places"] if each["name"] == "onboarding.subjects.v1")

    assert subjects["subjects"] == "by the tenant's reference (subject_ref)"
    assert "account" in subjects["categories"]


def test_what_nobody_stated_is_open_and_never_made_up() -> None:
    """Each of the five things that only the operator knows, and the controllers."""
    document = register(load_manifests().values(), load_stores().values(), [], Organisation(name="Example"))

    assert document["open"] == [
        "organisation.contact: not stated",
        "organisation.representative: not stated",
        "organisation.data_protection_officer: not stated",
        "organisation.third_countries: not stated",
        "controllers: no tenant's settings were given",
    ]
    assert shipped()["open"] == []


def test_the_page_shows_a_tenants_words_as_they_are(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A column mark in a lawful basis makes no column."""
    file = tmp_path / "kestrel.yaml"
    file.write_bytes(KESTREL.canonical())

    assert main(["register", "--tenant", str(file)]) == 0

    said = capsys.readouterr().out
    assert r"fairness \| tests" in said
    assert "| kestrel-telecom | active | 2026-01-01 |  |" in said
    assert "## Improve and develop" in said
    assert "- organisation.name: not stated" in said
    for topic in load_manifests():
        assert topic in said


def test_strict_refuses_a_register_with_holes(capsys: pytest.CaptureFixture[str]) -> None:
    """For a pipeline that publishes it."""
    assert main(["register", "--strict", "--format", "json"]) == 1
    assert "6 things are not stated" in capsys.readouterr().err


def test_a_misspelled_key_is_refused_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Else it would stay open unseen."""
    file = tmp_path / "organisation.yaml"
    file.write_text("name: Example\ncontakt: a street\n")

    with pytest.raises(InvalidOrganisation, match=r"contakt.*known keys are name, contact"):
        load_organisation(file)
    assert main(["register", "--organisation", str(file)]) == 2
    assert "contakt" in capsys.readouterr().err


def test_a_store_with_a_category_that_its_purpose_forbids_is_refused(tmp_path: Path) -> None:
    """The static test of tables: billing has no use for faces."""
    root = Path(shutil.copytree(resources.schemas() / "stores", tmp_path / "stores"))
    file = root / "ledger.yaml"
    file.write_text(file.read_text().replace("[provide_features, troubleshooting]", "[billing]"))

    with pytest.raises(InvalidStore, match="billing does not allow the category configuration"):
        load_stores(root)
