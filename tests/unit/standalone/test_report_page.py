"""The report is one file that anyone can open, anywhere, and that says only what is so."""

import re
from collections.abc import Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from proofwatch.biometrics.evaluation import Evaluation, evaluate_counts
from proofwatch.biometrics.rates import Limits
from proofwatch.biometrics.trials import ClassCounts, Classes, Cohort, Thresholds
from proofwatch.detection.sentences import incident_title
from proofwatch.plain import one_line
from services.standalone.core.watched import Watched
from services.standalone.report.page import write_report
from tests.support.html import assert_inert, parsed
from tests.unit.standalone.test_report_data import counted
from tests.unit.standalone.test_report_timeline import anomaly, lines, window
from tests.unit.standalone.told import incidents_in

UNLABELLED = ("figures", "timeline", "cases", "reading")
SECTIONS = ("figures", "scores", "det", "species", "segments", "timeline", "cases", "reading")
VOID = {"meta", "br", "hr", "link", "img", "input"}
HOSTILE = """\x00<b>$x$"onload="a()" <script>a()</script>&"""
LIMITS = Limits(0.001, 0.03, 0.005, 0.01)


class Page(HTMLParser):
    """Collects tags with their attributes and all text; fails on tags that are not closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.drawn = ""  # text within drawings
        self._open: list[str] = []
        self.feed(html)
        self.close()
        assert not self._open, self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)
        if "text" in self._open:
            self.drawn += data

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).replace("\N{NO-BREAK SPACE}", " ").split())

    @property
    def plots(self) -> list[dict[str, str | None]]:
        return [attrs for attrs in self.all("svg") if attrs.get("role") == "img"]

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


def summary(**changes: Any) -> dict[str, Any]:
    return {
        "policy": {"name": "default", "hash": "0123456789abcdef"},
        "conservation": {"consumed": 1234, "decided": 1230, "deduplicated": 3, "dead_lettered": 1, "holds": True},
        "labels": {"consumed": 9, "dead_lettered": 0, "labelled": 9, "joined": 8, "waiting": 1},
        "decisions": {"accept": 1000, "retry": 200, "refer": 30},
    } | changes


def cells(name: str = "mask") -> dict[Cohort, Classes]:
    classes: Classes = {
        "genuine": counted([0.8, 0.9, 0.95] * 40, 0.85),
        "impostor": counted([0.1, 0.3, 0.86] * 20, 0.85),
        "bona_fide": counted([0.9, 0.996, 0.999] * 40, 0.995),
        f"attack:{name}": counted([0.1, 0.9, 0.997] * 20, 0.995),
    }
    return {None: classes, ("device_model", name): classes, ("device_model", "other"): classes}


def evaluated(cohorts: Mapping[Cohort, Classes]) -> Evaluation:
    return evaluate_counts(cohorts, Thresholds(0.85, 0.995), limits=LIMITS, segments=["device_model"])


def results(out: Path, *, traffic: bool = True) -> Path:
    """Write what a run leaves behind for the report."""
    lines(out / "windows.jsonl", [window(m) for m in range(0, 120, 5)] if traffic else [])
    alarm = anomaly(30, segment_name="device_model", segment_value=HOSTILE)
    other = anomaly(20, anomaly_id="another", metric="match_fail_rate")  # of another check: an incident of its own
    lines(out / "anomalies.jsonl", [other, alarm] if traffic else [])
    case = {"kind": "subject", "queue": "fraud", "severity": "high", "state": "open", "reasons": [{"code": "velocity"}]}
    lines(out / "cases.jsonl", [case] if traffic else [])
    return out


def write(out: Path, cohorts: Mapping[Cohort, Classes], title: str = "a day", **changes: Any) -> Page:
    path = write_report(out, title, summary(**changes), evaluated(cohorts), cohorts, limits=LIMITS)
    return Page(path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return results(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def page(folder: Path) -> Page:
    return write(folder, cells())


def test_every_section_has_its_plot_and_its_numbers(page: Page) -> None:
    """Two distributions, two DET curves, timeline: each described, each with a table; bars stand in tables."""
    assert [attrs["id"] for attrs in page.all("section")] == list(SECTIONS)
    assert len(page.plots) == len(page.all("figure")) == 5
    assert len(page.all("title")) == 6, "the page's, and one for each drawing"
    assert len(page.all("details")) == 6, "one for each plot, one for the list of anomalies"
    assert "FNMR by device_model" in page.text
    assert len(page.all("svg")) - len(page.plots) == 8 + 1 + 4, "bars of figures, species, two rates by model"


def test_the_page_opens_with_what_is_wrong(tmp_path: Path) -> None:
    """Before any figure: each incident in its sentences, the worst first; what chance makes is counted only."""
    folder = results(tmp_path)
    found = incidents_in(folder)
    weak = found[0]._replace(evidence="weak", incident_id="weak")
    path = write_report(folder, "a day", summary(), evaluated(cells()), cells(), [*found, weak], limits=LIMITS)
    opened = Page(path.read_text(encoding="utf-8"))
    told = opened.text
    assert "2 incidents; 1 of weak evidence or a missed target, told to nobody" in told
    assert told.index(one_line(incident_title(found[0]))) < told.index("transactions came in")
    assert "Next review" in told
    assert len(opened.all("li")) == 3, "the weak one is folded away"


def test_a_page_without_incidents_says_so(page: Page) -> None:
    """Nothing wrong is a finding too."""
    assert "No incident." in page.text


def test_the_page_loads_nothing_and_runs_nothing(page: Page, folder: Path) -> None:
    """It opens offline, and its own policy forbids the browser to fetch anything."""
    html = (folder / "report.html").read_text(encoding="utf-8")
    assert not re.search(r"https?:|//|@import|url\((?!#)", html.replace("<!DOCTYPE", ""))
    loading = {"link", "img", "iframe", "object", "embed", "image"}
    assert not loading & {tag for tag, _ in page.tags}
    references = [
        value for _, attrs in page.tags for key, value in attrs.items() if key in ("href", "xlink:href", "src")
    ]
    assert references
    assert all(value and value.startswith("#") for value in references)
    (policy,) = (a["content"] for a in page.all("meta") if a.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-")
    assert_inert(parsed(html))


def test_ids_are_unique_and_references_resolve(page: Page) -> None:
    """Several drawings share one page: their clip paths and marks must not be mixed up."""
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    named = {value[1:] for _, attrs in page.tags for key, value in attrs.items() if key.endswith("href") and value}
    assert named <= set(ids)


def test_names_from_the_users_file_are_never_markup(tmp_path: Path) -> None:
    """Title, species, segment values and alarms show what was written, and run nothing."""
    folder, cohorts = results(tmp_path), cells(HOSTILE)
    found = [each._replace(evidence="strong") for each in incidents_in(folder)]
    path = write_report(folder, HOSTILE, summary(), evaluated(cohorts), cohorts, found, limits=LIMITS)
    page = Page(path.read_text(encoding="utf-8"))
    assert_inert(parsed(path.read_text(encoding="utf-8")))
    assert "<b>$x$" in page.drawn, "and mathematical notation is not typeset"
    assert page.text.count("<script>a()</script>") > 5
    assert not re.search(r"[\x00-\x09\x0b-\x1f]", (tmp_path / "report.html").read_text(encoding="utf-8"))


def test_the_same_run_gives_the_same_bytes(tmp_path: Path, page: Page, folder: Path) -> None:
    """No date, no random id: two reports can be compared."""
    first = (folder / "report.html").read_bytes()
    assert write(results(tmp_path), cells()).text == page.text
    assert (tmp_path / "report.html").read_bytes() == first


def test_the_headline_names_what_is_proven(page: Page) -> None:
    """Counts, interval and status in words: colour alone carries nothing."""
    text = page.text
    assert "1,234 transactions came in: 1,000 were accepted, 200 asked to try again and 30 referred to people." in text
    assert "1,230 decided + 3 deduplicated + 1 refused (dead letters) = 1,234 consumed" in text
    assert "Proven above the limit: FMR 33.3 % , FNMR 33.3 %" in text.replace(" %,", " % ,")
    assert "APCER, worst species: mask 20 / 60 33.3 % 22.7 % to 45.9 % ≤ 0.5 % ✗ BREACH: proven above" in text


def test_a_breach_of_one_species_or_group_is_at_the_top(tmp_path: Path) -> None:
    """Whatever small species or values have higher rates; too few trials and straddling are different words there."""
    classes: Classes = {
        "genuine": counted([0.5] * 6 + [0.9] * 114, 0.85),
        "bona_fide": counted([0.999] * 500, 0.995),
        "attack:replay": counted([0.999] * 40 + [0.1] * 1960, 0.995),
        "attack:mask": counted([0.999] + [0.1] * 29, 0.995),
        "injection:api": counted([0.999] * 3 + [0.1], 0.995),
        "system:attack:replay": ClassCounts(30, 1970, 0, None),
        "system:injection:api": ClassCounts(20, 60, 0, None),
    }
    bad: Classes = {"genuine": counted([0.5] * 60 + [0.9] * 60, 0.85)}
    text = write(results(tmp_path), {None: classes, ("device_model", "M1"): bad}).text
    above = "Proven above the limit: APCER: replay 40/2,000, injections accepted: api 20/80, "
    assert f"{above}FNMR by device_model: M1 60/120" in text
    assert "Too few trials to tell: FMR" in text
    assert "Straddles the limit: FNMR 5 %" in text
    assert "IAPAR, worst species: replay 30 / 2,000 1.5 %" in text
    assert "RIAPAR: IAPAR + FRR – 6.5 %" in text
    assert "Injection attacks that passed as bona fide 3 / 4 75 %" in text
    assert "Injection attacks accepted by the whole system: every method 20 / 80 25 %" in text
    assert "≤ 0.5 % ✗ BREACH: proven above api 20/80" in text
    assert "FNMR: M1 60 / 120 50 % ✗ BREACH: proven above M1 60/120" in text


def test_figures_off_the_curves_state_their_bounds(page: Page) -> None:
    """They are read from histograms: the exact value lies within."""
    assert re.search(r"Liveness: equal error rate – 33.3 % [0-9.]+ % to [0-9.]+ %", page.text)
    assert re.search(r"area under the ROC curve – 0\.\d{4} 0\.\d{4} to 0\.\d{4}", page.text)
    assert re.search(r"BPCER100: at APCER ≤ 1 % of every species \d+ / 120 [0-9.]+ % [0-9.]+ % to [0-9.]+ %", page.text)


def test_accounts_that_do_not_balance_are_said_first(tmp_path: Path) -> None:
    """A transaction that got lost must not hide behind good rates."""
    accounts = {"consumed": 10, "decided": 8, "deduplicated": 1, "dead_lettered": 0, "holds": False}
    text = write(results(tmp_path, traffic=False), {}, conservation=accounts).text
    assert "The accounts do not balance: 10 consumed, but 8 decided + 1 deduplicated + 0 refused" in text


def test_a_run_without_labels_says_so_and_draws_no_empty_plot(tmp_path: Path) -> None:
    """Organic traffic has no truth, so it has no error rates: one sentence says so, and no heading is empty."""
    page = write(results(tmp_path, traffic=False), {})
    assert [attrs["id"] for attrs in page.all("section")] == list(UNLABELLED)
    assert not page.all("svg")
    for said in (
        "No labels came, so there are no error rates.",
        "Nor are there score distributions, DET curves, species of attacks or wrong rejections by segment.",
        "there is no timeline",
        "No case was opened.",
    ):
        assert said in page.text


def test_without_labels_rejections_are_told_by_slice(tmp_path: Path) -> None:
    """By version, system and handset, beside everybody's: what is three times as high is seen; small values are not."""
    out = results(tmp_path)
    day: dict[str, Any] = {"length_s": 86_400}
    rows = [window(**day, counts={"transactions": 900, "decision.retry": 40, "decision.refer": 5})]
    for name, value, k, n in (
        ("os", "android-13", 20, 200), ("sdk_version", "7.2.0", 15, 150), ("sdk_version", "7.1.4", 30, 750),
        ("device_model", "rare", 1, 2),
    ):  # fmt: skip
        slice_: dict[str, Any] = {
            "segment_name": name,
            "segment_value": value,
            "counts": {"transactions": n, "decision.retry": k},
        }
        rows += [
            window(**day, revision=1, **slice_ | {"counts": {"transactions": 1}}),
            window(**day, revision=2, **slice_),
        ]
    lines(out / "windows.jsonl", [*(window(m) for m in range(0, 120, 5)), *rows])
    page = write(out, {})
    assert [attrs["id"] for attrs in page.all("section")] == ["figures", "rejections", *UNLABELLED[1:]]
    text = page.text
    assert text.index("Rejection rate by sdk_version") < text.index("Rejection rate by os")
    assert "15 / 150" in text
    assert "7.2.0" in text
    assert "rare" not in text
    assert "Rejection rate by" not in write(out, cells()).text, "labels tell more"


def test_a_limit_is_called_by_its_name(tmp_path: Path) -> None:
    """And what has no rate has no sign for one."""
    found = write(results(tmp_path), cells()).text
    assert "INJECTION_ACCEPT_RATE" not in found
    assert "– = –" not in found


def test_scores_that_do_not_overlap_have_no_curve(tmp_path: Path) -> None:
    """A perfect separation has nothing to draw on normal deviates, and is said in words."""
    cohorts: dict[Cohort, Classes] = {None: {"genuine": counted([0.9], 0.85), "impostor": counted([0.1], 0.85)}}
    page = write(results(tmp_path), cohorts)
    assert "the scores do not overlap" in page.text
    assert len(page.plots) == 2, "the distribution and the timeline"


def test_any_name_can_be_drawn(tmp_path: Path) -> None:
    """Other scripts, line breaks, endless names and characters that XML forbids break nothing."""
    classes = cells()[None]
    names = ["低端手机", "a\nb\tc", "x" * 500, "\uffff", ""]
    cohorts = {None: classes} | {("device_model", name): classes for name in names}
    page = write(results(tmp_path), cohorts)
    assert len(page.plots) == 5
    assert "低端手机" in page.text


def test_missing_scores_alone_have_rates_but_no_plots(tmp_path: Path) -> None:
    """Nothing but failures to acquire: FTA is 100 %, and no score exists."""
    cohorts: dict[Cohort, Classes] = {None: {"genuine": ClassCounts(0, 0, 5, None)}}
    page = write(results(tmp_path, traffic=False), cohorts)
    assert "FTA: no match score 5 / 5 100 %" in page.text
    assert not page.plots


@pytest.mark.parametrize("tenants", [0, 1, 50])
def test_any_number_of_tenants_has_a_page_of_a_size_that_can_be_sent(tmp_path: Path, tenants: int) -> None:
    """Each is named; one by itself is compared with nobody."""
    evaluation = evaluated(cells())
    watched = {f"tenant-{number:02}": Watched(100, 90, evaluation) for number in range(tenants)}
    path = write_report(results(tmp_path), "a day", summary(), evaluation, cells(), (), watched, limits=LIMITS)
    html = path.read_text(encoding="utf-8")
    assert len(html) < 1_000_000
    assert html.count("<article") == tenants
    assert ("FMR by tenant" in html) == (tenants > 1)
    assert html.index("tenant-00") < html.index("Rates and limits</h2>") if tenants else True
