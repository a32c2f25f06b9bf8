"""Which cases are of somebody whose processing is restricted (GDPR Art. 18), as a join of statements that read them."""

from typing import Final

_JOIN: Final = """
left join privacy.restricted_tags({now}) restriction on restriction.tenant = {case}.tenant
  and restriction.tag = {case}.subject_tag and not restriction.permitted && array[{case}.case_id, {case}.part_of]"""


def restriction_of(case: str, now: str) -> str:
    """Return the join; `restriction.tag` is null where nothing restricts. `case`, `now`: names within the statement."""
    return _JOIN.format(case=case, now=now)
