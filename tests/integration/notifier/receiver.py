"""A webhook receiver as a customer would write one: verifies signatures, drops ids that it has seen."""

import base64
import hmac
import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple


class Request(NamedTuple):
    """One request whose signature was right."""

    webhook_id: str
    timestamp_s: int
    body: dict[str, Any]
    status: int


class Receiver(ThreadingHTTPServer):
    """Listens on 127.0.0.1 until closed."""

    request_queue_size = 128

    def __init__(self, key: bytes, statuses: Sequence[int]) -> None:
        """`statuses` are answered first, in turn; then 204."""
        super().__init__(("127.0.0.1", 0), _Handler)
        self.key = key
        self.statuses = list(statuses)
        self.requests: list[Request] = []
        self.forged = 0
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}/hook?token=zq9x"

    @property
    def accepted(self) -> dict[str, dict[str, Any]]:
        """What was taken, once for each webhook-id."""
        return {request.webhook_id: request.body for request in self.requests if request.status < 300}


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        message_id, timestamp = self.headers["webhook-id"], self.headers["webhook-timestamp"]
        content = f"{message_id}.{timestamp}.".encode() + body
        expected = "v1," + base64.b64encode(hmac.new(self.server.key, content, "sha256").digest()).decode()
        with self.server.lock:
            if expected not in self.headers["webhook-signature"].split(" "):
                self.server.forged += 1
                status = 401
            else:
                status = self.server.statuses.pop(0) if self.server.statuses else 204
                self.server.requests.append(Request(message_id, int(timestamp), json.loads(body), status))
        if status == 0:  # hang up without an answer
            self.close_connection = True
            return
        self.send_response(status)
        if status in (301, 307):
            self.send_header("location", "/elsewhere")
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 — the signature of http.server
        """Keep quiet."""


@contextmanager
def receiving(key: bytes, statuses: Sequence[int] = ()) -> Iterator[Receiver]:
    """Run a receiver in a thread."""
    with Receiver(key, statuses) as receiver:
        thread = threading.Thread(target=receiver.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield receiver
        finally:
            receiver.shutdown()
            thread.join()
