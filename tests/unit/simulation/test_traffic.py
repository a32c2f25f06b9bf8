"""The simulated day is reproducible, in order, and holds what the scenario says."""

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import msgspec
import pytest

from proofwatch.events import topics
from proofwatch.events.types import Label, Transaction
from proofwatch.simulation.scenario import Scenario
from proofwatch.simulation.traffic import simulate

SMALL = Scenario(events=4_000, seed=3)


def decoded(scenario: Scenario) -> tuple[list[Transaction], list[Label]]:
    transactions, labels = [], []
    for record in simulate(scenario):
        assert record.value is not None
        if record.topic == topics.LABELS:
            labels.append(msgspec.json.decode(record.value, type=Label))
        else:
            try:
                transactions.append(msgspec.json.decode(record.value, type=Transaction))
            except msgspec.MsgspecError:
                continue
    return transactions, labels


def test_equal_scenarios_give_equal_bytes() -> None:
    """The seed decides everything."""
    assert list(simulate(SMALL)) == list(simulate(SMALL))
    assert list(simulate(SMALL)) != list(simulate(replace(SMALL, seed=4)))


def test_records_come_in_time_order_and_in_the_number_asked_for() -> None:
    """Timestamps never go back, and transaction records are counted exactly."""
    records = list(simulate(SMALL))
    assert all(a.timestamp_ms <= b.timestamp_ms for a, b in pairwise(records) if a.timestamp_ms and b.timestamp_ms)
    assert sum(r.topic == topics.TRANSACTIONS for r in records) == SMALL.events


def test_the_day_holds_retries_resends_malformed_records_and_an_attack_wave() -> None:
    """Everything that the services must cope with occurs."""
    scenario = replace(SMALL, malformed=0.01, resends=0.01)
    transactions, labels = decoded(scenario)
    assert len(transactions) < scenario.events
    ids = Counter((t.tenant, t.transaction_id) for t in transactions)
    assert max(ids.values()) == 2
    assert max(Counter((t.tenant, t.subject_ref) for t in transactions).values()) >= 3
    attacks = [label for label in labels if label.presentation == "attack"]
    assert {label.pai_species for label in attacks} == set(scenario.waves[0].species)
    assert {label.tenant for label in attacks} == {scenario.waves[0].tenant}


def test_labels_speak_of_transactions_that_were_sent() -> None:
    """No label is asserted about a transaction that never came, and none before it."""
    transactions, labels = decoded(SMALL)
    sent = {(t.tenant, t.transaction_id): t.occurred_at for t in transactions}
    assert labels
    assert all(label.asserted_at > sent[label.tenant, label.transaction_id] for label in labels)


@pytest.mark.parametrize("events", [1, 10])
def test_a_tiny_day_works(events: int) -> None:
    """Even a day of one event ends by itself."""
    assert sum(r.topic == topics.TRANSACTIONS for r in simulate(Scenario(events=events))) == events
