"""Writes docs/metrics.md from the catalogue: `python -m proofwatch.runtime.metrics_page [--check]`."""

import sys
from pathlib import Path
from typing import Final

from proofwatch.runtime.metric_catalogue import CATALOGUE, TENANTS, Metric

PAGE: Final = Path(__file__).parents[3] / "docs" / "metrics.md"
_HEAD: Final = f"""# Metrics

Made from `libs/proofwatch/runtime/metric_catalogue.py` by `python -m proofwatch.runtime.metrics_page`; do not edit.

Every process serves these at `http://PROOFWATCH_HEALTH_HOST:PROOFWATCH_HEALTH_PORT/metrics`, beside the `process_…`
metrics of the Prometheus client. Only what concerns a process is there. A series of a partition is there for as long
as the process is assigned the partition, in an outage too: `proofwatch_lag_seconds` then grows with the clock, and what
can only be looked up says with `proofwatch_look_age_seconds` how old it is. `tenant` has at most {TENANTS} values in
one process; further tenants are counted as `other`, keys that name none as `unknown`. Nothing tells of a person.

`group` is the consumer group. Kafka's own tools see the same lag (`kafka-consumer-groups --describe --group ledger`):
`windows`, `ledger`, `triage` and `notifier` keep their positions in PostgreSQL and tell Kafka every five seconds.
**Leave out the groups `…-relay`**: their "offsets" are sequence numbers of an outbox, not offsets of the topic that
they are committed for, so what Kafka's tools call their lag means nothing; `proofwatch_outbox_records` is their lag.

"""


def page() -> str:
    """Return the page."""
    rows = ["| metric | kind | labels | what it is | what to do with it |", "|---|---|---|---|---|"]
    rows += [_row(metric) for metric in CATALOGUE]
    buckets = [f"- `{each.name}`: {', '.join(f'{b:g}' for b in each.buckets)}" for each in CATALOGUE if each.buckets]
    return _HEAD + "\n".join([*rows, "", "Bounds of the buckets:", "", *buckets, ""])


def _row(metric: Metric) -> str:
    labels = ", ".join(f"`{label}`" for label in metric.labels)
    return f"| `{metric.name}` | {metric.kind} | {labels} | {metric.text} | {metric.watch} |"


def main(arguments: list[str]) -> int:
    """Write the page; with `--check` return 1 when the one that is there is another."""
    if "--check" not in arguments:
        PAGE.write_text(page(), encoding="utf-8")
        return 0
    if PAGE.exists() and PAGE.read_text(encoding="utf-8") == page():
        return 0
    sys.stderr.write("docs/metrics.md is not what the catalogue says: run python -m proofwatch.runtime.metrics_page\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
