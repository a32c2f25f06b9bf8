"""Events as records: each on its topic, encoded for the wire, under CloudEvents headers."""

from collections.abc import Callable
from typing import Any, Final, NamedTuple, TypeVar

import msgspec

from proofwatch.bus.records import Headers, Outgoing, new_outgoing
from proofwatch.events import codec, topics
from proofwatch.events.cloudevents import Envelope
from proofwatch.events.types import Guidance, LabelRequest, PatternHit, Shadow, StepUp, Suspicion, Verdict
from proofwatch.events.wire import Wire

SOURCE: Final = "scorer"
E = TypeVar("E", bound=msgspec.Struct)
Name = Callable[[str, Headers], Headers]


class RecordKind(NamedTuple):
    """How events of one type become records.

    `identify` gives the id of the CloudEvent, of which `headers` makes headers; None: there are none.
    """

    topic: str
    encode: Callable[[Any], bytes]
    headers: Name | None
    identify: Callable[[Any], str]


class EventRecords:
    """Makes records of everything the scorer emits but its own state."""

    def __init__(self, wire: Wire, *, cloud_events: bool = True) -> None:
        """`cloud_events` False: no headers, as small as can be."""

        def kind(name: str, topic: str, of: codec.Codec[E], identify: Callable[[E], str]) -> RecordKind:
            headers = Envelope(name, SOURCE, content_type=wire.content_type).headers if cloud_events else None
            return RecordKind(topic, wire.encoder(of), headers, identify)

        self.verdict = kind("verdict", topics.VERDICTS, codec.VERDICT, _verdict_id)
        self._kinds: dict[type[msgspec.Struct], RecordKind] = {
            Verdict: self.verdict,
            Guidance: kind("guidance", topics.GUIDANCE, codec.GUIDANCE, lambda e: e.guidance_id),
            Suspicion: kind("suspicion", topics.SUSPICIONS, codec.SUSPICION, lambda e: e.suspicion_id),
            StepUp: kind("step-up", topics.STEP_UPS, codec.STEP_UP, _step_up_id),
            Shadow: kind("shadow", topics.SHADOWS, codec.SHADOW, _shadow_id),
            PatternHit: kind("pattern-hit", topics.PATTERN_HITS, codec.PATTERN_HIT, _hit_id),
            LabelRequest: kind("label-request", topics.LABEL_REQUESTS, codec.LABEL_REQUEST, lambda e: e.request_id),
        }

    def record(
        self, event: msgspec.Struct, key: bytes, partition: int, timestamp_ms: int, incoming: Headers = ()
    ) -> Outgoing:
        """Return the record of an event that was caused by one with the headers `incoming`."""
        topic, encode, headers, identify = self._kinds[type(event)]
        names = headers(identify(event), incoming) if headers else ()
        return new_outgoing((topic, key, encode(event), partition, timestamp_ms, names))


def _verdict_id(event: Verdict) -> str:
    if event.attempt_id is None:
        return f"{event.tenant}/{event.transaction_id}"
    return f"{event.tenant}/{event.transaction_id}/{event.attempt_id}"


def _shadow_id(event: Shadow) -> str:
    return f"{event.tenant}/{event.transaction_id}/{event.shadow_policy_hash}"


def _hit_id(event: PatternHit) -> str:
    attempt = "" if event.attempt_id is None else f"/{event.attempt_id}"
    return f"{event.tenant}/{event.transaction_id}{attempt}/{event.pattern_id}/{event.revision}"


def _step_up_id(event: StepUp) -> str:
    return f"{event.step_up_id}/{event.until.isoformat()}"
