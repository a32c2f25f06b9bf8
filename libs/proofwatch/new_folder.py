"""Folders that are given out: written beside their place, and there whole or not at all."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from proofwatch.new_file import NotNew

_PARTIAL: Final = ".partial"


def partial_of(folder: Path) -> Path:
    """Return where a folder is written before it may be there."""
    return folder.with_name(folder.name + _PARTIAL)


@contextmanager
def beside(folder: Path) -> Iterator[Path]:
    """Give an empty folder beside `folder`, which ends with the block. Raises `NotNew`, before anything is read.

    That it can be made is tried, not guessed: rights, a full disk and what is no disk at all show only then.
    """
    if os.path.lexists(folder):
        raise NotNew(f"{folder} is there already; name a folder that is not")
    partial = partial_of(folder)
    with said(folder):
        shutil.rmtree(partial, ignore_errors=True)  # of a run that was killed
        partial.mkdir(parents=True)
    try:
        yield partial
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def hand_over(folder: Path) -> None:
    """Put what was written beside it in its place. Raises `NotNew`; then nothing is there."""
    if os.path.lexists(folder):
        raise NotNew(f"{folder} is there by now; name a folder that is not")
    with said(folder):
        partial_of(folder).rename(folder)


def take_back(folder: Path) -> None:
    """Undo `hand_over`, because what says so on record could not be written."""
    with suppress(OSError):
        folder.rename(partial_of(folder))


@contextmanager
def gone_if_empty(folder: Path) -> Iterator[None]:
    """Remove a folder that the block makes, if nothing came to be in it: who is refused leaves none."""
    new = not folder.exists()
    try:
        yield
    finally:
        if new:
            with suppress(OSError):  # it is not empty, or was never made
                folder.rmdir()


@contextmanager
def said(folder: Path) -> Iterator[None]:
    """Make an error of the file system a sentence: raises `NotNew`."""
    try:
        yield
    except OSError as error:
        raise NotNew(f"{folder} cannot be written: {(error.strerror or 'error').lower()}") from None
