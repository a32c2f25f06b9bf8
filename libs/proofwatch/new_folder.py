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

    That it can be made is tried, not guessed: rights, a full disk and what is no disk at all show only then. Folders
    above it that were made for it go again, unless it was handed over.
    """
    _require_free(folder, "already")
    partial = partial_of(folder)
    above = [each for each in folder.parents if not each.exists()]
    with said(folder):
        shutil.rmtree(partial, ignore_errors=True)  # of a run that was killed
        partial.mkdir(parents=True)
    try:
        yield partial
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        with suppress(OSError):  # it has something in it by now
            for each in above:
                each.rmdir()


def tried(folder: Path) -> None:
    """Find out that a folder can be handed over there, before anybody is asked for anything. Raises `NotNew`."""
    with beside(folder):
        pass


def hand_over(folder: Path) -> None:
    """Put what was written beside it in its place, once it is on the disk. Raises `NotNew`; then nothing is there."""
    _require_free(folder, "by now")
    partial = partial_of(folder)
    with said(folder):
        for each in (*partial.rglob("*"), partial):
            _synced(each)
        partial.rename(folder)  # over a folder that is empty, too
        _synced(folder.parent)


def take_back(folder: Path) -> None:
    """Undo `hand_over`, because what says so on record could not be written."""
    with suppress(OSError):
        folder.rename(partial_of(folder))


@contextmanager
def said(folder: Path) -> Iterator[None]:
    """Make an error of the file system a sentence: raises `NotNew`."""
    try:
        yield
    except OSError as error:
        raise NotNew(f"{folder} cannot be written: {(error.strerror or 'error').lower()}") from None


def _require_free(folder: Path, since: str) -> None:
    if folder.is_symlink() or not folder.is_dir():
        if os.path.lexists(folder):
            raise NotNew(f"{folder} is there {since}; name a folder that is not")
        return
    with said(folder):
        full = any(folder.iterdir())
    if full or folder.is_mount():
        raise NotNew(f"{folder} is there {since} and is not empty; name a new folder, or an empty one")


def _synced(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
