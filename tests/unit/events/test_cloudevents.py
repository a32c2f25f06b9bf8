"""CloudEvents headers: complete, the same for the same event, and no foreign header but a sound trace context."""

import pytest

from proofwatch.bus.records import Headers
from proofwatch.events.cloudevents import Envelope, trace_context

PARENT = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
VERDICTS = Envelope("verdict", "scorer")


def test_an_event_has_the_headers_of_the_kafka_binding() -> None:
    """The required attributes with their prefix, and the content type without."""
    assert VERDICTS.headers("bank-1/t-1") == (
        ("ce_id", b"bank-1/t-1"),
        ("ce_specversion", b"1.0"),
        ("ce_source", b"/proofwatch/scorer/verdict"),
        ("ce_type", b"proofwatch.verdict.v1"),
        ("content-type", b"application/json"),
    )


def test_the_same_event_has_the_same_headers() -> None:
    """A batch that is done again after a failure writes the same bytes; another wire names its content type."""
    assert VERDICTS.headers("bank-1/t-1") == VERDICTS.headers("bank-1/t-1")
    avro = Envelope("label-request", "scorer", version=2, content_type="application/vnd.confluent.avro")
    assert dict(avro.headers("ü")) == {
        "ce_id": "ü".encode(),
        "ce_specversion": b"1.0",
        "ce_source": b"/proofwatch/scorer/label-request",
        "ce_type": b"proofwatch.label-request.v2",
        "content-type": b"application/vnd.confluent.avro",
    }


def test_two_kinds_of_events_with_one_id_differ_in_their_source() -> None:
    """Source and id together must be unique, and one transaction may cause several events."""
    verdict, request = VERDICTS.headers("t"), Envelope("label-request", "scorer").headers("t")

    assert dict(verdict)["ce_source"] != dict(request)["ce_source"]


def test_a_trace_passes_through_and_nothing_else_does() -> None:
    """What upstream attaches besides, its own CloudEvents attributes included, is not ours to publish."""
    incoming: Headers = (
        ("ce_id", b"upstream"),
        ("traceparent", PARENT),
        ("x-customer", b"somebody"),
        ("tracestate", b"congo=t61rcWkgMzE,rojo=00f067aa0ba902b7"),
    )

    assert VERDICTS.headers("t", incoming) == (
        *VERDICTS.headers("t"),
        ("traceparent", PARENT),
        ("tracestate", b"congo=t61rcWkgMzE,rojo=00f067aa0ba902b7"),
    )


@pytest.mark.parametrize(
    "parent",
    [
        b"",
        b"zqx",
        PARENT + b"\n",
        PARENT + b"-00",
        PARENT.upper(),
        b"ff" + PARENT[2:],
        b"00-" + b"0" * 32 + PARENT[35:],
        PARENT[:36] + b"0" * 16 + PARENT[52:],
        PARENT[:-3],
    ],
)
def test_a_malformed_traceparent_is_dropped_with_its_state(parent: bytes) -> None:
    """Trace Context, 3.2.2: fixed lengths, lower-case digits, no zero ids, no version ff."""
    assert trace_context((("traceparent", parent), ("tracestate", b"a=b"))) == ()


def test_two_traceparents_are_none() -> None:
    """Which of them caused the record cannot be told."""
    assert trace_context((("traceparent", PARENT), ("traceparent", PARENT))) == ()


@pytest.mark.parametrize("state", [b"", "ü".encode(), b"a=b\r\nc", b"a" * 513])
def test_a_malformed_tracestate_is_dropped_alone(state: bytes) -> None:
    """The parent goes on without it."""
    assert trace_context((("tracestate", state), ("traceparent", PARENT))) == (("traceparent", PARENT),)
