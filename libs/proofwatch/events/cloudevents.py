"""CloudEvents 1.0 as headers: the Kafka protocol binding's binary mode, where the value stays the event as it is.

What never changes is made once, so that an event costs one small tuple. W3C Trace Context (`traceparent`,
`tracestate`) passes through from the record that caused the event, if it is well-formed; we add no span of our own.
"""

import re
from typing import Final

from proofwatch.bus.records import Headers

_TRACEPARENT: Final = re.compile(
    rb"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}"
).fullmatch
_TRACESTATE: Final = re.compile(rb"[\x20-\x7e]{1,512}").fullmatch
"""W3C asks for 512 characters to be passed on at least; more, or other than printable ASCII, is not."""


class Envelope:
    """The headers of one kind of event from one process."""

    def __init__(self, event: str, source: str, *, version: int = 1, content_type: str = "application/json") -> None:
        """`event` and `source` as manifests name them (`label-request`, `scorer`); `content_type` is the wire's.

        CloudEvents wants source and id together to be unique. Our ids are unique for a kind of event, so the source
        names it too: `/proofwatch/scorer/verdict`.
        """
        self._constant: Headers = (
            ("ce_specversion", b"1.0"),
            ("ce_source", f"/proofwatch/{source}/{event}".encode()),
            ("ce_type", f"proofwatch.{event}.v{version}".encode()),
            ("content-type", content_type.encode()),
        )

    def headers(self, event_id: str, incoming: Headers = ()) -> Headers:
        """Return the headers of the event with this id, which must be the same whenever the event is made again.

        `incoming` are the headers of the record that caused it; only a sound trace context of theirs goes on.
        """
        headers = (("ce_id", event_id.encode()),) + self._constant  # noqa: RUF005 — unpacking takes a quarter longer
        return headers + trace_context(incoming) if incoming else headers


def trace_context(incoming: Headers) -> Headers:
    """Return `traceparent` and `tracestate` of `incoming`; nothing where they are missing, malformed or ambiguous."""
    parent: bytes | None = None
    state: bytes | None = None
    for name, value in incoming:
        if name == "traceparent":
            parent = value if parent is None else b""
        elif name == "tracestate":
            state = value if state is None else b""
    if parent is None or not _TRACEPARENT(parent):
        return ()
    if state is None or not _TRACESTATE(state):
        return (("traceparent", parent),)
    return (("traceparent", parent), ("tracestate", state))
