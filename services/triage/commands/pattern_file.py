"""An attack pattern as its author writes it, and what it would match."""

from pathlib import Path
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from proofwatch.events.codec import TRANSACTION
from proofwatch.events.enumerations import AttackPatternSeverity
from proofwatch.events.rejected import Rejected
from proofwatch.governance.predicate import InvalidPredicate, compile_predicate, parse
from proofwatch.strict_yaml import InvalidYaml, load_yaml
from services.triage.core.patterns import Text


class InvalidPattern(ValueError):
    """The file is no pattern, or no file of transactions; the message says where, and what would be right."""


class PatternFile(BaseModel):
    """A pattern as its author writes it; the predicate as YAML or JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pattern_id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
    description: Annotated[str, Field(min_length=1, max_length=512)]
    severity: AttackPatternSeverity
    species: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    predicate: dict[str, Any]

    def content(self) -> Text:
        """Return what it says. Raises `InvalidPattern`."""
        try:
            return Text.of(self.description, self.severity, orjson.dumps(self.predicate), self.species)
        except InvalidPredicate as error:
            raise InvalidPattern(str(error)) from None


def load_pattern(path: Path) -> PatternFile:
    """Read a pattern file. Raises `InvalidPattern`."""
    try:
        pattern = PatternFile.model_validate(load_yaml(path))
        pattern.content()
    except InvalidYaml as error:
        raise InvalidPattern(str(error)) from None
    except InvalidPattern as error:
        raise InvalidPattern(f"{path}: predicate: {error}") from None
    except ValidationError as error:
        finding = error.errors(include_url=False)[0]
        key = ".".join(map(str, finding["loc"])) or "pattern"
        raise InvalidPattern(f"{path}: {key}: {finding['msg'][0].lower()}{finding['msg'][1:]}") from None
    return pattern


def matches(pattern: PatternFile, path: Path) -> tuple[int, int]:
    """Return how many of the transaction events in a file match, and how many there are. Raises `InvalidPattern`."""
    holds, matched, total = compile_predicate(parse(pattern.content().predicate)), 0, 0
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                try:
                    matched += holds(TRANSACTION.decode(line.strip()))
                except Rejected as error:
                    raise InvalidPattern(f"{path}, line {number}: is no transaction event: {error}") from None
                total += 1
    except OSError as error:
        raise InvalidPattern(f"{path}: cannot be read ({error.strerror})") from None
    return matched, total
