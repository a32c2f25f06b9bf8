"""What may be in a training set: each field of the event is accounted for, and each state of consent has its answer."""

from datetime import UTC, date, datetime

import pytest
from msgspec import structs

from proofwatch.events.categories import categories_of
from proofwatch.events.types import Device, Timings, Transaction
from proofwatch.governance.purposes import MATRIX, SENSITIVE, Category, Purpose
from proofwatch.governance.release import ConsentState, Reason
from services.outputs.core.training import COLUMNS, FIELDS, LABELS, Stand, Truth, categories, closed, judged

EVENT = Transaction(
    schema_version=1,
    tenant="acme",
    transaction_id="tx-secret",
    subject_ref="sub-secret",
    occurred_at=datetime(2026, 3, 1, 23, 59, tzinfo=UTC),
    match_score=0.9,
    device=Device(ref="dev-secret", model="Pixel 9", os="android"),
    timings=Timings(capture_ms=120.0),
    segments={"sex": "female", "country": "IN"},
    imagery_ref="s3://acme/secret",
    attempt_id="attempt-secret",
)
NEVER = {
    "$.imagery_ref",  # imagery leaves through the broker alone
    "$.imagery_sha256",
    "$.imagery_media_type",
    "$.schema_version",
}


def test_every_column_has_a_category_that_may_serve_the_purpose() -> None:
    """Account data is none of them."""
    assert set(categories().values()) <= MATRIX[Purpose.IMPROVE_AND_DEVELOP]
    assert categories().keys() == COLUMNS.keys() == {*FIELDS, *LABELS}
    assert closed() is None


def test_every_field_of_a_transaction_is_exported_or_kept_back_on_purpose() -> None:
    """A new field of the schema comes to somebody's mind here."""
    of = categories_of("transaction")
    taken = {*FIELDS.values(), "$.device", "$.timings", "$.checks[]", "$.segments[]"}
    account = {place for place, category in of.items() if category is Category.ACCOUNT}

    assert of.keys() - taken - account <= NEVER
    assert not account & taken


@pytest.mark.parametrize("state", ConsentState)
def test_what_is_sensitive_is_there_on_consent_alone(state: ConsentState) -> None:
    """Granted: all of it. None, expired: without segments. Withdrawn: no row at all."""
    row, withheld = judged(EVENT, Truth(pair="genuine"), Stand(state))

    if state is ConsentState.WITHDRAWN:
        assert (row, withheld) == (None, Reason.CONSENT_WITHDRAWN)
        return
    assert row is not None
    assert row.keys() == COLUMNS.keys()
    assert "secret" not in str(row)
    assert "acme" not in str(row)
    assert (row["occurred_on"], row["match_score"], row["pair"]) == (date(2026, 3, 1), 0.9, "genuine")
    sensitive = {name for name, category in categories().items() if category in SENSITIVE}
    assert sensitive == {"segments"}
    if state is ConsentState.GRANTED:
        assert (row["segments"], withheld) == ([("country", "IN"), ("sex", "female")], None)
    else:
        assert row["segments"] is None
        assert withheld is {"none": Reason.CONSENT_MISSING, "expired": Reason.CONSENT_EXPIRED}[state]


@pytest.mark.parametrize("state", ConsentState)
def test_whose_processing_is_restricted_is_left_out_whole(state: ConsentState) -> None:
    """Whatever they have consented to, and also where nothing of it is sensitive (GDPR Art. 18(2))."""
    for event in (EVENT, structs.replace(EVENT, segments={})):
        assert judged(event, Truth(), Stand(state, restricted=True)) == (None, Reason.PROCESSING_RESTRICTED)


def test_nothing_is_withheld_of_who_has_nothing_sensitive() -> None:
    """A refusal is counted where there was something to refuse."""
    plain = Transaction(
        schema_version=1, tenant="acme", transaction_id="1", subject_ref="2", occurred_at=EVENT.occurred_at
    )

    row, withheld = judged(plain, Truth(), Stand(ConsentState.NONE))

    assert withheld is None
    assert row is not None
    assert row["device_model"] is None
