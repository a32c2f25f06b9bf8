"""A run's database, whose time is not the wall clock's: what commands write of now is taken as the run's now."""

from typing import TYPE_CHECKING, Final

from proofwatch.bus.postgres.pool import transaction

if TYPE_CHECKING:
    import asyncpg

_TAKE: Final = """
create or replace function access.token_of_the_run() returns trigger language plpgsql as $$
begin
  new.created_at := new.created_at - make_interval(secs => {seconds});
  new.expires_at := new.expires_at - make_interval(secs => {seconds});
  return new;
end $$;
create or replace trigger token_of_the_run before insert on access.tokens
  for each row execute function access.token_of_the_run();
"""


async def take_tokens_at(pool: "asyncpg.Pool", ahead_ms: int) -> None:
    """Let tokens that `proofwatch tokens create` makes from now on hold in the run.

    `ahead_ms`: by how much the wall clock is ahead of the run's. A token that is of a later time than a service's own
    is refused, as one of a clock that is wrong.
    """
    async with transaction(pool, "access") as tx:
        await tx.execute(_TAKE.format(seconds=ahead_ms / 1000))
