"""What was said last about each cohort's step-up control: the table `ledger.controls`."""

from collections.abc import Collection, Mapping
from typing import Any, Final

import msgspec

from proofwatch.governance.cohort import Cohort
from services.aggregator.core.step_up_control import StepUpState

_LOAD: Final = "select tenant, segment_name, segment_value, body from ledger.controls where tenant = any($1)"
_SAVE: Final = """
insert into ledger.controls (tenant, segment_name, segment_value, body)
select * from unnest($1::text[], $2::text[], $3::text[], $4::bytea[])
on conflict (tenant, segment_name, segment_value) do update set body = excluded.body
"""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(StepUpState).decode


async def load(tx: Any, tenants: Collection[str]) -> dict[Cohort, StepUpState]:
    """Return the state of every cohort of these tenants that has one."""
    rows = await tx.fetch(_LOAD, sorted(tenants)) if tenants else ()
    return {Cohort(tenant, name or None, value or None): _decode(body) for tenant, name, value, body in rows}


async def save(tx: Any, states: Mapping[Cohort, StepUpState]) -> None:
    """Store the states that changed."""
    if states:
        rows = sorted((c.tenant, c.segment_name or "", c.segment_value or "", _encode(s)) for c, s in states.items())
        await tx.execute(_SAVE, *(list(column) for column in zip(*rows, strict=True)))
