"""Whether anything is known of a person who is to be erased, kept or restricted: a slip is of nobody, and no error."""

from typing import TYPE_CHECKING, Final, Literal

from proofwatch.bus.postgres.pool import transaction
from services.privacy.adapters.acting import USER
from services.privacy.core.erasure import Subject

if TYPE_CHECKING:
    import asyncpg

Unknown = Literal["person", "tenant"]
_KNOWN: Final = """
select exists (select from privacy.keys where tenant = $1),
       exists (select from privacy.keys where tenant = $1 and mark = $2)"""


async def unknown(pool: "asyncpg.Pool", subject: Subject) -> Unknown | None:
    """Return what nothing is known of, in tables: this person, or anybody of the tenant; None: the person is known.

    It is asked before the act, which may make the person a key, and told after it: it is for who was let act alone.
    """
    async with transaction(pool, USER) as tx:
        of_tenant, of_person = await tx.fetchrow(_KNOWN, subject.tenant, subject.mark)
    return None if of_person else "person" if of_tenant else "tenant"


def warning(found: Unknown | None, tenant: str) -> str:
    """Return what whoever acts should know at once; empty: nothing. It does not keep anybody from acting."""
    if found is None:
        return ""
    who = f"anybody of the tenant {tenant}" if found == "tenant" else f"this person in the tenant {tenant}"
    return (
        f"No table has data of {who} under a key. If there should be some: is the reference, and its tenant, as they "
        "were sent?\n"
    )
