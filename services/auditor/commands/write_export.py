"""Writing an export: everything an outsider needs to check a log, or a part of it, without asking anybody."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from proofwatch.audit import export
from proofwatch.audit.export import Keys, Part
from proofwatch.audit.merkle import Range, perfect_parts
from proofwatch.audit.note import VerifierKey
from proofwatch.new_folder import beside, hand_over, said
from services.auditor.adapters.log_reader import LogReader


class CannotExport(ValueError):
    """There is nothing to export, or not so; the message says why."""


class Exported(NamedTuple):
    """What was written."""

    entries: int
    checkpoints: int
    size: int


async def write_export(
    reader: LogReader,
    out: Path,
    begin: int = 0,
    end: int | None = None,
    witnesses: tuple[VerifierKey, ...] = (),
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Exported:
    """Write the files of entries [begin, end) into a new folder; `end` None: up to the last published checkpoint.

    It is there whole or not at all: an export of half a log looks like a whole one of a short log.
    `witnesses`: whose signature lines stay below the notes; others are left out. Raises `CannotExport`, `NotNew`.
    """
    checkpoints = await reader.checkpoints(begin, end)
    if not checkpoints:
        raise CannotExport("no checkpoint has been published yet; does the auditor run?")
    size = checkpoints[-1][1]
    end = size if end is None else end
    if not 0 <= begin <= end <= size:
        raise CannotExport(f"entries from {begin} to {end} are not in a log of {size} entries that are signed")
    with beside(out) as partial, said(out):
        keys = await reader.keys()
        named = {each.key.id for each in keys.keys} | {each.id for each in witnesses}
        notes = [
            (index, note._replace(signatures=tuple(each for each in note.signatures if each.key in named)))
            for index, _, note in checkpoints
        ]
        with (partial / export.ENTRIES).open("wb") as file:
            async for index, leaf in reader.leaves(begin, end):
                file.write(export.entry_line(index, leaf) + b"\n")
                progress(index - begin + 1, end - begin)
        lines = b"".join(export.checkpoint_line(*each) + b"\n" for each in notes)
        (partial / export.CHECKPOINTS).write_bytes(lines)
        (partial / export.CHECKPOINT).write_bytes(notes[-1][1].body())
        origin = checkpoints[-1][2].text.split("\n", 1)[0]
        (partial / export.KEYS).write_bytes(Keys(origin, keys, list(witnesses)).body())
        if (begin, end) != (0, size):
            around = await _range(reader, 0, begin), await _range(reader, end, size)
            part = Part(*around, tuple(index for index, _ in notes))
            (partial / export.RANGE).write_bytes(part.body())
        hand_over(out)
    return Exported(end - begin, len(notes), size)


async def _range(reader: LogReader, begin: int, end: int) -> Range:
    return Range.stored(begin, end, await reader.nodes(perfect_parts(begin, end)))
