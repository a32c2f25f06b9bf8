"""The ports on PostgreSQL: what `app.py` hands to the stages."""

from services.aggregator.adapters import (
    control_store,
    incident_store,
    late_count_store,
    limit_store,
    minute_watch_store,
    postgres_joins,
    postgres_ledger,
    postgres_windows,
    rate_chart_store,
    segment_value_store,
    timing_store,
    version_store,
)
from services.aggregator.adapters.anomaly_store import AnomalyStore
from services.aggregator.ports.incidents import IncidentsStore
from services.aggregator.ports.ledger import LedgerStores
from services.aggregator.ports.windows import WindowsStores


def windows_stores() -> WindowsStores:
    """Return the tables of the schema `windows`."""
    return WindowsStores(
        postgres_windows,
        AnomalyStore("windows"),
        minute_watch_store,
        rate_chart_store,
        version_store,
        timing_store,
        segment_value_store,
        late_count_store,
    )


def ledger_stores() -> LedgerStores:
    """Return the tables of the schema `ledger`."""
    return LedgerStores(postgres_joins, postgres_ledger, AnomalyStore("ledger"), control_store, limit_store)


def incidents_store() -> IncidentsStore:
    """Return the tables of the schema `incidents`."""
    return incident_store
