"""TLS connections that are let go are closed at once, as plain ones are.

Closing one would wait for the broker's close_notify, which does not come while an answer is on its way (a fetch may
wait for seconds), and an event loop waits up to half a minute for it: every reader that ends would cost that. Whoever
closes a client has had all the answers that it wants.
"""

from typing import Any

from aiokafka import conn

_close = conn.AIOKafkaConnection.close


def _closed_at_once(connection: Any, reason: Any = None, exc: Any = None) -> Any:
    writer = connection._writer
    # Before the library closes it: asyncio's transport can be asked nothing more once it has been closed twice.
    if writer is not None and connection._ssl_context is not None and not _is_closed_twice(writer.transport):
        writer.transport.abort()
    return _close(connection, reason, exc)


def _is_closed_twice(transport: Any) -> bool:
    return getattr(transport, "_ssl_protocol", transport) is None


def close_at_once() -> None:
    """Let the library close its TLS connections so, from now on."""
    conn.AIOKafkaConnection.close = _closed_at_once
