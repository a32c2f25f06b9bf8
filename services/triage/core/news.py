"""What is told of a case that changed to who listens: ids, versions and how it stands; nothing of whom it is about."""

from datetime import datetime
from typing import NamedTuple

import msgspec

from services.triage.core.cases import Queue
from services.triage.core.life import Stage


class Place(NamedTuple):
    """How far somebody has come: the transaction (as PostgreSQL numbers them), and the case in it."""

    transaction: int = 0
    case_id: str = ""


class News(msgspec.Struct, frozen=True):
    """A case that changed, as it is now. `version` is what a deed names as `If-Match`."""

    case_id: str
    version: str
    tenant: str
    queue: Queue
    state: str
    stage: Stage
    part_of: str | None
    opened_at: datetime


class Changed(NamedTuple):
    """News, and where in the order of commits it stands."""

    place: Place
    news: News
