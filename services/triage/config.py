"""Settings of triage."""

from typing import Annotated, Self

from pydantic import AfterValidator, Field, SecretStr, model_validator

from proofwatch.runtime.key_settings import KeySettings
from services.triage.core.dispositions import FourEyes
from services.triage.core.due import Due
from services.triage.core.hours import Hours
from services.triage.core.limits import Limits
from services.triage.core.tasks import Task
from services.triage.core.turns import tasks_in


def _is_rule(text: str) -> str:
    FourEyes.read(text)
    return text


class DeskSettings(KeySettings):
    """What wherever people work on cases needs to know."""

    cases_in_hand: Annotated[int, Field(ge=1, le=1000)] = 20
    """Who works on so many cases is given no next one; `take`, and a checker's `assign`, go beyond."""
    cases_in_hand_by_queue: str = ""
    """The same of a queue, `soc` or `research`: research=5."""
    cases_in_hand_by_person: str = ""
    """The same of accounts that have it otherwise than `cases_in_hand`: a.rao=30,b.ito=10."""
    four_eyes: Annotated[str, AfterValidator(_is_rule)] = "all"
    """Which dispositions a second person approves: all, threat or none, then tenants that have it otherwise."""
    disposition_authority: Annotated[int, Field(ge=0, le=100)] = 45
    """The authority of labels that one person's disposition makes."""
    disposition_authority_of_two: Annotated[int, Field(ge=0, le=100)] = 70
    """The same of those that a second person approved."""
    rereview_share: Annotated[float, Field(ge=0, le=1)] = 0.05
    """So large a share of dispositions, drawn by lot, is judged again by an analyst who does not know them."""

    case_hours: str = ""
    """When people work, which due times count alone: `Europe/Berlin Mon-Fri 08:00-18:00`; empty: around the clock."""
    case_days_off: str = ""
    """Days without work, in that zone: 2026-12-25,2026-12-26."""

    def hours(self) -> Hours:
        """Return when people work."""
        return Hours.read(self.case_hours, self.case_days_off)

    def limits(self) -> Limits:
        """Return how many cases whoever works on them has at most."""
        return Limits.read(self.cases_in_hand, self.cases_in_hand_by_queue, self.cases_in_hand_by_person)

    @model_validator(mode="after")
    def _limits_and_hours_can_be(self) -> Self:
        self.limits()
        self.hours()
        return self


class Settings(DeskSettings):
    """What triage needs to know to start, beyond what every process does."""

    subject_tag_secret: SecretStr | None = None
    """Base64 of at least 32 random bytes, the same for every replica and for good; checked by `app.build`."""
    escalate_at_reasons: Annotated[int, Field(ge=1, le=1000)] = 3
    """A subject's case with so many reasons is escalated, however slight each of them is."""
    case_due: str = "none"
    """How long people have for a case, by its task or kind: `subject=24h,system_audit=4h`; none: there is no clock."""

    case_turns: str = ""
    """The tasks whose new cases go around among who is there: `manual_kyc_review,fraud_analyst_review`, or `all`."""

    def tasks_in_turn(self) -> frozenset[Task]:
        """Return the tasks whose new cases go around."""
        return tasks_in(self.case_turns)

    def due(self) -> Due:
        """Return how long people have for a case, in working hours."""
        return Due.read(self.case_due, self.hours())

    @model_validator(mode="after")
    def _due_and_turns_can_be(self) -> Self:
        self.due()
        self.tasks_in_turn()
        return self
