"""The result for people: one file that opens anywhere, tables that say the headline first."""

import io

from proofwatch.governance.policy import Policy
from services.scorer.backtest.arrivals import Truth
from services.scorer.backtest.page import page
from services.scorer.backtest.text import write_text
from services.scorer.backtest.words import headline, points
from tests.support.html import assert_inert, parsed
from tests.unit.scorer.backtests import NEW, OLD, arrivals, played, small_log, transaction
from tests.unit.scorer.test_backtest_result import large_log
from tests.unit.standalone.test_report_page import HOSTILE, Page

SECTIONS = ("decisions", "errors", "scores", "segments", "policies", "reading")


async def test_the_page_is_whole_loads_nothing_and_runs_only_its_own_script() -> None:
    """Every section, every plot, ids that are unique, and no way out of the page."""
    written = page(*await played(large_log()))
    assert_inert(parsed(written))
    shown = Page(written)
    assert [each["id"] for each in shown.all("section")] == list(SECTIONS)
    assert len(shown.all("script")) == 1
    assert not [attrs for _, attrs in shown.tags for name in attrs if name in ("src", "onload", "onclick")]
    assert all((link["href"] or "").startswith("#") for link in shown.all("a"))
    ids = [attrs["id"] for _, attrs in shown.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert len(shown.all("svg")) == 1 + 2 + 2  # moves; match and liveness scores; country of two tenants
    assert "print → mask" in shown.text
    assert "another species" in shown.text


async def test_names_from_the_log_are_never_markup() -> None:
    """Segment values and species come from others."""
    log = [
        (
            transaction(n, at_s=n, liveness_score=0.992, segments={"country": HOSTILE.replace("\x00", "")[:64]}),
            Truth("genuine", f"attack:{HOSTILE}"),
        )
        for n in range(40)
    ]
    html = page(*await played(arrivals(log)))
    assert_inert(parsed(html))
    assert Page(html).text.count("<script>a()</script>") > 3


async def test_a_log_without_changes_labels_or_anything_is_shown_too() -> None:
    """Nothing to draw is no error."""
    assert "decide alike" in Page(page(*await played(small_log()[:3], OLD, OLD))).text
    empty = Page(page(*await played([])))
    assert "No labels came" in empty.text
    assert "There were no scores" in empty.text


async def test_the_tables_begin_with_the_headline() -> None:
    """Then the rates, then what changed most."""
    result = (await played(small_log())).result
    file = io.StringIO()
    write_text(result, file)
    said = file.getvalue()
    assert headline(result) == (
        "17 transactions were judged by both policies; the decision on 7 of them (41.2\N{NO-BREAK SPACE}%) changes.",
        "4 accept → retry, 2 retry → accept, 1 accept → refer.",
    )
    assert said.index("17 transactions") < said.index("Error rates") < said.index("Where decisions change most")
    assert "match.threshold" in said
    assert points(-1 / 11) in said


async def test_limits_that_differ_are_pointed_out() -> None:
    """Each figure is judged by its own policy, and the reader must know."""
    strict = Policy.model_validate(NEW.model_dump() | {"limits": {"fmr": 0.0001}})
    result = (await played(small_log(), OLD, strict)).result
    assert any("different limits" in note for note in result.notes)
    assert result.total.errors["fnmr"].old.status is not None
    assert result.total.errors["fnmr"].new.status is None
