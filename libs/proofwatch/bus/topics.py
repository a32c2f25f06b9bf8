"""Topics that change under a running process: counts that grow, topics that are deleted and made anew."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Final

from proofwatch.bus.errors import TopicChanged, TopicReplaced
from proofwatch.bus.records import Topic

_AGAIN_S: Final = 1.0

Describe = Callable[[Iterable[str]], Awaitable[Mapping[str, Topic | None]]]


async def check_unchanged(before: Mapping[str, Topic], describe: Describe) -> None:
    """Raise `TopicChanged` when a topic is not what it was; one that is missing is looked for twice.

    A broker that has just started may not have heard of every topic yet.
    """
    now = await describe(before)
    if any(now.get(name) is None for name in before):
        await asyncio.sleep(_AGAIN_S)
        now = await describe(before)
    for name, was in before.items():
        if said := change(name, was, now.get(name)):
            raise TopicChanged(said)


def require_same(where: str, read: str | None, now: Topic) -> bool:
    """Return whether what was read of a topic until now, of the id `read`, was read of this one.

    False: it was not, and an operator has accepted the new one. Raises `TopicReplaced` when nobody has.
    """
    if read is None or now.id is None or read == now.id:
        return True
    if now.accepted:
        return False
    topic = where.rpartition("/")[0]
    raise TopicReplaced(
        f"{where} was read of a topic with id {read}, and the one of that name now has id {now.id}: it was deleted and "
        f"made anew, and the position means other records. To read the new one from its beginning, once what was made "
        f"of the old one is no longer needed or is set back too, start with "
        f"PROOFWATCH_ACCEPT_NEW_TOPICS={topic}={now.id}; otherwise restore the old one"
    )


def change(name: str, was: Topic, now: Topic | None) -> str | None:
    """Return one sentence about what has become of a topic while this process ran; None: nothing has."""
    if now is None:
        return (
            f"{name} was deleted while this process ran: nothing is read or written any more. If that was meant, make "
            f"it anew with `proofwatch topics apply` and start again"
        )
    if was.id and now.id and was.id != now.id:
        return (
            f"{name} was deleted and made anew while this process ran (topic id {was.id}, now {now.id}): positions "
            f"mean other records now. Start again, to be told what was read of the old one"
        )
    if was.partitions != now.partitions:
        return (
            f"{name} had {was.partitions} partitions when this process started and has {now.partitions} now: keys "
            f"belong to other partitions. Give all topics that belong together the same count, then start again"
        )
    return None
