"""A stock Faust agent: `record` with its own typed records, `msgspec` with raw values and the product's own types."""

import asyncio
import os
import tempfile
from typing import Any

import faust

from tests.benchmarks.peers.meter import Job, Meter, job, tune_garbage_collector
from tests.benchmarks.peers.work import LIVENESS, MATCH, POLICY_HASH, decide, rules

_BASIS = {
    "policy_hash": POLICY_HASH,
    "controls_version": 0,
    "patterns_version": 0,
    "match_threshold": MATCH,
    "liveness_threshold": LIVENESS,
    "attempts_before": {"match": 0, "liveness": 0},
}


class Transaction(faust.Record, serializer="json", validation=True):
    """A transaction; Faust checks types and presence."""

    schema_version: int
    tenant: str
    transaction_id: str
    subject_ref: str
    occurred_at: str
    match_score: float
    liveness_score: float
    device: dict[str, Any]
    timings: dict[str, Any]
    segments: dict[str, Any]
    imagery_ref: str


class Verdict(faust.Record, serializer="json"):
    """A verdict."""

    schema_version: int
    tenant: str
    transaction_id: str
    subject_ref: str
    occurred_at: str
    decision: str
    action: str
    reasons: list[str]
    match_outcome: str
    liveness_outcome: str
    match_score: float
    liveness_score: float
    basis: dict[str, Any]
    device: dict[str, Any]
    timings: dict[str, Any]
    segments: dict[str, Any]


def verdict(event: Any) -> Verdict:
    """Return the verdict."""
    decision, action, reasons, match, liveness = rules(event.match_score, event.liveness_score)
    return Verdict(
        schema_version=1,
        tenant=event.tenant,
        transaction_id=event.transaction_id,
        subject_ref=event.subject_ref,
        occurred_at=event.occurred_at,
        decision=decision,
        action=action,
        reasons=list(reasons),
        match_outcome=match,
        liveness_outcome=liveness,
        match_score=event.match_score,
        liveness_score=event.liveness_score,
        basis=_BASIS,
        device=event.device,
        timings=event.timings,
        segments=event.segments,
    )


def main(work: Job) -> None:
    """Answer event after event; ends the process when everything was acknowledged and committed."""
    app = faust.App(
        work.group,
        broker=f"kafka://{work.bootstrap}",
        web_enabled=False,
        topic_partitions=4,
        topic_disable_leader=True,
        topic_allow_declare=False,
        consumer_auto_offset_reset="earliest",
        broker_max_poll_records=2_000,
        broker_session_timeout=10,  # its default of a minute would only keep the group of this run alive
        broker_heartbeat_interval=1,
        store="memory://",
        datadir=tempfile.mkdtemp(),
    )
    typed = work.variant == "record"
    kinds: dict[str, Any] = {} if typed else {"value_type": bytes, "value_serializer": "raw"}
    source = app.topic(work.source, key_type=bytes, key_serializer="raw", **(kinds or {"value_type": Transaction}))
    target = app.topic(work.target, key_type=bytes, key_serializer="raw", **(kinds or {"value_type": Verdict}))
    answer = verdict if typed else decide
    meter = Meter(work.events)
    ending: list[asyncio.Task[None]] = []

    @app.agent(source)
    async def agent(stream: Any) -> None:
        async for key, event in stream.items():
            meter.begin()
            await target.send(key=key, value=answer(event))
            if meter.add(1) and not ending:
                ending.append(asyncio.create_task(_end(app, meter)))

    tune_garbage_collector()
    app.finalize()
    worker = faust.Worker(app, loglevel="ERROR")
    worker.execute_from_commandline()


async def _end(app: Any, meter: Meter) -> None:
    await app.producer.flush()
    await app.commit(None)
    meter.report()
    os._exit(0)


if __name__ == "__main__":
    main(job())
