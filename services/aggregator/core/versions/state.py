"""What is remembered of one new version while it is compared, and what five minutes come to."""

from typing import Final, Literal, NamedTuple

from msgspec import Struct

from services.aggregator.core.times import DAY_MS
from services.aggregator.core.versions.people import Mixed
from services.aggregator.core.versions.reading import Reading
from services.aggregator.core.versions.sums import Sums, Usual

FIVE_MS: Final = 300_000
SILENCE_MS: Final = 3 * DAY_MS
"""Without a transaction of it, or of its tenant, a version's traffic has ended; no weekend ends it (`core.quiet`)."""
FORGOTTEN_MS: Final = 28 * DAY_MS

State = Literal["comparing", "no_change", "changed", "as_before", "no_traffic"]


class Found(Struct, array_like=True, frozen=True):
    """What is told of a metric: since which look, at how many transactions (`n`), and by which counts now."""

    fired_ms: int
    at_ms: int
    look: int
    n: int
    reading: Reading
    quiet: int = 0


class Gone(Struct, array_like=True, frozen=True):
    """Since when a version with findings has no traffic, and what of it came again since `back_ms`: n of `of`."""

    since_ms: int
    back_ms: int = 0
    n: int = 0
    of: int = 0


class Comparison(Struct, array_like=True, frozen=True):
    """A new version of the dimension `name` since its first traffic at `since_ms`.

    `marked_ms`: when it had enough of it (0: not yet).

    `n` of the tenant's `of` transactions since then are its own; `missing`: how many were to be expected of it since
    they ceased. `looks` are done. `new`, `old`: of the version and of what ran beside it; `usual`: what ran before.
    `stretch_new`, `stretch_old`: since the last stretch of traffic after a finding. `people`: by attribute, with whom
    it may have begun. `touches`: what it has a part in (None: what its dimension has), `by` whose word it is and the
    `reason`, of a governed marker; `everybody`: nothing in the traffic names it, so all since then is its own. `gone`:
    its findings ended with its traffic.
    """

    name: str
    since_ms: int
    previous: str | None
    last_ms: int = 0
    marked_ms: int = 0
    n: int = 0
    of: int = 0
    missing: float = 0.0
    looks: int = 0
    new: Sums = Sums()
    old: Sums = Sums()
    usual: Usual = Usual()
    found: dict[str, Found] = {}
    stretch_new: Sums = Sums()
    stretch_old: Sums = Sums()
    people: dict[str, Mixed] = {}
    touches: tuple[str, ...] | None = None
    by: str = ""
    reason: str = ""
    everybody: bool = False
    gone: Gone | None = None

    @property
    def standing(self) -> dict[str, Found]:
        """Return what is found of it, as long as it has traffic."""
        return self.found if self.gone is None else {}

    @property
    def share(self) -> float:
        """Return its share in the tenant's transactions since its first."""
        return self.n / self.of if self.of else 0.0


class Ended(NamedTuple):
    """A finding that is over, by what was read last (None: nothing came any more since `since_ms`)."""

    metric: str
    reading: Reading | None
    since_ms: int = 0


class Moved(NamedTuple):
    """A comparison after five minutes (None: it is over), what it came to, and which findings are over."""

    comparison: Comparison | None
    state: State
    ended: tuple[Ended, ...] = ()
