"""Months of a calendar, and a statement in its three forms."""

import csv
import io
import json
from datetime import UTC, date, datetime

import pytest

from proofwatch.exits.table import STATEMENT
from proofwatch.instants import ms_of
from services.outputs.core.month import Day, Month, Usage, month_of
from services.outputs.statement import COLUMNS, as_text, notes

READ = datetime(2026, 4, 1, 8, tzinfo=UTC)
MARCH = Usage((Day(date(2026, 3, 1), 3, 3, 2), Day(date(2026, 3, 30), 4, 1, 4)), ms_of(READ), True)


def test_a_month_is_its_first_day_to_the_next_ones() -> None:
    """December too; and no clock on earth shows it any more sixteen hours after its end in UTC."""
    assert month_of("2026-02") == Month("2026-02", date(2026, 2, 1), date(2026, 3, 1))
    assert month_of("2025-12").after == date(2026, 1, 1)
    assert month_of("2026-02").over_everywhere_ms() == ms_of(datetime(2026, 3, 1, 16, tzinfo=UTC))


@pytest.mark.parametrize(
    "text", ["2026-13", "2026-00", "26-01", "2026-1", "2026-03-01", "٢٠٢٦-03", "0000-01", "9999-12"]
)
def test_what_is_no_month_is_refused(text: str) -> None:
    """With what would be right."""
    with pytest.raises(ValueError, match="right is 2026-03"):
        month_of(text)


def test_the_three_forms_say_the_same() -> None:
    """Days and their sum; nothing but what the exit names."""
    document = json.loads(as_text("json", "acme", "2026-03", MARCH))
    rows = list(csv.DictReader(io.StringIO(as_text("csv", "acme", "2026-03", MARCH))))
    page = as_text("html", "acme", "2026-03", MARCH)

    assert document["transactions"] == 7
    assert document["days"][1] == {"day": "2026-03-30", "transactions": 4, "match_checks": 1, "liveness_checks": 4}
    assert {*document, *document["days"][0]} - {"days"} == {*STATEMENT.fields}
    assert {*COLUMNS} <= {*STATEMENT.fields}
    assert [row["day"] for row in rows] == ["2026-03-01", "2026-03-30", ""]
    assert (rows[-1]["transactions"], rows[-1]["liveness_checks"], rows[-1]["provisional"]) == ("7", "6", "no")
    for cell in ("2026-03-30", "<th>7</th>", "acme"):
        assert cell in page
    assert "provisional" not in page


def test_a_month_that_is_not_over_says_so_in_each_form() -> None:
    """And up to when it was read."""
    growing = MARCH._replace(over=False)

    assert json.loads(as_text("json", "acme", "2026-03", growing))["provisional"] is True
    assert ',"yes"' in as_text("csv", "acme", "2026-03", growing)
    assert "2026-03 is not over" in as_text("html", "acme", "2026-03", growing)
    [said] = notes("acme", "2026-03", growing)
    assert "read up to 2026-04-01T08:00:00+00:00" in said
    assert notes("acme", "2026-03", MARCH) == ()


def test_nothing_used_is_a_sentence() -> None:
    """Not a page that looks broken; and a zero is stated."""
    nothing = Usage((), None, False)

    assert "Nothing was used" in as_text("html", "acme", "2026-03", nothing)
    assert "has no transaction of acme in 2026-03" in notes("acme", "2026-03", nothing)[-1]
    assert json.loads(as_text("json", "acme", "2026-03", nothing))["transactions"] == 0


def test_a_tenants_name_is_no_formula_and_no_markup() -> None:
    """It is a name that people typed."""
    assert "'=cmd" in as_text("csv", "=cmd", "2026-03", MARCH)
    assert "<script>x" not in as_text("html", "<script>x", "2026-03", MARCH)
