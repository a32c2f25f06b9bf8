"""Times of files: what is understood in one way only is read, everything else refused."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from proofwatch.scorefile.times import Times, Unreadable, check_format, zone_of

MOMENT = datetime(2026, 3, 4, 10, 5, 6, tzinfo=UTC)


@pytest.mark.parametrize(
    "written",
    [
        "2026-03-04T10:05:06Z", "2026-03-04t10:05:06z", "2026-03-04 10:05:06", "2026-03-04 10:05:06 UTC",
        "2026-03-04T12:05:06+02:00", "2026-03-04T12:05:06+0200", "2026-03-04 12:05:06+02", "2026-03-04T12:05:06 +02:00",
        "2026-03-04T10:05:06.000000000Z", "2026-03-04T10:05:06,000Z",
        "1772618706", "1772618706.0", "1772618706000", "1772618706000000", "1772618706000000000",
    ],
)  # fmt: skip
def test_one_moment_in_many_spellings(written: str) -> None:
    """ISO 8601 with a day, or a count whose unit shows by its digits."""
    assert Times().read(written) == MOMENT


@pytest.mark.parametrize(
    "written",
    [
        "2026-W10", "20260304", "20260304T100506", "2026-063", "17726187", "177261870600", "1.772618706E12",
        "-1772618706",
        "4.3.2026 10:05", "03/04/2026", "10:05:06", "2026-02-30", "2026-03-04T25:00:00Z", "yesterday", "2026", "0",
        "0001-01-01T00:00:00Z", "9999-12-31T00:00:00Z", "2026-03-04T10:05:06+99:00", "1772618706,5",
    ],
)  # fmt: skip
def test_what_could_mean_another_time_is_refused(written: str) -> None:
    """Never the year 1772, never a Monday, never a month for a day; and the cell is not quoted."""
    with pytest.raises(Unreadable) as raised:
        Times().read(written)
    assert written not in str(raised.value)


def test_fractions_are_kept_to_the_microsecond() -> None:
    """Of counts and of ISO times, however fine they are."""
    exact = MOMENT + timedelta(microseconds=123_456)
    written = ("2026-03-04T10:05:06.123456789Z", "1772618706.123456", "1772618706123456", "1772618706123456789")
    for text in written:
        assert Times().read(text) == exact


@pytest.mark.parametrize(
    ("time_format", "written"),
    [
        ("epoch_ms", "1772618706000"), ("epoch_s", "1772618706"), ("epoch_us", "1772618706000000"),
        ("%d.%m.%Y %H:%M:%S", "04.03.2026 10:05:06"), ("%m/%d/%Y %I:%M:%S %p", "03/04/2026 10:05:06 AM"),
        ("%Y%m%d%H%M%S", "20260304100506"), ("%d.%m.%Y %H:%M:%S %z", "04.03.2026 12:05:06 +0200"),
    ],
)  # fmt: skip
def test_a_format_that_is_named_is_the_only_one(time_format: str, written: str) -> None:
    """A cell in another one is refused."""
    times = Times(check_format(time_format))
    assert times.read(written) == MOMENT
    with pytest.raises(Unreadable):
        times.read("2026-03-04T10:05:06Z")


@pytest.mark.parametrize("forms", [None, ["iso", "epoch_s", "epoch_ms"]])
def test_exports_put_together_are_read_row_by_row(forms: list[str] | None) -> None:
    """ISO with an offset, ISO without, seconds, milliseconds: each by itself, and counted."""
    times = Times(forms)
    for written in ("2026-03-04T12:05:06+02:00", "2026-03-04 10:05:06", "1772618706", "1772618706000"):
        assert times.read(written) == MOMENT
    assert times.forms == {"iso": 2, "epoch_s": 1, "epoch_ms": 1}
    assert times.without_zone == 1


@pytest.mark.parametrize(
    ("forms", "written"),
    [
        (["%d/%m/%Y", "%m/%d/%Y"], "03/04/2026"),  # March or April
        (["epoch_s", "%Y%m%d%H"], "2026030410"),  # a count of 2034, or the fourth of March
        (["epoch_s", "epoch_ms"], "177261870600"),  # neither's digits
        (["iso", "%d.%m.%Y"], "1772618706"),
        (["iso", "epoch_ms"], "yesterday"),
    ],
)
def test_a_time_that_fits_two_forms_or_none_is_refused(forms: list[str], written: str) -> None:
    """Unless both mean the same."""
    with pytest.raises(Unreadable) as raised:
        Times(forms).read(written)
    assert written not in str(raised.value)
    assert Times(["%d/%m/%Y", "%m/%d/%Y"]).read("03/03/2026") == datetime(2026, 3, 3, tzinfo=UTC)


def test_small_counts_are_read_where_the_unit_is_named() -> None:
    """Then digits need not tell."""
    assert Times("epoch_ms").read("86400000") == datetime(1970, 1, 2, tzinfo=UTC)


def test_a_zone_holds_for_times_that_name_none() -> None:
    """Summer time included; a time with an offset keeps it."""
    times = Times(zone=zone_of("Europe/Berlin"))
    assert times.read("2026-07-01 12:00:00") == datetime(2026, 7, 1, 10, tzinfo=UTC)
    assert times.read("2026-07-01T12:00:00+00:00").tzinfo == timezone.utc  # noqa: UP017 - as fromisoformat says it
    assert times.without_zone == 1


@pytest.mark.parametrize("wrong", ["", "epoch", "%H:%M", "%Q", "%d.%m.", "yyyy-mm-dd"])
def test_a_format_that_tells_no_day_is_refused(wrong: str) -> None:
    """With what would be right."""
    with pytest.raises(ValueError, match=r"time_format must be iso, epoch_s, .*such as %d\.%m\.%Y"):
        check_format(wrong)


def test_an_unknown_zone_is_refused() -> None:
    """And named what it should be."""
    with pytest.raises(ValueError, match="such as Europe/Berlin"):
        zone_of("CEST+1")
