"""Processor time and memory of processes, from /proc: Linux only."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final, NamedTuple

_PROC: Final = Path("/proc")
_TICK_S: Final = 1 / os.sysconf("SC_CLK_TCK")
_PAGE_MIB: Final = os.sysconf("SC_PAGE_SIZE") / (1 << 20)
_UTIME, _PARENT, _RSS = 11, 1, 21  # in /proc/PID/stat, counted from the field after the name; see proc(5)


class Usage(NamedTuple):
    """What processes have used: seconds of processor, resident MiB; and the whole machine's seconds, busy and all."""

    seconds: Mapping[str, float]
    rss_mib: Mapping[str, float]
    machine_s: float

    def since(self, before: "Usage") -> dict[str, float]:
        """Return processor seconds by process since an earlier look."""
        return {name: spent - before.seconds[name] for name, spent in self.seconds.items() if name in before.seconds}


def usage(pids: Mapping[str, int]) -> Usage:
    """Look at processes by name; the children of one, living and dead, count as its own, except for memory."""
    stats = _all_stats()
    children: dict[int, list[list[int]]] = {}
    for stat in stats.values():
        children.setdefault(stat[_PARENT], []).append(stat)
    seconds, rss = {}, {}
    for name, pid in pids.items():
        if (own := stats.get(pid)) is None:
            continue
        ticks = sum(own[_UTIME : _UTIME + 4])  # user, system, and both of children that have ended
        ticks += sum(sum(child[_UTIME : _UTIME + 2]) for child in children.get(pid, ()))
        seconds[name], rss[name] = ticks * _TICK_S, own[_RSS] * _PAGE_MIB
    return Usage(seconds, rss, machine_busy_s())


def machine_busy_s() -> float:
    """Return the processor seconds that all cores together have been busy, whoever kept them."""
    user, nice, system, _idle, _wait, irq, soft, steal, *_ = _PROC.joinpath("stat").read_text().split()[1:9]
    return sum(map(int, (user, nice, system, irq, soft, steal))) * _TICK_S


def _all_stats() -> dict[int, list[int]]:
    found = {}
    for path in _PROC.iterdir():
        if path.name.isdigit():
            try:
                text = (path / "stat").read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue  # it has ended in between
            # the name stands in brackets and may contain anything; after it comes one letter, then numbers
            found[int(path.name)] = [0, *map(int, text.rpartition(")")[2].split()[1:])]
    return found
