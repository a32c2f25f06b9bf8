"""`proofwatch audit witness`: serves until it is interrupted."""

import argparse
import sys
from collections import defaultdict
from typing import Final

from proofwatch.audit.note import COSIGNATURE, InvalidNote, SigningKey, VerifierKey, decimal
from proofwatch.runtime.secrets import InvalidSecretFile, read_secret
from services.auditor.commands.offline import CannotRead, keys_of
from services.auditor.commands.witness_server import SeenFile, Witness, server

_LAST_PORT: Final = 65_535
_SHOWN: Final = 80


def serve(args: argparse.Namespace) -> int:
    """Serve. Raises `CannotRead` and `StateUnusable`."""
    try:
        key = SigningKey.parse(read_secret(args.key))
    except (InvalidSecretFile, InvalidNote) as error:
        raise CannotRead(f"{args.key}: {error}") from None
    if key.verifier.kind != COSIGNATURE:
        raise CannotRead(f"{args.key} is the key of a log; make one with `proofwatch audit keygen --witness`")
    logs: dict[str, list[VerifierKey]] = defaultdict(list)
    for each in keys_of(args.log):
        logs[each.name].append(each)
    host, _, port = args.listen.rpartition(":")
    at = decimal(port, _LAST_PORT)
    if not host or at is None:
        raise CannotRead(f"--listen {args.listen[:_SHOWN]}: give HOST:PORT, the port of at most {_LAST_PORT}")
    try:
        running = server(Witness(key, logs, SeenFile(args.state)), host, at, _said)
    except OSError as error:
        raise CannotRead(f"cannot listen at {args.listen}: {error.strerror}") from None
    with running:
        _said(f"witness {key.verifier.text()} at http://{host}:{running.server_port}")
        try:
            running.serve_forever()
        except KeyboardInterrupt:
            return 0
    return 0


def _said(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()
