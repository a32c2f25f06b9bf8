"""A stream during which processes are killed, and restarted as a deployment restarts them."""

import time
from collections.abc import Sequence
from typing import Final

from proofwatch.bus.records import Outgoing
from tests.e2e.world import READS, World

VICTIMS: Final = ("scorer", "combine", "ledger", "windows")
_SLICE: Final = 200
_PACE_S: Final = 0.05
_BURST: Final = 8
"""Slices that pile up before a kill, so that the victim has work in hand."""
_RECOVERY_S: Final = 90.0


def publish_and_kill(running: World, records: Sequence[Outgoing]) -> dict[str, dict[str, float]]:
    """Publish at a steady pace; kill every victim once in its stretch of the stream, start it again, and go on.

    Each victim must have worked before it dies and must get on after it. Returns for each how long its positions
    stood still, and how many records were in the log that it had not committed. The last stretch comes during a
    rolling restart.
    """
    slices = [records[start : start + _SLICE] for start in range(0, len(records), _SLICE)]
    stretch = len(slices) // (len(VICTIMS) + 1)
    measured = {}
    for number, name in enumerate(VICTIMS):
        mine = slices[number * stretch : (number + 1) * stretch]
        half = len(mine) // 2
        publish_paced(running, mine[:half])
        measured[name] = kill_and_recover(running, name, mine[half:])
    roll(running, slices[len(VICTIMS) * stretch :])
    return measured


def roll(running: World, slices: Sequence[Sequence[Outgoing]]) -> None:
    """Restart every process by SIGTERM while the rest of the stream comes, as a deployment does."""
    share = len(slices) // len(READS)
    for number, process in enumerate(running.processes.values()):
        for piece in slices[number * share : (number + 1) * share]:
            running.log.publish(piece)
        process.stop()
        process.start()
        process.await_ready()
    publish_paced(running, slices[len(READS) * share :])


def kill_and_recover(running: World, name: str, slices: Sequence[Sequence[Outgoing]]) -> dict[str, float]:
    """Kill a process that has just committed something and has more in hand; return when it has moved on."""
    victim, before = running.processes[name], running.progress(name)
    assert before, f"{name} has done nothing yet: the kill would prove nothing"
    victim.freeze()  # for a moment, far below its session timeout: only so that there is a backlog to be killed in
    for piece in slices[:_BURST]:
        running.log.publish(piece)
    running.log.follow()
    victim.thaw()
    await_progress(running, name, before)
    victim.kill()
    killed, at_kill = time.monotonic(), running.progress(name)
    running.log.follow()
    in_hand = sum((running.log.end(at) or 0) - position for at, position in running.positions(name).items())
    assert in_hand > 0, f"{name} had nothing in hand: the kill would prove little"
    victim.start()
    publish_paced(running, slices[_BURST:])
    await_progress(running, name, at_kill)
    recovered = time.monotonic() - killed
    victim.await_ready()
    return {"recovery_s": round(recovered, 1), "behind_at_kill": in_hand}


def publish_paced(running: World, slices: Sequence[Sequence[Outgoing]]) -> None:
    """Publish slice by slice."""
    for piece in slices:
        running.log.publish(piece)
        running.check()
        time.sleep(_PACE_S)


def await_progress(running: World, name: str, beyond: int) -> None:
    """Wait until a process has committed more than `beyond`."""
    give_up = time.monotonic() + _RECOVERY_S
    while running.progress(name) <= beyond:
        running.check()
        assert time.monotonic() < give_up, (
            f"{name} does not get beyond {beyond} within {_RECOVERY_S:.0f} s\n{running.processes[name].log(25)}"
        )
        time.sleep(0.01)
