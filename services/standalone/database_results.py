"""Reads from the services' tables what a run has to account for: cases, labels, error rates."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import msgspec
import orjson

from proofwatch.biometrics.evaluation import Evaluation, evaluate_counts
from proofwatch.biometrics.rates import Limits
from proofwatch.biometrics.trials import Classes, Cohort, Thresholds
from proofwatch.governance.policy import Policy
from services.aggregator.adapters import version_store
from services.aggregator.adapters.postgres_ledger import labelled_cohorts
from services.standalone.core.watched import Watched

_CASES: Final = """
select c.case_id, c.tenant, c.kind, c.subject_tag, c.segment_name, c.segment_value, c.metric, c.state, c.severity,
       c.queue, c.revision, c.opened_at, c.changed_at, c.merged_into, c.part_of,
       (select p.why from triage.parts p where p.part_id = c.case_id and p.left_at is null) as part_because,
       (select jsonb_agg(jsonb_build_object('code', r.code, 'at', r.at, 'transaction_id', r.transaction_id,
               'severity', r.severity, 'evidence', r.evidence) order by r.at, r.source_id)
        from triage.case_reasons r where r.case_id = c.case_id)::text as reasons
from triage.cases c order by c.opened_at, c.case_id
"""
_LABELS: Final = """
select count(*) filter (where labelled) as labelled,
       count(*) filter (where labelled and logged_ms is not null) as joined
from (select logged_ms, pair_label_id is not null or presentation_label_id is not null as labelled
      from ledger.transactions) t
"""


_TENANTS: Final = """
select tenant, count(*) filter (where logged_ms is not null) as transactions,
       count(*) filter (where logged_ms is not null
                        and (pair_label_id is not null or presentation_label_id is not null)) as labelled
from ledger.transactions group by tenant order by tenant
"""


def evaluation_of(cohorts: Mapping[Cohort, Classes], policy: Policy, segments: tuple[str, ...]) -> Evaluation:
    """Return the error rates of the ledger's exact counts and sketches, by the policy's thresholds and limits."""
    return evaluate_counts(
        cohorts,
        Thresholds(policy.match.threshold, policy.liveness.threshold),
        limits=Limits.of(policy.limits),
        min_trials=policy.min_trials,
        segments=segments,
    )


async def read_cohorts(connection: Any, segments: tuple[str, ...]) -> Mapping[Cohort, Classes]:
    """Return outcomes and sketches of everything labelled so far, by cohort and class."""
    return await labelled_cohorts(connection, segments=segments)


async def read_tenants(connection: Any, policy: Policy, segments: tuple[str, ...]) -> dict[str, Watched]:
    """Return every tenant by name: what was watched of it, and its error rates, without those that are off curves."""
    found = {}
    for tenant, transactions, labelled in await connection.fetch(_TENANTS):
        cohorts = await labelled_cohorts(connection, tenant, segments)
        counts = {
            cohort: {name: replace(each, scores=None) for name, each in classes.items()}
            for cohort, classes in cohorts.items()
        }
        found[tenant] = Watched(transactions, labelled, evaluation_of(counts, policy, segments))
    return found


async def read_cases(connection: Any) -> list[dict[str, Any]]:
    """Return every case with its reasons, in the order in which they were opened."""
    rows = [dict(row) for row in await connection.fetch(_CASES)]
    return [row | {"reasons": orjson.loads(row["reasons"] or "[]")} for row in rows]


async def read_markers(connection: Any) -> list[dict[str, Any]]:
    """Return the new versions of every tenant, in the order in which they became known."""
    found = await version_store.read_markers(connection)
    return [{"tenant": tenant, "marker": msgspec.to_builtins(marker)} for tenant, marker in found]


async def read_label_counts(connection: Any) -> dict[str, int]:
    """Return the labelled transactions, and how many of them have their verdict."""
    row = await connection.fetchrow(_LABELS)
    return {"labelled": row["labelled"], "joined": row["joined"], "waiting": row["labelled"] - row["joined"]}
