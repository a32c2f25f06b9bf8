"""The auditor at work: one holds the log, gives entries their places, signs, and lets checkpoints leave.

What is signed is always of committed entries, and the tree only grows: an auditor that froze and comes back can sign
nothing that another would contradict. A checkpoint is stored before it leaves, and leaves in order.
"""

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from time import monotonic
from typing import Final

import structlog

from proofwatch.audit.checkpoint import Checkpoint
from proofwatch.audit.entry import SALT_BYTES, Entry
from proofwatch.audit.merkle import EMPTY_ROOT, Range, perfect_parts
from proofwatch.audit.note import SigningKey
from proofwatch.bus.errors import BusUnavailable, Fenced, Halted
from proofwatch.instants import instant_of
from proofwatch.runtime.clock import Clock
from proofwatch.runtime.pause import pause
from services.auditor.core.keyring import Change, KeysDisagree, changes, entry_of_change
from services.auditor.core.position import Elsewhere, refusal
from services.auditor.core.sequencing import Growth, Pending, Tree, grown
from services.auditor.ports import Held, Outlet, Published, Store

_RENEWED: Final = 0.25
"""Where nothing waits, the lease is renewed when so much of it is over."""
_log = structlog.get_logger(__name__)


class LogWentBack(Halted):
    """Somebody has seen more of the log than the database has, or another log: nothing is signed until people look."""


class Auditor:
    """A part of the service. Of several one works, and the others wait."""

    def __init__(
        self,
        store: Store,
        outlets: Sequence[Outlet],
        keys: Sequence[SigningKey],
        clock: Clock,
        *,
        holder: str,
        lease_s: float,
        poll_s: float,
        limit: int,
        retire: str | None = None,
        salt: Callable[[], bytes] = lambda: secrets.token_bytes(SALT_BYTES),
    ) -> None:
        """`outlets`: where checkpoints leave for, in order; `retire`: the id of a key that signs no more."""
        self._store, self._outlets, self._keys, self._clock = store, outlets, keys, clock
        self._holder, self._lease_s, self._poll_s, self._limit = holder, lease_s, poll_s, limit
        self._retire, self._salt = retire, salt
        self._origin = keys[0].verifier.name
        self._held: Held | None = None
        self._signing: list[SigningKey] = []
        self._last: Published | None = None
        self._unpublished = False
        self._settled_until = 0.0
        self._waits_for = "the auditor is starting"
        self._stopping = asyncio.Event()

    async def start(self) -> None:
        """Take the log if nobody else has it. Raises `LogWentBack`, and `KeysDisagree` as `Halted`."""
        await self._take_over()

    async def step(self, *, idle: bool = False) -> int:
        """Give pending entries their places, sign, and let checkpoints leave; return how many entries there were."""
        if self._held is None:
            await self._take_over()
            if self._held is None:
                return 0
        if await self._is_settled():
            return 0
        self._settled_until, began = 0.0, monotonic()
        try:
            growth = await self._store.grow(self._held, self._lease_s, self._limit, self._grow)
            for each in growth.refusals:
                _log.error("entry_refused", pending_id=each.pending.pending_id, reason=each.reason)
            await self._sign(self._held, growth.tree)
        except Fenced:
            _log.warning("auditor_fenced", holder=self._holder)
            self._held, self._waits_for = None, "another auditor has taken the log over"
            return 0
        self._waits_for = ""
        self._settled_until = began + self._lease_s * _RENEWED
        return len(growth.rows)

    async def run(self) -> None:
        """Work until `stop`; what is away is waited for."""
        while not self._stopping.is_set():
            worked = 0
            try:
                worked = await self.step()
            except BusUnavailable as error:
                self._waits_for = str(error)
            if worked < self._limit:
                await pause(self._stopping, self._poll_s)

    async def stop(self) -> None:
        """Work no more. Whoever waits goes on when the lease has ended."""
        self._stopping.set()
        self._waits_for = "the auditor has stopped"

    def unready(self) -> Sequence[str]:
        """Return what is waited for; empty: entries are signed."""
        return [self._waits_for] if self._waits_for else []

    async def _is_settled(self) -> bool:
        """Return whether all has left, nothing waits, and the lease is fresh: a look that costs the database little."""
        return monotonic() < self._settled_until and not await self._store.is_pending()

    async def _take_over(self) -> None:
        held = await self._store.hold(self._holder, self._lease_s)
        if isinstance(held, str):
            self._waits_for = f"the auditor {held} has the log; this one goes on when that one is silent"
            return
        await self._check_position()
        self._last = await self._store.last()
        await self._publish()
        await self._enter_keys(held)
        self._held = held
        _log.info("log_held", epoch=held.epoch, size=self._last.checkpoint.size if self._last else 0)

    async def _check_position(self) -> None:
        places = [(outlet.name, await outlet.last()) for outlet in self._outlets]
        seen = [
            Elsewhere(name, each.checkpoint.size, each.checkpoint.root) for name, each in places if each is not None
        ]
        size = (await self._store.tree()).entries.end
        roots = {each.size: await self._root(each.size) for each in seen if each.size <= size}
        if message := refusal(size, seen, roots):
            raise LogWentBack(message)

    async def _root(self, size: int) -> bytes:
        if not size:
            return EMPTY_ROOT
        nodes = await self._store.nodes(perfect_parts(0, size))
        return Range.stored(0, size, nodes).root()

    async def _enter_keys(self, held: Held) -> None:
        """Enter the first key, new ones, and the one that is retired; sign after each, so that it is vouched for."""
        try:
            new = changes(self._keys, await self._store.keys(), self._retire)
        except KeysDisagree as error:
            raise Halted(str(error)) from None
        for change in new:
            growth = await self._store.grow(held, self._lease_s, 0, partial(self._own, change))
            _log.warning("log_key", action=change.action, key=change.key)
            await self._know_keys(growth.tree.entries.end)
            await self._sign(held, growth.tree)
        await self._know_keys((await self._store.tree()).entries.end)

    async def _know_keys(self, size: int) -> None:
        signing = (await self._store.keys()).signing(size)
        self._signing = [each for each in self._keys if each.verifier in signing]

    def _own(self, change: Change, tree: Tree, pending: Sequence[Pending], known: Mapping[str, Entry]) -> Growth:
        now = instant_of(self._clock.now_ms())
        return grown(tree, [entry_of_change(change, self._origin, now, self._salt())], pending, known, now)

    def _grow(self, tree: Tree, pending: Sequence[Pending], known: Mapping[str, Entry]) -> Growth:
        return grown(tree, [], pending, known, instant_of(self._clock.now_ms()))

    async def _sign(self, held: Held, tree: Tree) -> None:
        """Sign the log if it has grown since, and let the checkpoint leave."""
        if self._unpublished:
            await self._publish()
        last, size = self._last, tree.entries.end
        if last is not None and last.checkpoint.size == size:
            return
        checkpoint = Checkpoint(self._origin, size, tree.entries.root())
        published = Published(0 if last is None else last.place + 1, checkpoint.signed(*self._signing))
        await self._store.sign(held, published)
        self._last, self._unpublished = published, True
        await self._publish()

    async def _publish(self) -> None:
        """Let what is signed leave, in order: to the file first, whose disk is ours."""
        for each in await self._store.unpublished():
            for outlet in self._outlets:
                await outlet.publish(each)
            await self._store.left(each.place)
        self._unpublished = False
