"""Quix Streams with `apply`: `json` as its users write it (no validation), `msgspec` with the product's own types."""

import logging
import tempfile
from typing import Any

from quixstreams import Application  # type: ignore[import-not-found]  # not in the project's environment

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
_COPIED = ("schema_version", "tenant", "transaction_id", "subject_ref", "occurred_at", "match_score", "liveness_score")
_PARTS = ("device", "timings", "segments")


def verdict(event: dict[str, Any]) -> dict[str, Any]:
    """Return the verdict of an event that nobody has validated."""
    decision, action, reasons, match, liveness = rules(event["match_score"], event["liveness_score"])
    return {
        **{name: event[name] for name in _COPIED},
        "decision": decision,
        "action": action,
        "reasons": reasons,
        "match_outcome": match,
        "liveness_outcome": liveness,
        "basis": _BASIS,
        **{name: event[name] for name in _PARTS},
    }


def main(work: Job) -> None:
    """Answer message after message; the framework commits every 5 s and when it stops (at least once)."""
    logging.disable(logging.WARNING)
    with tempfile.TemporaryDirectory() as state:
        app = Application(
            broker_address=work.bootstrap,
            consumer_group=work.group,
            auto_offset_reset="earliest",
            loglevel=None,
            state_dir=state,
            auto_create_topics=False,
            producer_extra_config={"enable.idempotence": True, "linger.ms": 20},
        )
        kind, answer = ("json", verdict) if work.variant == "json" else ("bytes", decide)
        source = app.topic(work.source, value_deserializer=kind)
        target = app.topic(work.target, value_serializer=kind)
        meter = Meter(work.events)

        def counted(event: Any) -> Any:
            meter.begin()
            if meter.add(1):
                app.stop()
            return answer(event)

        app.dataframe(source).apply(counted).to_topic(target)
        tune_garbage_collector()
        app.run()  # returns after the last checkpoint: flushed and committed
        meter.report()


if __name__ == "__main__":
    main(job())
