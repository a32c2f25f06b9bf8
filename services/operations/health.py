"""`proofwatch health`: what a container's health check calls."""

import argparse
import http.client
import sys

from proofwatch.runtime.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("--port", type=int, help="the service's health port; default: PROOFWATCH_HEALTH_PORT")


def run(args: argparse.Namespace) -> int:
    """Return 0 when the service on this host is ready, else 1 with the reason."""
    port = args.port or Settings.read().health_port
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=3)
    try:
        connection.request("GET", "/ready")
        status = connection.getresponse().status
    except OSError as error:
        sys.stderr.write(f"not ready: nothing answers on 127.0.0.1:{port} ({error})\n")
        return 1
    finally:
        connection.close()
    if status != http.client.OK:
        sys.stderr.write(f"not ready: /ready on 127.0.0.1:{port} answers {status}\n")
        return 1
    return 0
