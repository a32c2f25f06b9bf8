"""A small witness (C2SP tlog-witness) that others run: it remembers each log's largest tree, and cosigns what grows.

What it has seen is on disk before its signature leaves. One request after another.
"""

import os
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from proofwatch.audit.entry import UNREADABLE
from proofwatch.audit.note import SigningKey, VerifierKey, decimal
from proofwatch.audit.witness import Refused, Seen, answer

_MOST_BYTES: Final = 1_000_000
_PATH: Final = "/add-checkpoint"
_CONFLICT: Final = 409


class StateUnusable(ValueError):
    """The file of what was seen cannot be used; the message says why. A witness that forgot must not sign."""


class _Seen(Struct, forbid_unknown_fields=True):
    size: int
    root: bytes


class SeenFile:
    """What a witness has cosigned, by origin: replaced as a whole, and on disk on return."""

    def __init__(self, path: Path) -> None:
        """Raises `StateUnusable`; a file that is not there yet is empty."""
        self._path = path
        try:
            body = path.read_bytes() if path.exists() else b"{}"
            found = msgspec.json.decode(body, type=dict[str, _Seen])
        except (OSError, *UNREADABLE) as error:
            raise StateUnusable(f"{path} is no file of a witness: {error}") from None
        self.seen = {origin: Seen(each.size, each.root) for origin, each in found.items()}

    def put(self, origin: str, seen: Seen) -> None:
        """Remember a tree. Raises `OSError`; then nothing was signed."""
        after = {**self.seen, origin: seen}
        body = msgspec.json.encode({name: _Seen(*each) for name, each in after.items()})
        fresh = self._path.with_name(self._path.name + ".new")
        with fresh.open("wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        self.seen = after


class Witness:
    """Answers requests; its state is a file."""

    def __init__(
        self,
        key: SigningKey,
        logs: Mapping[str, Sequence[VerifierKey]],
        state: SeenFile,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._key, self._logs, self._state, self._now = key, logs, state, now
        self._lock = threading.Lock()

    def answer(self, body: bytes) -> tuple[int, str, str]:
        """Return status, media type and body."""
        with self._lock:
            found = answer(body, self._logs, self._state.seen, [self._key], int(self._now()))
            if isinstance(found, Refused):
                kind = "text/x.tlog.size" if found.status == _CONFLICT else "text/plain; charset=utf-8"
                return found.status, kind, f"{found.text}\n"
            self._state.put(found.origin, found.seen)
        return 200, "text/plain; charset=utf-8", found.lines


def server(witness: Witness, host: str, port: int, said: Callable[[str], None]) -> ThreadingHTTPServer:
    """Return a server that answers POST /add-checkpoint; `said` is told a line for each request."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30

        def do_POST(self) -> None:
            """Answer."""
            length = decimal(self.headers.get("content-length", ""), _MOST_BYTES)
            if not self.path.endswith(_PATH):
                self._write(404, "text/plain", "a witness answers POST /add-checkpoint\n")
            elif length is None:
                self.close_connection = True
                self._write(400, "text/plain", f"a request has a length, of at most {_MOST_BYTES} bytes\n")
            else:
                self._write(*_safely(witness, self.rfile.read(length), said))

        def _write(self, status: int, kind: str, text: str) -> None:
            body = text.encode()
            self.send_response(status)
            self.send_header("content-type", kind)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def version_string(self) -> str:
            """Say what answers, and nothing of what it runs on."""
            return "witness"

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 — the base's name
            """Say it in one line."""
            said(format % args)

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """Say in a line that somebody hung up; a traceback is for bugs."""
            error = sys.exception()
            if isinstance(error, ConnectionError | TimeoutError):
                said(f"disconnected: {type(error).__name__}")
            else:
                super().handle_error(request, client_address)  # type: ignore[arg-type]  # as it was given

    return Server((host, port), Handler)


def _safely(witness: Witness, body: bytes, said: Callable[[str], None]) -> tuple[int, str, str]:
    try:
        return witness.answer(body)
    except OSError as error:
        said(f"nothing was signed: the state cannot be written: {error}")
        return 500, "text/plain", "the witness cannot keep what it has seen, and signs nothing\n"
