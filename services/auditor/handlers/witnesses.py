"""Witnesses are asked to cosign what has left: beside the sequencing, which waits for none of them."""

import asyncio
from collections.abc import Sequence
from typing import Final

import structlog

from proofwatch.audit.checkpoint import cosigners
from proofwatch.audit.merkle_proofs import consistency_parts, consistency_proof
from proofwatch.audit.note import InvalidNote, Note
from proofwatch.bus.errors import BusUnavailable, Halted
from proofwatch.runtime.pause import pause
from services.auditor.ports import Outlet, Published, Store, Witness, WitnessAway

_log = structlog.get_logger(__name__)
_PAUSE_S: Final = 1.0
_MOST_PAUSE_S: Final = 60.0


class Witnessing:
    """A part of the service: one task for each witness."""

    def __init__(self, store: Store, topic: Outlet, witnesses: Sequence[Witness]) -> None:
        self._store, self._topic, self._witnesses = store, topic, witnesses
        self._sizes = {each.name: 0 for each in witnesses}
        self._away: dict[str, str] = {}
        self._stopping = asyncio.Event()

    async def start(self) -> None:
        """Nothing to acquire."""

    async def step(self, *, idle: bool = False) -> int:
        """Ask each witness once about the newest checkpoint that has left; return how many cosigned."""
        return sum([await self._ask(each) for each in self._witnesses])

    async def run(self) -> None:
        """Ask until `stop`."""
        async with asyncio.TaskGroup() as group:
            for each in self._witnesses:
                group.create_task(self._keep_asking(each))
            await self._stopping.wait()

    async def stop(self) -> None:
        """Ask no more."""
        self._stopping.set()
        for each in self._witnesses:
            await each.close()

    def unready(self) -> Sequence[str]:
        """Witnesses that are away make nobody wait; the log says which."""
        return []

    async def _keep_asking(self, witness: Witness) -> None:
        seconds = _PAUSE_S
        while not self._stopping.is_set():
            try:
                await self._ask(witness)
            except BusUnavailable:
                continue
            finally:
                seconds = min(seconds * 2, _MOST_PAUSE_S) if witness.name in self._away else _PAUSE_S
                await pause(self._stopping, seconds)

    async def _ask(self, witness: Witness) -> int:
        """Return 1 if the witness cosigned something new. Raises `Halted` if it has seen more than there is."""
        published = await self._store.newest()
        if published is None or published.checkpoint.size <= self._sizes[witness.name]:
            return 0
        try:
            lines = await self._cosigned(witness, published)
        except WitnessAway as error:
            if witness.name not in self._away:
                _log.warning("witness_away", reason=str(error))
            self._away[witness.name] = str(error)
            return 0
        self._away.pop(witness.name, None)
        self._sizes[witness.name] = published.checkpoint.size
        await self._store.cosigned(published.place, [each.line() for each in lines.signatures])
        await self._topic.publish(Published(published.place, published.note.signed(*lines.signatures)))
        return 1

    async def _cosigned(self, witness: Witness, published: Published) -> Note:
        old = self._sizes[witness.name]
        answer = await witness.cosign(old, await self._proof(old, published), published.note)
        if isinstance(answer, int):
            if answer > published.checkpoint.size:
                raise Halted(
                    f"{witness.name} has cosigned {answer} entries, and the log has {published.checkpoint.size}: it "
                    f"was restored to before. Nothing is signed any more; see docs/audit.md"
                )
            self._sizes[witness.name] = answer
            answer = await witness.cosign(answer, await self._proof(answer, published), published.note)
        if isinstance(answer, int):
            raise WitnessAway(f"{witness.name} says {answer} entries after it was given the proof from there on")
        return self._checked(witness, published.note, answer)

    def _checked(self, witness: Witness, note: Note, lines: str) -> Note:
        """Return the note's text under the witness's lines alone. Raises `WitnessAway` if they do not hold."""
        try:
            cosigned = Note.parse(f"{note.text}\n{lines}".encode())
            if not cosigners(cosigned, [witness.key]):
                raise WitnessAway(f"{witness.name} answers without its signature")
        except InvalidNote as error:
            raise WitnessAway(f"{witness.name}: {error}") from None
        return cosigned

    async def _proof(self, old: int, published: Published) -> list[bytes]:
        size = published.checkpoint.size
        if old in (0, size):
            return []
        nodes = await self._store.nodes(consistency_parts(old, size))
        return consistency_proof(old, size, nodes)
