"""Drafts of mappings: what a file shows is said with its reason, what it does not show is a comment."""

import random
from pathlib import Path

import pytest

from proofwatch.scorefile.guess import guess
from proofwatch.scorefile.mapping import load_mapping
from proofwatch.tabular import open_table
from tests.unit.scorefile.files import readings


def drafted(tmp_path: Path, text: str) -> tuple[str, int]:
    """Return the draft, and how many rows and labels are refused when it is used."""
    path = tmp_path / "scores.csv"
    path.write_text(text)
    draft = guess(open_table(path))
    (tmp_path / "mapping.yaml").write_text(draft)
    mapping = load_mapping(tmp_path / "mapping.yaml")
    _, outcome = readings(path, **mapping.model_dump())
    return draft, outcome.rows.total + outcome.labels.total


def rows(good: tuple[float, float], bad: tuple[float, float], words: tuple[str, str] = ("genuine", "impostor")) -> str:
    random_ = random.Random(3)
    lines = []
    for number in range(200):
        low, high = good if number % 2 else bad
        lines.append(f"{random_.uniform(low, high):.4f},{words[0] if number % 2 else words[1]}")
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("match_score,pair\n" + rows((86, 99), (5, 60)), "match_score: [0, 100] # the numbers look like percent"),
        ("match_score,pair\n" + rows((0.1, 0.4), (0.6, 1.1)), "lower_is_better: [match_score] # what ought to be acc"),
        ("face_distance,pair\n" + rows((0.1, 0.4), (0.6, 1.1)), '"face_distance": match_score'),
        ("match_score,pair\n" + rows((0.4, 1), (-0.9, 0.3)), "match_score: [-1, 1] # "),
        ("match_score,pair\n" + rows((2, 9), (-8, 1)), "match_score: [-8, 9] # from the file's own numbers"),
        ("match_score,pair\n" + rows((0.6, 1), (0, 0.3)) + "-1,genuine\n9999,impostor\n", "[-1, 9999] # 2 rows"),
        ("Similarity,Label\n" + rows((0.6, 1), (0, 0.3), ("1", "0")), 'pair: {"1": genuine, "0": impostor} # "1" has'),
        ("match_score,occurred_at\n0.9,1772618706000\n", "time_format: epoch_ms"),
        ("match_score,timestamp\n0.9,31-03-2026 10:05:00 PM\n", 'time_format: "%d-%m-%Y %I:%M:%S %p"'),
        ("match_score,timestamp\n0.9,31/Mar/2026:10:05:00 +0400\n", 'time_format: "%d/%b/%Y:%H:%M:%S %z"'),
        ("match_score,timestamp\n0.9,31.03.2026 10:05\n", 'time_format: "%d.%m.%Y %H:%M"'),
        ("match_score,timestamp\n0.9,03/31/2026 10:05:00\n", 'time_format: "%m/%d/%Y %H:%M:%S"'),
        ('match_score,pair\n"0,97",genuine\n', 'decimal: ","'),
        ("match_score,pair\n97%,genuine\n12.5%,impostor\n", "match_score: [0, 100]"),
    ],
)
def test_a_draft_makes_the_file_readable(tmp_path: Path, text: str, says: str) -> None:
    """It says why, the mapping file takes it, and with it nothing is refused."""
    draft, refused = drafted(tmp_path, text)
    assert says in draft
    assert refused == 0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("match_score,timestamp\n0.9,03/04/2026 10:05:00\n", '# time_format: "%d/%m/%Y %H:%M:%S" # this fits'),
        ("match_score,pair\n0.9,cat\n0.8,dog\n", "# values: {pair: {"),
        ("liveness_score,presentation\n0.9,1\n0.8,0\n", "# values: {presentation: {"),
        ("score,similarity,pair\n0.9,0.8,genuine\n", '# match_score could be any of these: "score", "similarity"'),
        ("a,b\n1,2\n", "# No column has the name of a score"),
        ("match_score,branch\n0.9,north\n", '# Not used: "branch"'),
        (
            "match_score,pair\n" + rows((0.6, 1), (0, 0.3)) + "-0.2,impostor\n",
            "# scale: {match_score: [-1, 1]} #",
        ),
    ],
)
def test_what_could_be_read_in_two_ways_is_left_to_a_person(tmp_path: Path, text: str, says: str) -> None:
    """As a comment; the draft is a valid mapping all the same."""
    path = tmp_path / "scores.csv"
    path.write_text(text)
    draft = guess(open_table(path))
    (tmp_path / "mapping.yaml").write_text(draft)
    load_mapping(tmp_path / "mapping.yaml")
    assert says in draft


@pytest.mark.parametrize(
    ("times", "says"),
    [
        (
            ["2026-03-31", "31.03.2026 10:05"],
            'time_format: [iso, "%d.%m.%Y %H:%M"] # each time is read by the one that',
        ),
        (["1772618706", "31.03.2026 10:05"], 'time_format: [epoch_s, "%d.%m.%Y %H:%M"]'),
        (["31/03/2026 10:05:00", "31.03.2026 10:05"], 'time_format: ["%d/%m/%Y %H:%M:%S", "%d.%m.%Y %H:%M"]'),
        (["2026-03-31T10:00:00+02:00", "1772618706", "1772618706000"], "# occurred_at: times have several forms, each"),
    ],
)
def test_times_of_several_forms_are_told_and_each_is_read(tmp_path: Path, times: list[str], says: str) -> None:
    """A format that fits some would refuse the others: so all are named, or none is needed."""
    draft, refused = drafted(tmp_path, "match_score,occurred_at\n" + "".join(f"0.9,{each}\n" for each in times))
    assert says in draft
    assert refused == 0


def test_times_in_no_usual_form_are_named_by_line(tmp_path: Path) -> None:
    """With what would be right; those that can be read stay so."""
    draft, refused = drafted(tmp_path, "match_score,occurred_at\n0.9,2026-03-31\n0.9,noon\n0.9,31.03.2026 10:05\n")
    assert "# occurred_at: 1 times are in no usual form (lines 3): write them as 2026-03-04T10:00:00Z" in draft
    assert 'time_format: [iso, "%d.%m.%Y %H:%M"]' in draft
    assert refused == 1
