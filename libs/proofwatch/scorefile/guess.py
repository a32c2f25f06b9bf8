"""Drafts a mapping file for a score file: what its names and numbers show, each with its reason.

What could be read in two ways stands there as a comment, for a person to decide.
"""

import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil, floor, inf
from typing import Final

from proofwatch.events.mending import ROUNDING
from proofwatch.scorefile.account import Side
from proofwatch.scorefile.advice import SENTINELS
from proofwatch.scorefile.blanks import blanks_of
from proofwatch.scorefile.columns import BUILT_IN_SEGMENTS, FIELDS, Columns
from proofwatch.scorefile.guess_times import MOST_TRIED, time_findings
from proofwatch.scorefile.labels import YES_OR_NO, pair_of, presentation_of
from proofwatch.scorefile.mapping import SCORES, TRUTHS, Mapping, Score
from proofwatch.scorefile.reader import Reader
from proofwatch.scorefile.trials import has_decimal_commas
from proofwatch.tabular import Table

_NAMES: Final = {
    "transaction_id": "id transaction trial trial_id tx_id session session_id request_id onboarding_id comparison_id",
    "attempt_id": "attempt",
    "subject_ref": "subject subject_id user user_id customer customer_id person_id applicant_id client_id",
    "occurred_at": "time timestamp date datetime created created_at event_time ts started_at date_time",
    "match_score": "score match similarity face_score face_match face_match_score similarity_score cosine "
    "cosine_similarity distance match_distance face_distance matching_score comparison_score dist",
    "pair": "label truth ground_truth is_same same mated is_mated is_genuine genuine pair_type issame",
    "liveness_score": "liveness live_score pad_score liveness_confidence spoof_score bonafide_score pad",
    "presentation": "presentation_type attack_label is_attack is_live is_spoof live spoof pad_label bona_fide",
    "pai_species": "species pai attack_type pai_type instrument spoof_type",
    "attack_class": "attack_kind",
    "labelled_at": "labeled_at label_time label_date reviewed_at confirmed_at adjudicated_at",
    "sex": "gender",
    "age_band": "age_group agegroup",
    "skin_tone": "fitzpatrick monk skin",
    "device_model": "device model handset phone",
    "os": "platform operating_system",
    "sdk_version": "sdk",
    "matcher_version": "matcher face_matcher_version engine_version",
    "pad_version": "liveness_version",
}
_LEAST: Final = 5
"""Trials that a side needs before its mean says anything."""
_MOST_SPELLINGS: Final = 8
_LONGEST_SPELLING: Final = 32
_DISTANCE: Final = re.compile("dist", re.IGNORECASE)


@dataclass(slots=True)
class _Numbers:
    """The numbers of one score column without those that may stand for none, and those by themselves."""

    n: int = 0
    low: float = inf
    high: float = -inf
    outside: int = 0
    odd: Counter[float] = field(default_factory=Counter)
    by_truth: dict[str, Side] = field(default_factory=dict)

    def add(self, value: float, truth: str | None) -> None:
        if value in SENTINELS:
            self.odd[value] += 1
            return
        self.n += 1
        self.low, self.high = min(self.low, value), max(self.high, value)
        self.outside += not -ROUNDING <= value <= 1 + ROUNDING
        if truth is not None and (truth in self.by_truth or len(self.by_truth) <= _MOST_SPELLINGS):
            self.by_truth.setdefault(truth, Side()).add(value)


def guess(table: Table) -> str:
    """Return a mapping file as YAML text, which `replay` and `evaluate` take. Raises `TableError`."""
    said = ["# A draft: check every line. What is commented out could be read in two ways."]
    chosen, ambiguous = _columns(table.columns)
    if chosen:
        said.append("columns: # by their names: theirs, then ours")
        said += [f"  {_quoted(column)}: {name}" for name, column in chosen.items()]
    for name, columns in ambiguous.items():
        said.append(f"# {name} could be any of these: {', '.join(map(_quoted, columns))}. Name one under columns.")
    meant = Columns.of(table.columns, {column: name for name, column in chosen.items()}, {})
    if not meant.fields.keys() & {*SCORES}:
        said.append("# No column has the name of a score. Name one under columns: {theirs: match_score}.")
    if meant.dropped:
        said.append(f"# Not used: {', '.join(map(_quoted, meant.dropped))}. Groups to compare go under segments:")
        said.append("# segments: {theirs: name_of_the_group}")
    return "\n".join([*said, *_values(table, meant), *_blanks(table, meant)]) + "\n"


def _columns(present: Sequence[str]) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Return columns of other names by our field, and fields for which there are several."""
    known = (*FIELDS, *BUILT_IN_SEGMENTS)
    names = {name: {_plain(each) for each in (name, *more.split())} for name, more in _NAMES.items()}
    chosen: dict[str, str] = {}
    ambiguous: dict[str, list[str]] = {}
    for name in known:
        if name in present:
            continue
        alike = names.get(name, {name.replace("_", "")})
        fitting = [column for column in present if column not in known and _plain(column) in alike]
        if len(fitting) == 1:
            chosen[name] = fitting[0]
        elif fitting:
            ambiguous[name] = fitting
    return chosen, ambiguous


def _values(table: Table, columns: Columns) -> list[str]:
    """Return what the cells show."""
    scales = {}
    for name in SCORES:
        scales[name] = Mapping().scale_of(name, decimal_comma=True)
        scales[name].any_range = True
    reader = Reader(columns, Mapping(), scales)
    numbers = {name: _Numbers() for name in SCORES}
    words: dict[str, Counter[str]] = {name: Counter() for name in TRUTHS}
    times: list[tuple[int, str]] = []
    percents: Counter[Score] = Counter()
    for row in table.rows(columns.used):
        reading = reader.read(row)
        for name, truth in zip(SCORES, TRUTHS, strict=True):
            text = reading.cells.get(truth, "").casefold()
            if text and (text in words[truth] or len(words[truth]) <= _MOST_SPELLINGS):
                words[truth][text] += 1
            if (value := reading.scores.get(name)) is not None:
                numbers[name].add(value, text or None)
            percents[name] += reading.cells.get(name, "").endswith("%")
        if reading.unfit and reading.unfit.field == "occurred_at" and len(times) < MOST_TRIED:
            times.append((row.line, reading.cells.get("occurred_at", "")))
    said: list[str] = []
    if any(reader.account.commas.values()) and not has_decimal_commas(table):
        said.append('decimal: "," # numbers have decimal commas')
    for name, truth in zip(SCORES, TRUTHS, strict=True):
        if name in columns.fields:
            said += _score(name, truth, numbers[name], percents[name], columns.fields[name])
    said += time_findings(reader.times, [(line, text) for line, text in times if text])
    said += _spellings(words, numbers, columns)
    return _merged(said)


def _blanks(table: Table, columns: Columns) -> list[str]:
    """Return what blank scores may mean, where one stands beside a score that is there."""
    scales = {name: Mapping().scale_of(name, decimal_comma=True) for name in SCORES}
    return [
        f"# blank_scores: {{{name}: {found.meaning}}} # {found.rows:,} with the other score only, {found.both:,} have "
        "both: missing, or not_requested?"
        for name, found in blanks_of(table, columns, Mapping(), scales).items()
        if found.rows
    ]


def _score(name: str, truth: str, found: _Numbers, percents: int, column: str) -> list[str]:
    said = []
    unit = found.low >= 0 and found.high <= 1 + ROUNDING
    far = [value for value in sorted(found.odd) if value < min(0, found.low) or value > max(1.0, found.high)]
    odd = [value for value in far if found.n and (unit or value != 99)]  # 99 may be percent
    if odd:
        listed, rows = ", ".join(f"{value:g}" for value in odd), sum(found.odd[value] for value in odd)
        said.append(f"missing_values|{name}: [{listed}]|{rows:,} rows, far from all others: taken for no score")
    if not found.n and not percents:
        return said
    good, bad = _sides(truth, found)
    lower = bool(_DISTANCE.search(column))
    if good and bad and min(good.n, bad.n) >= _LEAST:
        spread = 5 * (good.variance_of_mean + bad.variance_of_mean) ** 0.5
        lower = good.mean < bad.mean - spread or (lower and good.mean < bad.mean + spread)
    if lower:
        why = "what ought to be accepted scores lower" if good and bad else "the column is called a distance"
        said.append(f"lower_is_better|{name}|{why}")
    if percents or (found.low >= 0 and 10 < found.high <= 100 and not lower):
        said.append(f"scale|{name}: [0, 100]|the numbers look like percent")
    elif found.outside and found.low >= -1 and found.high <= 1 + ROUNDING:
        ambiguous = found.outside <= found.n // 100
        why = f"{found.outside:,} are below 0: cosine similarities? Then thresholds move too: 0.7 becomes 0.85"
        said.append(f"{'# ' if ambiguous else ''}scale|{name}: [-1, 1]|{why}")
    elif found.outside:
        ends = f"[{min(0, floor(found.low))}, {ceil(found.high)}]"
        said.append(f"scale|{name}: {ends}|from the file's own numbers; the matcher's scale is better; set a threshold")
    elif lower:
        said.append(f"# scale|{name}: [0, 1]|if distances go further than 1, say how far; set a threshold")
    return said


def _sides(truth: str, found: _Numbers) -> tuple[Side | None, Side | None]:
    """Return the scores of what ought to be accepted and of what ought not, where the spelling says which is which."""
    read = pair_of if truth == "pair" else presentation_of
    sides: dict[str | None, Side] = {read(text): side for text, side in found.by_truth.items()}
    return sides.get(TRUTHS[truth][0]), sides.get(TRUTHS[truth][1])


def _spellings(words: dict[str, Counter[str]], numbers: dict[Score, _Numbers], columns: Columns) -> list[str]:
    said = []
    for (truth, ours), name in zip(TRUTHS.items(), SCORES, strict=True):
        read = pair_of if truth == "pair" else presentation_of
        unknown = [text for text in words[truth] if read(text) is None]
        if not unknown or len(words[truth]) > _MOST_SPELLINGS or any(len(text) > _LONGEST_SPELLING for text in unknown):
            if unknown:
                said.append(f"# values|{truth}: {{theirs: {ours[0]}}}|its spellings are not known: say what they mean")
            continue
        sides = [numbers[name].by_truth.get(text) for text in unknown]
        distance = bool(_DISTANCE.search(columns.fields.get(name, "")))
        if len(unknown) == 2 and {*unknown} <= YES_OR_NO and not distance and (best := _higher(unknown, sides)):
            rest = unknown[1 - unknown.index(best)]
            pairs = f"{{{_quoted(best)}: {ours[0]}, {_quoted(rest)}: {ours[1]}}}"
            said.append(f"values|{truth}: {pairs}|{_quoted(best)} has the higher scores; is that right?")
            continue
        pairs = ", ".join(f"{_quoted(text)}: {ours[0]}" for text in unknown)
        said.append(f"# values|{truth}: {{{pairs}}}|which is {ours[0]}, which {ours[1]}? The file does not say")
    return said


def _higher(texts: Sequence[str], sides: Sequence[Side | None]) -> str | None:
    """Return which of two spellings has the higher scores, beyond chance; None: neither."""
    first, second = sides
    if first is None or second is None or min(first.n, second.n) < _LEAST:
        return None
    spread = 5 * (first.variance_of_mean + second.variance_of_mean) ** 0.5
    if abs(first.mean - second.mean) <= spread:
        return None
    return texts[0] if first.mean > second.mean else texts[1]


def _merged(said: list[str]) -> list[str]:
    """Return YAML lines: findings of one key under one key, each with its reason."""
    lines: list[str] = []
    active: dict[str, list[tuple[str, str]]] = {}
    for finding in said:
        key, *rest = finding.split("|", 2)
        if not rest:
            lines.append(finding)
        elif key.startswith("#"):
            lines.append(f"{key}: {rest[0] if ': ' not in rest[0] else '{' + rest[0] + '}'} # {rest[1]}")
        else:
            active.setdefault(key, []).append((rest[0], rest[1]))
    for key, found in active.items():
        if key == "lower_is_better":
            lines.append(f"{key}: [{', '.join(value for value, _ in found)}] # {found[0][1]}")
        elif ": " not in found[0][0]:
            lines.append(f"{key}: {found[0][0]} # {found[0][1]}")
        else:
            lines.append(f"{key}:")
            lines += [f"  {value} # {why}" for value, why in found]
    return lines


def _plain(column: str) -> str:
    return re.sub(r"[\W_]+", "", column).casefold()


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
