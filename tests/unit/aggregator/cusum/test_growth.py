"""What alarms says how many it concerns by now: once for each doubling, and in the end."""

from itertools import pairwise
from math import ceil, log2
from typing import Any, Final

import msgspec
import pytest

from proofwatch.events.codec import ANOMALY
from proofwatch.events.types import Anomaly
from services.aggregator.core.cusum.state import RateRow, RowKey, Side
from services.aggregator.core.lengths import FIVE_MS
from tests.unit.aggregator.cusum.traffic import METRIC, Bank, Rates, Segment, monitoring, traffic

_WHOLE: Final[Segment] = (None, None)
_HANDSET: Final[Segment] = ("device_model", "A-1801")


def _bank(rates: Rates) -> Bank:
    bank = Bank(monitoring(rates[_WHOLE][1], dispersion_unknown=1.0))
    bank.run(traffic(1, 4 * 288, rates))
    assert all(each.state == "resolved" for each in bank.anomalies.values())
    return bank


def _after(bank: Bank, seed: int, hours: float, rates: Rates, where: Segment = _WHOLE) -> Any:
    return traffic(seed, round(12 * hours), rates, bank.rows[RowKey("bank", *where)].last_ms // FIVE_MS + 1)


def _counted(events: list[Anomaly]) -> list[float]:
    return [each.affected for each in events if each.affected is not None]


@pytest.mark.parametrize(
    ("usual", "wave", "direction"), [(0.01, 0.05, "up"), (0.2, 0.05, "down")], ids=["rejected", "accepted"]
)
def test_a_finding_is_told_anew_with_each_doubling_of_its_excess(usual: float, wave: float, direction: str) -> None:
    """Ten hours are 120 windows, and six revisions; the last says what it came to in all."""
    bank = _bank({_WHOLE: (160, usual)})
    first = bank.run(_after(bank, 2, 10, {_WHOLE: (160, wave)}))
    after = bank.run(_after(bank, 3, 24, {_WHOLE: (160, usual)}))
    events = [each for each in (*first, *after) if each.direction == direction and each.severity == "high"]
    assert len({each.anomaly_id for each in events}) == 1
    assert [each.revision for each in events] == list(range(events[0].revision, events[0].revision + len(events)))
    *going, ended = events
    assert (ended.state, {each.state for each in going}) == ("resolved", {"firing"})
    counts = _counted(going)
    assert all(more >= 2 ** ceil(log2(before)) for before, more in pairwise(counts))
    assert len(going) <= 2 + log2(counts[-1] / counts[0])
    truth = 120 * 160 * abs(wave - usual)
    assert truth / 2.2 <= counts[-1] <= 1.1 * truth
    assert ended.affected == pytest.approx(truth, rel=0.1)
    assert [each.window_start for each in going] == [going[0].window_start] * len(going)
    assert all(ANOMALY.decode(ANOMALY.encode(each)) == each for each in events)


def test_what_stands_for_a_week_says_little_more() -> None:
    """As often as it doubles: from an hour to six days seven times."""
    bank = _bank({_WHOLE: (160, 0.01)})
    events = bank.run(_after(bank, 2, 6 * 24, {_WHOLE: (160, 0.05)}))
    assert 8 <= len(events) <= 13


def test_what_ends_for_want_of_traffic_says_what_it_came_to() -> None:
    """A handset is withdrawn: its last revision has the people of its last window, too."""
    rates: Rates = {_WHOLE: (160, 0.01), _HANDSET: (40, 0.01)}
    bank = _bank(rates)
    first = bank.run(_after(bank, 2, 5, {_WHOLE: (160, 0.02), _HANDSET: (40, 0.06)}))
    after = bank.run(_after(bank, 3, 24, {_WHOLE: (120, 0.01)}))
    own = [each for each in (*first, *after) if each.segment_value == "A-1801"]
    assert (own[-1].state, own[-1].resolution) == ("resolved", "no_traffic")
    assert own[-1].affected == pytest.approx(60 * 40 * 0.05, rel=0.25)
    assert _counted(own)[-1] == max(_counted(own))


def test_what_was_stored_before_goes_on() -> None:
    """An alarm of an older state tells its next doubling; a state is the same after it was stored."""
    bank = _bank({_WHOLE: (160, 0.01)})
    bank.run(_after(bank, 2, 2, {_WHOLE: (160, 0.05)}))
    key = RowKey("bank", None, None)
    state = bank.rows[key].rates[METRIC]
    assert state.up.doublings
    old = msgspec.to_builtins(state.up)[: Side.__struct_fields__.index("doublings")]
    bank.rows[key].rates[METRIC] = msgspec.structs.replace(state, up=msgspec.convert(old, Side))
    bank.rows[key] = msgspec.msgpack.decode(msgspec.msgpack.encode(bank.rows[key]), type=RateRow)
    events = bank.run(_after(bank, 3, 6, {_WHOLE: (160, 0.05)}))
    assert 1 <= len(events) <= 4
