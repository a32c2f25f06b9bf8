"""From a score file to labelled trials, and to the scale and threshold by which they are judged."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from math import ceil, floor
from typing import Final, NamedTuple

from proofwatch.biometrics.curve_figures import ThresholdChoice, resolve_thresholds
from proofwatch.biometrics.spellings import truth_class
from proofwatch.biometrics.trials import Trials, cohorts_of, is_attack
from proofwatch.events.mending import ROUNDING
from proofwatch.plain import one_line
from proofwatch.scorefile.account import Facts
from proofwatch.scorefile.columns import Columns
from proofwatch.scorefile.mapping import SCORES, Score
from proofwatch.scorefile.mapping import Mapping as MappingFile
from proofwatch.scorefile.reader import Reader, Reading
from proofwatch.scorefile.scores import Scale
from proofwatch.scorefile.units import check_units
from proofwatch.tabular import Table, TableError

Progress = Callable[[int], None]


class Truth(NamedTuple):
    """What is known of a trial: the class of its comparison and of its presentation, None where nothing is.

    `compared`: whether a comparison was asked for as well, so that the outcome is that of the whole system.
    """

    pair: str | None
    presentation: str | None
    compared: bool = False


_EVERY: Final = 5_000


def columns_of(table: Table, mapping: MappingFile, where: str | None = None) -> Columns:
    """Return which column means what. Raises `TableError` for a mapping that does not fit, or a file without scores.

    `where`: the mapping file.
    """
    try:
        columns = Columns.of(table.columns, mapping.columns, mapping.segments)
    except ValueError as error:
        raise TableError(f"{where or table.file}: {error}") from error
    if not columns.fields.keys() & {"match_score", "liveness_score"}:
        found = ", ".join(map(one_line, table.columns))
        raise TableError(
            f"{table.file}: has neither match_score nor liveness_score; found: {found}; say which columns they are in "
            "a mapping file: `proofwatch mapping guess FILE` drafts one"
        )
    return columns


def has_decimal_commas(table: Table) -> bool:
    """Return whether a comma within a number of this table is a decimal comma: cells are separated otherwise."""
    return table.delimiter not in ("", ",")


def truth_of(reading: Reading) -> Truth | None:
    """Return what a row says about itself; None: nothing, or nothing that can be read."""
    if not reading.labelled:
        return None
    return Truth(reading.pair, truth_class(reading.presentation, reading.species, reading.attack_class))


def read_trials(
    table: Table,
    reader: Reader,
    segments: Sequence[str],
    truth: Callable[[int, Reading], Truth | None],
    progress: Progress = lambda rows: None,
) -> Trials:
    """Return every labelled trial of the rows that count, by cohort; the cohorts are those of `segments`.

    `truth` says of a row, by its number from 0, what it counts as; None: as nothing. What was refused is in the
    reader's account. Raises `TableError` for a file that is no table.
    """
    labelled, account = Trials(), reader.account
    for number, row in enumerate(table.rows(reader.columns.used)):
        reading = reader.read(row)
        if (known := truth(number, reading)) is not None:
            _add(labelled, reading, known, segments)
        if account.rows % _EVERY == 0:
            progress(account.rows)
    return labelled


def _add(labelled: Trials, reading: Reading, known: Truth, segments: Sequence[str]) -> None:
    groups, cells = reading.groups, reading.cells
    cohorts = cohorts_of({name: groups.get(name) or cells.get(name) for name in segments})
    if known.pair is not None:
        labelled.add(known.pair, reading.scores.get("match_score"), cohorts)
    if known.presentation is not None:
        liveness = reading.scores.get("liveness_score")
        labelled.add(known.presentation, liveness, cohorts)
        if known.compared and is_attack(known.presentation):
            labelled.add_attack(known.presentation, reading.scores.get("match_score"), liveness, cohorts)


def facts_of(table: Table, columns: Columns, mapping: MappingFile) -> Mapping[str, Facts]:
    """Return the numbers of the score columns as they stand in the file."""
    commas = has_decimal_commas(table)
    scales: dict[Score, Scale] = {}
    for name in ("match_score", "liveness_score"):
        scales[name] = mapping.scale_of(name, decimal_comma=commas)
        scales[name].any_range = True
    reader = Reader(columns, mapping, scales)
    for row in table.rows(columns.used):
        reader.read(row)
    return reader.account.facts


def check_scales(table: Table, columns: Columns, mapping: MappingFile) -> None:
    """Raise `TableError` where a scale that the mapping names cannot be that of the file's scores.

    For whoever reads a file once; it is read once more if the mapping names a scale.
    """
    if mapping.scale:
        check_units(table.file, dict.fromkeys(SCORES), facts_of(table, columns, mapping), mapping)


class Scaled(NamedTuple):
    """How scores are read, and the thresholds that were given for them; `said`: what of it the file decided."""

    scales: Mapping[Score, Scale]
    given: Mapping[Score, ThresholdChoice | None]
    said: list[str]

    def thresholds(self, trials: Trials) -> dict[Score, float | None]:
        """Return the thresholds from 0 to 1; None: none was given. Raises `TableError` where `eer` has no point."""
        found: dict[Score, float | None] = {}
        for name, given in self.given.items():
            found[name] = None if given is None or given == "eer" else placed(name, given, self.scales[name])
        if "eer" in self.given.values():
            match, liveness = (choice if choice == "eer" else 0.0 for choice in self.given.values())
            try:
                resolved = resolve_thresholds(trials, match, liveness)
            except ValueError as error:
                raise TableError(f"{error}; or give a number") from error
            for name, value in zip(self.given, (resolved.match, resolved.liveness), strict=True):
                if self.given[name] == "eer":
                    found[name] = min(1.0, value)
        return found


def scales_of(
    table: Table,
    columns: Columns,
    mapping: MappingFile,
    given: Mapping[Score, ThresholdChoice | None],
    cap: float,
) -> Scaled:
    """Return how a file's scores become scores from 0 to 1.

    The mapping says it. Where it does not, and a threshold was given that lies outside 0 to 1 (or `eer`, and more than
    the share `cap` of the scores lie outside), the scale is taken from the file, which is said.
    """
    commas = has_decimal_commas(table)
    scales = {name: mapping.scale_of(name, decimal_comma=commas) for name in given}
    own = [
        name
        for name, threshold in given.items()
        if name in columns.fields
        and scales[name].as_written
        and threshold is not None
        and (threshold == "eer" or not 0 <= threshold <= 1)
    ]
    said = []
    facts = facts_of(table, columns, mapping) if own else {}
    for name in own:
        found, threshold = facts[name], given[name]
        number = None if threshold == "eer" else threshold
        if number is None and found.negative + found.above_one <= cap * found.n:
            continue
        check_units(table.file, {name: threshold}, facts, mapping)
        scale = scales[name] = own_scale(scales[name], found, number)
        if number is not None and found.n and not found.low <= number <= found.high:
            side = "above" if number > found.high else "below"
            said.append(
                f"{name}: the threshold {number:g} lies {side} every score of the file; is it in the same units?"
            )
        said.append(f"{name}: its scale is taken from the file, {scale.low} to {scale.high}; a mapping file can say it")
    for name, threshold in given.items():
        scale = scales[name]
        if threshold is not None and threshold != "eer" and not scale.as_written:
            said.append(
                f"{name}: the threshold {threshold:g} of the file is {placed(name, threshold, scale):g} from 0 to 1"
            )
    return Scaled(scales, given, said)


def own_scale(scale: Scale, facts: Facts, threshold: float | None) -> Scale:
    """Return the scale that a file's numbers seem to have, taking in the threshold."""
    low, high = facts.low, facts.high
    if threshold is not None:
        low, high = min(low, threshold), max(high, threshold)
    if low >= 0 and 10 < high <= 100:
        ends = (0, 100)
    elif low >= -1 and high <= 1 + ROUNDING:
        ends = (-1, 1)
    else:
        ends = (floor(low), ceil(high) if ceil(high) > floor(low) else floor(low) + 1)
    scale.low, scale.high = Decimal(ends[0]), Decimal(ends[1])
    return scale


def placed(name: Score, threshold: float, scale: Scale) -> float:
    """Return where a threshold in the file's own units lies from 0 to 1. Raises `TableError` outside of the scale."""
    place = scale.place(repr(threshold))
    if not scale.any_range and not 0 <= place <= 1:
        ends = f"{scale.low:g} to {scale.high:g}" if scale.low is not None and scale.high is not None else "0 to 1"
        raise TableError(f"the threshold of {name} lies outside of its scale, {ends}; give it in the file's own units")
    return place
