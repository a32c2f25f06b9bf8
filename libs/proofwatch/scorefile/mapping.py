"""What a user says about a score file: the mapping file of `replay`, `evaluate` and `backtest`."""

from collections.abc import Mapping as AnyMapping
from datetime import UTC, timedelta, tzinfo
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from proofwatch.biometrics.spellings import PRESENTED
from proofwatch.biometrics.trials import ATTACK, BONA_FIDE, GENUINE, IMPOSTOR, INJECTION
from proofwatch.governance.policy import SegmentName
from proofwatch.scorefile.scores import Scale
from proofwatch.scorefile.times import check_format, delay, zone_of
from proofwatch.strict_yaml import load_yaml
from proofwatch.textfile import TableError

Score = Literal["match_score", "liveness_score"]
BlankMeaning = Literal["missing", "not_requested"]
SCORES: Final[tuple[Score, Score]] = ("match_score", "liveness_score")
TRUTHS: Final = {"pair": (GENUINE, IMPOSTOR), "presentation": (BONA_FIDE, ATTACK)}
_WORDS: Final = {**TRUTHS, "attack_class": (PRESENTED, INJECTION)}


def _as_text(value: Any) -> Any:
    """Return a YAML scalar as the text that stands in the file; YAML reads 1 and true for what they look like."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int | float) else value


def _by_score(value: Any) -> Any:
    """Return a setting for each score; what is not given by score holds for both."""
    return value if isinstance(value, dict) else dict.fromkeys(SCORES, value)


def _ends(value: Any) -> tuple[Decimal, Decimal]:
    ends = value if isinstance(value, list | tuple) else [0, value]
    try:
        low, high = (Decimal(str(end)) for end in ends)
        if low.is_finite() and high.is_finite() and low < high:
            return low, high
    except (ValueError, InvalidOperation):
        pass
    raise ValueError("must be the ends of the scale in the file's own units, such as [0, 100]")


def _listed(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


def _formats(value: Any) -> Any:
    return [] if value is None else _listed(value)


def _directions(value: Any) -> Any:
    if isinstance(value, bool):
        return list(SCORES) if value else []
    return _listed(value)


def _words(words: Any) -> Any:
    return {_as_text(theirs): _as_text(ours) for theirs, ours in words.items()} if isinstance(words, dict) else words


def _spellings(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {
        field: {_as_text(theirs): _as_text(ours) for theirs, ours in words.items()}
        if isinstance(words, dict)
        else words
        for field, words in value.items()
    }


def _ours(values: dict[str, dict[str, str | None]]) -> dict[str, dict[str, str | None]]:
    for field, words in _WORDS.items():
        if wrong := {ours for ours in values.get(field, {}).values() if ours is not None} - {*words}:
            del wrong
            raise ValueError(f"{field}: their words must become {' or '.join(words)}, or null where they say nothing")
    return values


Ends = Annotated[Any, AfterValidator(_ends)]
Texts = Annotated[list[Annotated[str, BeforeValidator(_as_text)]], BeforeValidator(_listed)]


class Mapping(BaseModel):
    """The mapping file. Every part may be left out.

    `columns`: their column → our field. `segments`: their column → the name of a segment of one's own. `scale`: the
    ends of a score's scale in the file's own units, such as [0, 100] or [-1, 1]. `lower_is_better`: scores that are
    distances. `missing_values`: what stands for no score, such as -1. `blank_scores`: whether a score that is not there
    was asked for and is `missing`, or was `not_requested`, where no label says it. `decimal`: "," where numbers have a
    decimal comma. `time_format`: one form or a list, see `Times`. `time_zone`: of times that name none. `label_delay`:
    how long after its transaction a truth comes that has no `labelled_at`, such as 3d, 12h or 30m. `values`: our field
    or segment → their spelling → ours (null: blank).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    columns: dict[str, str] = {}
    segments: dict[str, SegmentName] = {}
    scale: Annotated[dict[Score, Ends], BeforeValidator(_by_score)] = {}
    lower_is_better: Annotated[list[Score], BeforeValidator(_directions)] = []
    missing_values: Annotated[dict[Score, Texts], BeforeValidator(_by_score)] = {}
    blank_scores: Annotated[dict[Score, BlankMeaning], BeforeValidator(_by_score)] = {}
    decimal: Literal[".", ","] | None = None
    time_format: Annotated[list[Annotated[str, AfterValidator(check_format)]], BeforeValidator(_formats)] = []
    time_zone: str = "UTC"
    label_delay: Annotated[timedelta, BeforeValidator(delay)] = timedelta(0)
    values: Annotated[
        dict[str, dict[str, Annotated[str, Field(min_length=1)] | None]],
        BeforeValidator(_spellings),
        AfterValidator(_ours),
    ] = {}

    @property
    def zone(self) -> tzinfo:
        """Return the zone of times that name none."""
        return UTC if self.time_zone == "UTC" else zone_of(self.time_zone)

    def scale_of(self, score: Score, *, decimal_comma: bool = False) -> Scale:
        """Return how one score is read; `decimal_comma` holds where the mapping does not say."""
        low, high = self.scale.get(score, (None, None))
        missing = self.missing_values.get(score, [])
        return Scale(
            low=low,
            high=high,
            lower_is_better=score in self.lower_is_better,
            decimal_comma=decimal_comma if self.decimal is None else self.decimal == ",",
            missing_texts=frozenset(missing),
            missing_numbers=frozenset(_numbers(missing)),
        )


def load_mapping(path: Path | None, time_zone: str | None = None) -> Mapping:
    """Return the mapping in a YAML file; None: one that says nothing. Raises `InvalidYaml`, `TableError`.

    `time_zone`: of times that name none, unless the mapping says it.
    """
    mapping = Mapping() if path is None else _read(path)
    if time_zone is None or "time_zone" in mapping.model_fields_set:
        return mapping
    return mapping.model_copy(update={"time_zone": time_zone})


def _read(path: Path) -> Mapping:
    content = load_yaml(path)
    if content is not None and not isinstance(content, dict):
        raise TableError(f"{path}: is no mapping; write columns: {{theirs: ours}}, or see `proofwatch mapping guess`")
    try:
        mapping = Mapping.model_validate(content or {})
        _ = mapping.zone
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise TableError(f"{path}: {where}: {first['msg'].removeprefix('Value error, ')}") from None
    except ValueError as error:
        raise TableError(f"{path}: {error}") from None
    return mapping


def values_of(mapping: Mapping) -> AnyMapping[str, AnyMapping[str, str | None]]:
    """Return their spellings by field, as they are compared: without regard to case and blanks around them."""
    return {
        field: {theirs.strip().casefold(): ours for theirs, ours in words.items()}
        for field, words in mapping.values.items()
    }


def _numbers(texts: list[str]) -> list[float]:
    found = []
    for text in texts:
        try:
            found.append(float(text.replace(",", ".")))
        except ValueError:
            continue
    return found
