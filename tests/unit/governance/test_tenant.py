"""A tenant's settings are understood whole or refused; personal segments need a lawful basis."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml

from proofwatch.governance.calendar import WEEKDAYS, Calendar
from proofwatch.governance.documents import document_of, read_document
from proofwatch.governance.tenant import TRANSITIONS, InvalidTenant, Tenant, load_tenant
from proofwatch.instants import ms_of

GOOD: dict[str, Any] = {
    "tenant": "acme",
    "contract": {"state": "active", "from": "2026-03-01", "until": "2026-04-01"},
    "time_zone": "America/New_York",
    "segments": ["source", "sex", "skin_tone"],
    "lawful_bases": {"sex": "Art. 6(1)(f)", "skin_tone": "Art. 9(2)(g) and the national act"},
}

IMAGERY = {"store": "main", "bucket": "harbour-imagery", "prefix": "proofs/"}


def load(tmp_path: Path, **changes: Any) -> Tenant:
    path = tmp_path / "acme.yaml"
    path.write_text(yaml.safe_dump(GOOD | changes))
    return load_tenant(path)


def test_a_file_and_its_document_mean_the_same(tmp_path: Path) -> None:
    """The canonical form names the contract's days as the file does, and reads back to the same settings."""
    tenant = load(tmp_path)
    document = document_of(tenant)
    assert orjson.loads(document.text)["contract"] == GOOD["contract"]
    assert read_document("tenant", document.hash, document.text).content == tenant
    assert tenant.segments_allowed() == {"source", "sex", "skin_tone"}


def test_a_file_that_says_nothing_of_retention_keeps_its_hash(tmp_path: Path) -> None:
    """The key came later: documents that were signed before must mean what they meant, under the hash they have."""
    assert "keep_transactions_days" not in orjson.loads(document_of(load(tmp_path)).text)
    agreed = document_of(load(tmp_path, keep_transactions_days=400))
    assert orjson.loads(agreed.text)["keep_transactions_days"] == 400
    assert read_document("tenant", agreed.hash, agreed.text).content == agreed.content


def test_a_file_that_says_nothing_of_imagery_keeps_its_hash(tmp_path: Path) -> None:
    """Likewise; and nothing said is no store, so that no picture of the tenant is opened."""
    plain = load(tmp_path)
    assert plain.imagery is None
    assert "imagery" not in orjson.loads(document_of(plain).text)
    agreed = document_of(load(tmp_path, imagery=IMAGERY))
    assert orjson.loads(agreed.text)["imagery"] == IMAGERY
    assert read_document("tenant", agreed.hash, agreed.text).content == agreed.content


def test_a_file_that_says_nothing_of_free_days_keeps_its_hash(tmp_path: Path) -> None:
    """These keys came later, too; nothing said is Saturday and Sunday, an empty list is no weekend."""
    plain = orjson.loads(document_of(load(tmp_path)).text)
    assert not {"weekend", "holidays"} & plain.keys()
    assert load(tmp_path).calendar() == Calendar("America/New_York")
    gulf = load(tmp_path, time_zone="Asia/Dubai", weekend=["saturday", "friday"], holidays=["2026-03-21", "2026-03-20"])
    assert gulf.calendar() == Calendar("Asia/Dubai", ("friday", "saturday"), gulf.holidays)
    document = document_of(gulf)
    assert orjson.loads(document.text)["holidays"] == ["2026-03-20", "2026-03-21"]
    assert read_document("tenant", document.hash, document.text).content == gulf
    never = load(tmp_path, weekend=[])
    assert not never.calendar().weekend
    assert orjson.loads(document_of(never).text)["weekend"] == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"lawful_bases": {"sex": "Art. 6(1)(f)"}}, "segment skin_tone is personal data and has no lawful basis"),
        (
            {"lawful_bases": GOOD["lawful_bases"] | {"sex": "consent"}},
            r"lawful_bases.sex = 'consent': must be a ground",
        ),
        ({"lawful_bases": GOOD["lawful_bases"] | {"skin_tone": "Art. 6(1)(f)"}}, "a ground of GDPR Art. 9"),
        ({"lawful_bases": GOOD["lawful_bases"] | {"country": "Art. 6(1)(f)"}}, "belongs to no personal segment"),
        ({"lawful_bases": GOOD["lawful_bases"] | {"source": "Art. 6(1)(f)"}}, "belongs to no personal segment"),
        ({"time_zone": "Europe/Atlantis"}, "time_zone = 'Europe/Atlantis': is not a time zone"),
        ({"time_zone": "../etc/passwd"}, "is not a time zone"),
        ({"time_zone": "Europe"}, "is not a time zone"),
        ({"weekend": ["Fri"]}, "weekend.0 = 'Fri': Input should be 'monday', 'tuesday'"),
        ({"weekend": ["friday", "friday"]}, r"weekend = .*must name each day once.*for example \[friday, saturday\]"),
        ({"weekend": list(WEEKDAYS)}, "and not all seven"),
        ({"holidays": ["2026-02-30"]}, "holidays.0 = '2026-02-30'"),
        ({"holidays": ["2026-03-20", "2026-03-20"]}, "must name each date once; 2026-03-20 is there twice"),
        ({"tenant": "Acme"}, "tenant = 'Acme'"),
        ({"contract": GOOD["contract"] | {"state": "paused"}}, "contract.state = 'paused'"),
        ({"contract": GOOD["contract"] | {"until": "2026-03-01"}}, "until must lie after from"),
        ({"contract": {"state": "active"}}, "contract.from is missing"),
        ({"keep_transactions_days": 29}, "keep_transactions_days = 29: must be 30 to 3653 days, or be left out"),
        ({"keep_transactions_days": 3_654}, "must be 30 to 3653 days"),
        ({"keep_transactions_days": 0}, "must be 30 to 3653 days"),
        ({"keep_transactions_days": "long"}, "keep_transactions_days = 'long'"),
        ({"imagery": {"store": "main", "bucket": "harbour-imagery"}}, "imagery.prefix is missing"),
        ({"imagery": IMAGERY | {"prefix": "proofs"}}, "each with a slash behind it, such as proofs/"),
        ({"imagery": IMAGERY | {"prefix": "/"}}, "must be folders"),
        ({"imagery": IMAGERY | {"prefix": "a/../b/"}}, "must be folders"),
        ({"imagery": IMAGERY | {"prefix": "a%2f/"}}, "must be folders"),
        ({"imagery": IMAGERY | {"bucket": "host.example/b"}}, "imagery.bucket = 'host.example/b'"),
        ({"imagery": IMAGERY | {"store": "https://store.example"}}, "imagery.store = 'https://store.example'"),
        ({"imagery": IMAGERY | {"endpoint": "https://store.example"}}, "imagery.endpoint is not a key of a tenant"),
        ({"segmnets": []}, "segmnets is not a key of a tenant"),
        ({"segments": ["Sex"]}, "segments.0"),
    ],
)
def test_what_cannot_be_used_is_refused(tmp_path: Path, changes: dict[str, Any], said: str) -> None:
    """With file, key and what would be right."""
    with pytest.raises(InvalidTenant, match=said) as caught:
        load(tmp_path, **changes)
    assert str(tmp_path) in str(caught.value)


def test_the_contract_serves_whole_days_of_the_tenants_own_zone(tmp_path: Path) -> None:
    """New York's 1 March begins at 05:00 UTC, its 1 April, in summer time, at 04:00."""
    tenant = load(tmp_path)

    def served(*instant: int) -> bool:
        return tenant.served(ms_of(datetime(*instant, tzinfo=UTC)))  # type: ignore[arg-type, misc]

    assert [served(2026, 3, 1, 4, 59), served(2026, 3, 1, 5)] == [False, True]
    assert [served(2026, 4, 1, 3, 59), served(2026, 4, 1, 4)] == [True, False]
    for state in ("draft", "suspended", "ended"):
        other = load(tmp_path, contract=GOOD["contract"] | {"state": state})
        assert not other.served(ms_of(datetime(2026, 3, 15, tzinfo=UTC)))


def test_an_ended_contract_never_comes_back() -> None:
    """Nothing leads out of it, and every other state leads to it."""
    assert not [to for of, to in TRANSITIONS if of == "ended"]
    assert {of for of, to in TRANSITIONS if to == "ended"} == {"draft", "active", "suspended"}


@pytest.mark.parametrize("text", ["", "[]", "3", "a: ["])
def test_another_shape_is_refused(tmp_path: Path, text: str) -> None:
    """Never with another error."""
    path = tmp_path / "acme.yaml"
    path.write_text(text)
    with pytest.raises(InvalidTenant, match=str(path)):
        load_tenant(path)
