"""Prometheus's own checker."""

import subprocess

from tests.support.debian import ensure_programs


def check_metrics(text: bytes) -> str:
    """Return what `promtool check metrics` finds in a scrape: parsing, names, units, help; nothing when it is clean."""
    ensure_programs(["promtool"], ["prometheus"])
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, check=False, timeout=60)
    return (done.stdout + done.stderr).decode()
