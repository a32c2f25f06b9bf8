"""From how many people on a group is shown; the same for whatever shows groups."""

from typing import Annotated, Final

from pydantic import Field

from proofwatch.runtime.settings import Settings

DEFAULT_SMALL_CELL: Final = 10


class CellSettings(Settings):
    """The settings of services and commands that publish or show figures of segment values."""

    small_cell: Annotated[int, Field(ge=1, le=10_000)] = DEFAULT_SMALL_CELL
    """A 1- or 5-minute window of a segment value with fewer transactions is counted and kept, but neither published
    nor judged: it shows single people and proves nothing. Whole tenants and whole days are always published. Reports,
    questions and backtests keep such values back, too."""
