"""Tenants: contract, calendar, segment catalogue, the lawful basis of every personal segment, and what is kept."""

from collections import Counter
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self
from zoneinfo import ZoneInfo

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from proofwatch.governance.calendar import SATURDAY_AND_SUNDAY, WEEKDAYS, Calendar, Weekday, calendar_of
from proofwatch.governance.imagery_place import ImageryPlace
from proofwatch.governance.policy import SegmentName
from proofwatch.governance.scope import TENANT
from proofwatch.strict_yaml import InvalidYaml, load_yaml

State = Literal["draft", "active", "suspended", "ended"]
LawfulBasis = Annotated[str, Field(pattern=r"^Art\. (6\(1\)\([a-f]\)|9\(2\)\([a-j]\))( .{1,200})?$")]

PERSONAL_SEGMENTS: Final = ("sex", "age_band", "skin_tone", "country")
_SPECIAL_CATEGORIES: Final = ("skin_tone",)  # tells racial or ethnic origin: GDPR Art. 9
KEEP_DAYS: Final = (30, 3_653)
"""The least and the most days that a contract may let transactions be kept: labels come for weeks, and nothing that is
personal is kept without end (GDPR Art. 5(1)(e))."""
TRANSITIONS: Final[frozenset[tuple[State | None, State]]] = frozenset(
    {
        (None, "draft"),
        (None, "active"),
        ("draft", "active"),
        ("draft", "ended"),
        ("active", "suspended"),
        ("active", "ended"),
        ("suspended", "active"),
        ("suspended", "ended"),
    }
)
"""From which contract state to which; None: not known before. A document that keeps the state changes the rest."""


class InvalidTenant(ValueError):
    """The tenant file cannot be used; the message names file, key, value and what would be right."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", validate_by_name=True, validate_by_alias=True)


class Contract(_Part):
    """The contract: its state, and the days it covers: `from` inclusive, `until` exclusive, in the tenant's zone."""

    state: State
    starts: date = Field(alias="from")
    until: date | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.until is not None and self.until <= self.starts:
            msg = f"until must lie after from ({self.starts}), or be left out"
            raise ValueError(msg)
        return self


class Tenant(_Part):
    """The settings of one tenant, whole."""

    tenant: Annotated[str, Field(pattern=rf"^{TENANT}$")]
    contract: Contract
    time_zone: str
    weekend: tuple[Weekday, ...] | None = None
    """Days of the week that are no working days; empty: none is. None: Saturday and Sunday."""
    holidays: tuple[date, ...] = ()
    """Dates, in the tenant's zone, that are no working days either."""
    segments: tuple[SegmentName, ...]
    lawful_bases: dict[SegmentName, LawfulBasis] = {}
    keep_transactions_days: int | None = None
    """Days that the ledger keeps a transaction after its verdict was logged; None: the platform's setting."""
    imagery: ImageryPlace | None = None
    """Where its pictures are kept; None: none of them is ever opened."""

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ValueError, OSError, LookupError):  # what a name can lead to: nowhere, a folder, out of the database
            msg = "is not a time zone of the IANA database; for example Europe/Berlin or UTC"
            raise ValueError(msg) from None
        return name

    @field_validator("weekend")
    @classmethod
    def _leaves_working_days(cls, days: tuple[Weekday, ...] | None) -> tuple[Weekday, ...] | None:
        if days is None:
            return None
        if len(set(days)) < len(days) or len(days) == len(WEEKDAYS):
            msg = "must name each day once, and not all seven; for example [friday, saturday], or [] for no weekend"
            raise ValueError(msg)
        return tuple(sorted(days, key=WEEKDAYS.index))

    @field_validator("holidays")
    @classmethod
    def _named_once(cls, days: tuple[date, ...]) -> tuple[date, ...]:
        twice = next((str(day) for day, count in Counter(days).items() if count > 1), None)
        if twice:
            msg = f"must name each date once; {twice} is there twice"
            raise ValueError(msg)
        return tuple(sorted(days))

    @field_validator("keep_transactions_days")
    @classmethod
    def _within_bounds(cls, days: int | None) -> int | None:
        least, most = KEEP_DAYS
        if days is not None and not least <= days <= most:
            msg = f"must be {least} to {most} days, or be left out, so that the platform's setting holds"
            raise ValueError(msg)
        return days

    @model_validator(mode="after")
    def _lawful(self) -> Self:
        for name in self.segments:
            if name in PERSONAL_SEGMENTS and name not in self.lawful_bases:
                msg = (
                    f"segment {name} is personal data and has no lawful basis; "
                    f"add lawful_bases.{name}, for example 'Art. 9(2)(g)', or take the segment out"
                )
                raise ValueError(msg)
        for name, basis in self.lawful_bases.items():
            if name not in self.segments or name not in PERSONAL_SEGMENTS:
                personal = ", ".join(PERSONAL_SEGMENTS)
                msg = f"lawful_bases.{name} belongs to no personal segment of the catalogue; personal are {personal}"
                raise ValueError(msg)
            if name in _SPECIAL_CATEGORIES and not basis.startswith("Art. 9"):
                msg = f"lawful_bases.{name} = {basis!r}: a special category needs a ground of GDPR Art. 9(2)"
                raise ValueError(msg)
        return self

    def segments_allowed(self) -> frozenset[str]:
        """Return the names of the segments that the tenant's transactions may carry."""
        return frozenset(self.segments)

    def served(self, at_ms: int) -> bool:
        """Return whether the contract is active and covers the day of `at_ms` in the tenant's time zone."""
        day = self.calendar().day(at_ms).date
        until = self.contract.until
        return self.contract.state == "active" and self.contract.starts <= day and (until is None or day < until)

    def calendar(self) -> Calendar:
        """Return the tenant's days, hours and free days."""
        weekend = SATURDAY_AND_SUNDAY if self.weekend is None else self.weekend
        return calendar_of(self.time_zone, weekend, self.holidays)

    def canonical(self) -> bytes:
        """Return the settings as JSON with sorted keys and no blanks.

        What was added to the settings later is left out where it is not set: a file keeps its hash.
        """
        values = self.model_dump(mode="json", by_alias=True)
        for name in ("imagery", "keep_transactions_days", "weekend"):
            if values[name] is None:
                del values[name]
        if not self.holidays:
            del values["holidays"]
        return orjson.dumps(values, option=orjson.OPT_SORT_KEYS)

    @classmethod
    def from_document(cls, document: Mapping[str, Any], where: str = "the document") -> "Tenant":
        """Return the settings that a document holds. Raises `InvalidTenant`; `where` begins its message."""
        try:
            return cls.model_validate(document)
        except ValidationError as error:
            findings = "; ".join(_finding(e) for e in error.errors(include_url=False))
        raise InvalidTenant(f"{where}: {findings}")


def load_tenant(path: Path) -> Tenant:
    """Read a tenant file. Raises `InvalidTenant`."""
    try:
        document = load_yaml(path)
    except InvalidYaml as error:
        raise InvalidTenant(str(error)) from error
    if not isinstance(document, dict):
        raise InvalidTenant(f"{path}: must be a mapping of keys to values: tenant, contract, time_zone, segments")
    return Tenant.from_document(document, str(path))


def _finding(error: Any) -> str:  # pydantic's ErrorDetails
    key = ".".join(str(part) for part in error["loc"])
    if error["type"] == "missing":
        return f"{key} is missing"
    if error["type"] == "extra_forbidden":
        return f"{key} is not a key of a tenant (misspelled?)"
    if error["type"] == "value_error" and not key:
        return str(error["ctx"]["error"])
    if error["type"] == "string_pattern_mismatch" and key.startswith("lawful_bases."):
        return f"{key} = {error['input']!r}: must be a ground of the GDPR such as 'Art. 6(1)(a)' or 'Art. 9(2)(g)'"
    return f"{key} = {error['input']!r}: {error['msg'].removeprefix('Value error, ')}"
