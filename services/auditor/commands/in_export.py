"""Entries of an export, shown and searched without a database: of a run's, or of one that somebody was given."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from proofwatch.audit import export
from proofwatch.audit.entry import Entry, InvalidLeaf, entry_of
from proofwatch.audit.export import InvalidExport, leaf_of_line
from services.auditor.adapters.log_reader import Wanted, index_of
from services.auditor.commands.files import Folder, NotAnExport

RUN: Final = "audit"
"""Where a demo or a replay leaves its export."""


def entries_in(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield index and leaf of each entry; `path`: an export, or the folder of a run. Raises `NotAnExport`.

    They are shown as they stand; whether they are the log's, `proofwatch audit verify` says.
    """
    folder = Folder(path / RUN if (path / RUN).is_dir() else path)
    for number, line in enumerate(folder.lines(export.ENTRIES), 1):
        try:
            yield leaf_of_line(line.removesuffix(b"\n"))
        except InvalidExport as error:
            raise NotAnExport(f"{path}: line {number} of {export.ENTRIES}: {error}") from None


def leaf_in(path: Path, wanted: str) -> bytes | None:
    """Return the leaf of an entry, by its index in decimal or its id; None: there is none. Raises `NotAnExport`."""
    by_index = index_of(wanted)
    for index, leaf in entries_in(path):
        if index == by_index or (by_index is None and _entry(path, index, leaf).entry_id == wanted):
            return leaf
    return None


def found_in(path: Path, wanted: Wanted, limit: int) -> list[tuple[int, Entry]]:
    """Return the newest entries that are looked for, the newest first. Raises `NotAnExport`."""
    named = _pattern(wanted.action)
    found = [
        (index, entry)
        for index, leaf in entries_in(path)
        if named((entry := _entry(path, index, leaf)).action)
        and wanted.actor in (None, entry.actor.id)
        and wanted.tenant in (None, entry.tenant)
        and (wanted.since is None or entry.logged_at >= wanted.since)
    ]
    return found[::-1][:limit]


def _pattern(action: str | None) -> Callable[[str], bool]:
    """Return what says whether an action is meant; % stands for anything, as the database has it."""
    if action is None:
        return lambda name: True
    meant = re.compile(".*".join(re.escape(part) for part in action.split("%")), re.DOTALL)
    return lambda name: meant.fullmatch(name) is not None


def _entry(path: Path, index: int, leaf: bytes) -> Entry:
    try:
        return entry_of(leaf)
    except InvalidLeaf as error:
        raise NotAnExport(f"{path}: entry {index} is no entry: {error}") from None
