"""`proofwatch health`: what a container's health check calls, every few seconds, in every container.

So it costs what starting Python costs: it imports neither the settings nor an HTTP client, which would be eight times
as much. Whether the settings are right is the service's business.
"""

import argparse
import os
import socket
import sys
from typing import Final

_PORT: Final = "PROOFWATCH_HEALTH_PORT"
_HOST: Final = "PROOFWATCH_HEALTH_HOST"
_DEFAULT_PORT: Final = 8080
_EVERYWHERE: Final = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 — bound there, asked here
_TIMEOUT_S: Final = 3
_READY: Final = b"200"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("--port", type=int, help=f"the service's health port; default: {_PORT}, else {_DEFAULT_PORT}")


def run(args: argparse.Namespace) -> int:
    """Return 0 when the service on this host is ready, else 1 with the reasons."""
    given = os.environ.get(_PORT) or str(_DEFAULT_PORT)
    if args.port is None and not (given.isascii() and given.isdigit() and 0 < int(given) <= 65535):
        sys.stderr.write(f"{_PORT}: {given!r} is no port that can be asked; give 1 to 65535, or --port\n")
        return 2
    port = int(given) if args.port is None else args.port
    host = os.environ.get(_HOST, "")
    host = _EVERYWHERE.get(host, host)
    try:
        status, body = _ask(host, port)
    except (OSError, OverflowError) as error:
        sys.stderr.write(f"not ready: nothing answers on {host}:{port} ({error})\n")
        return 1
    if status == _READY:
        return 0
    sys.stderr.writelines(f"not ready: {reason}\n" for reason in body.splitlines() or [f"/ready answers {status!r}"])
    return 1


def _ask(host: str, port: int) -> tuple[bytes, str]:
    """Return the status code of GET /ready and its body."""
    with socket.create_connection((host, port), _TIMEOUT_S) as connection:
        connection.sendall(f"GET /ready HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        answer = b""
        while chunk := connection.recv(65_536):
            answer += chunk
    head, _, body = answer.partition(b"\r\n\r\n")
    return head.partition(b" ")[2][:3], body.decode("utf-8", "replace")
