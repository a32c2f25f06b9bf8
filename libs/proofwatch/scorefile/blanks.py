"""What a blank score means in a row that has the other score: asked for and not acquired, or not requested.

A file cannot say it of one row, so the others do: a score that most rows have beside the other one was asked for where
it is blank, and is a failure to acquire; one that few have was not requested. A mapping's `blank_scores` decides
instead. Either way it is said, with its number. A row with a label needs no such reading: what its truth is known of
was asked for, and nothing else, as in a campaign that tries one check.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from proofwatch.scorefile.account import Blanks
from proofwatch.scorefile.columns import Columns
from proofwatch.scorefile.mapping import SCORES, TRUTHS, BlankMeaning, Score
from proofwatch.scorefile.mapping import Mapping as MappingFile
from proofwatch.scorefile.reader import Reader
from proofwatch.scorefile.scores import Scale
from proofwatch.tabular import Table

_NAMES: Final[Mapping[Score, str]] = {"match_score": "match score", "liveness_score": "liveness score"}
_MEANS: Final[Mapping[BlankMeaning, str]] = {"missing": "failures to acquire", "not_requested": "not requested"}
_OTHERWISE: Final[Mapping[BlankMeaning, tuple[str, BlankMeaning]]] = {
    "missing": ("it was not requested of them", "not_requested"),
    "not_requested": ("capturing it failed", "missing"),
}


def blanks_of(
    table: Table, columns: Columns, mapping: MappingFile, scales: Mapping[Score, Scale]
) -> dict[Score, Blanks]:
    """Return what blanks mean, by score; of one that the file has no column of nothing. Reads scores and labels once.

    Raises `TableError` for a file that is no table.
    """
    present = tuple(name for name in SCORES if name in columns.fields)
    rows, both = dict.fromkeys(present, 0), 0
    if len(present) == len(SCORES):
        fields = {name: columns.fields[name] for name in (*SCORES, *TRUTHS) if name in columns.fields}
        reader = Reader(Columns(fields, {}, ()), mapping, scales)
        for row in table.rows(reader.columns.used):
            cells = reader.read(row).cells
            there = [name for name in present if name in cells]
            both += len(there) == len(present)
            if len(there) == 1 and not any(truth in cells for truth in TRUTHS):
                rows[present[1 - present.index(there[0])]] += 1
    found: dict[Score, Blanks] = {}
    for name in present:
        said = mapping.blank_scores.get(name)
        guessed: BlankMeaning = "missing" if both >= rows[name] else "not_requested"
        found[name] = Blanks(said or guessed, rows[name], both, said is not None)
    return found


def blank_notes(blanks: Mapping[Score, Blanks]) -> Iterator[str]:
    """Yield a line for each score with blanks: how many, what they count as, why, and how to say otherwise."""
    for name, found in blanks.items():
        if not found.rows:
            continue
        other = _NAMES[SCORES[1 - SCORES.index(name)]]
        counted = (
            f"{name}: {found.rows:,} {'row has' if found.rows == 1 else 'rows have'} a {other}, and neither a "
            f"{_NAMES[name]} nor a label; such blanks count as {_MEANS[found.meaning]}"
        )
        if found.said:
            yield f"{counted}, as the mapping file says"
            continue
        both = f"{found.both:,} {'row has' if found.both == 1 else 'rows have'} both"
        why = both if found.meaning == "missing" else f"only {both}"
        if_, word = _OTHERWISE[found.meaning]
        yield f"{counted}, since {why}; if {if_}, say `blank_scores: {{{name}: {word}}}` in a mapping file"
