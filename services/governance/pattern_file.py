"""An attack pattern as its author writes it, and what it would match."""

from pathlib import Path
from typing import Annotated, Any

import orjson
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from proofwatch.events.codec import TRANSACTION
from proofwatch.events.enumerations import AttackPatternSeverity
from proofwatch.events.rejected import Rejected
from proofwatch.governance.predicate import compile_predicate, parse
from proofwatch.strict_yaml import InvalidYaml, load_yaml
from services.governance.governed_log import RequestRefused


class PatternFile(BaseModel):
    """A pattern as its author writes it; the predicate as YAML or JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pattern_id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,62}$")]
    description: Annotated[str, Field(min_length=1, max_length=512)]
    severity: AttackPatternSeverity
    predicate: dict[str, Any]
    expires_at: AwareDatetime | None = None

    def text(self) -> str:
        """Return the predicate as it is published. Raises `InvalidPredicate`."""
        text = orjson.dumps(self.predicate, option=orjson.OPT_SORT_KEYS).decode()
        parse(text)
        return text


def load_pattern(path: Path) -> PatternFile:
    """Read a pattern file. Raises `RequestRefused`, `InvalidPredicate`."""
    try:
        pattern = PatternFile.model_validate(load_yaml(path))
        pattern.text()
    except InvalidYaml as error:
        raise RequestRefused(str(error)) from None
    except ValidationError as error:
        finding = error.errors(include_url=False)[0]
        key = ".".join(map(str, finding["loc"])) or "pattern"
        raise RequestRefused(f"{path}: {key}: {finding['msg'][0].lower()}{finding['msg'][1:]}") from None
    return pattern


def matches(pattern: PatternFile, path: Path) -> tuple[int, int]:
    """Return how many of the transaction events in a file match, and how many there are. Raises `RequestRefused`."""
    holds, matched, total = compile_predicate(parse(pattern.text())), 0, 0
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, start=1):
                try:
                    matched += holds(TRANSACTION.decode(line.strip()))
                except Rejected as error:
                    raise RequestRefused(f"{path}, line {number}: is no transaction event: {error}") from None
                total += 1
    except OSError as error:
        raise RequestRefused(f"{path}: cannot be read ({error.strerror})") from None
    return matched, total
