"""`proofwatch run NAME`: one service process on Kafka."""

import argparse
from importlib import import_module
from typing import Final

# where the service is made, and its settings where they are not called so
SERVICES: Final = {
    "scorer": "services.scorer.app:connect",
    "devices": "services.devices.app:connect",
    "combine": "services.aggregator.app:connect_combine",
    "windows": "services.aggregator.app:connect_windows:GovernedSettings",
    "ledger": "services.aggregator.app:connect_ledger:LedgerSettings",
    "incidents": "services.aggregator.app:connect_incidents",
    "triage": "services.triage.app:connect",
    "consents": "services.consents.app:connect",
    "auditor": "services.auditor.app:connect",
    "imagery": "services.imagery.app:connect",
    "privacy": "services.privacy.app:connect",
    "notifier": "services.notifier.app:connect",
    "console": "services.console.app:connect",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "service", choices=sorted(SERVICES), help="which one; settings come from PROOFWATCH_… variables"
    )


def run(args: argparse.Namespace) -> int:
    """Run the service until SIGTERM (0) or until it fails (1)."""
    from proofwatch.runtime.process import run_process

    module, function, *settings = SERVICES[args.service].split(":")
    app = import_module(module)
    return run_process(args.service, getattr(app, *settings or ["Settings"]), getattr(app, function))
