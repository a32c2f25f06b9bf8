"""Folders that are given out are there whole or not at all, whatever happens while they are written."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from proofwatch.new_file import NotNew
from proofwatch.new_folder import beside, hand_over, partial_of, said, tried


def test_it_is_there_once_it_is_handed_over(tmp_path: Path) -> None:
    """In place of a folder that is empty, too, and in folders that are not there yet."""
    (tmp_path / "empty").mkdir()
    for folder in (tmp_path / "new", tmp_path / "empty", tmp_path / "a" / "b"):
        with beside(folder) as partial:
            (partial / "deep").mkdir()
            (partial / "deep" / "file").write_text("whole")
            assert not (folder / "deep").exists()
            hand_over(folder)
        assert (folder / "deep" / "file").read_text() == "whole"
        assert not partial_of(folder).exists()


def test_what_is_there_stays_and_is_said_before_anything_is_done(tmp_path: Path) -> None:
    """A folder with something in it, a file, a link to an empty folder, and what cannot be made."""
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("mine")
    (tmp_path / "file").write_text("mine")
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "empty")
    for name, why in (
        ("full", "is not empty; name a new folder"),
        ("file", "is there already; name a folder that is not"),
        ("link", "is there already"),
        ("file/below", "cannot be written: not a directory"),
    ):
        with pytest.raises(NotNew, match=why):
            tried(tmp_path / name)
    assert (tmp_path / "full" / "mine").read_text() == (tmp_path / "file").read_text() == "mine"


def test_what_came_to_be_there_meanwhile_stays(tmp_path: Path) -> None:
    """The last look is before it gets its place."""
    folder = tmp_path / "out"
    with beside(folder):
        folder.mkdir()
        (folder / "theirs").write_text("theirs")
        with pytest.raises(NotNew, match="is there by now"):
            hand_over(folder)
    assert [each.name for each in folder.iterdir()] == ["theirs"]


def test_who_is_refused_leaves_nothing(tmp_path: Path) -> None:
    """Nor the folders above it; those that were there before stay, and so does what others put there."""
    tried(tmp_path / "a" / "b" / "out")
    assert list(tmp_path.iterdir()) == []
    with beside(tmp_path / "a" / "b" / "out"):
        (tmp_path / "a" / "theirs").write_text("theirs")
    assert [each.name for each in (tmp_path / "a").iterdir()] == ["theirs"]


def test_a_full_disk_is_said_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While it is written, and while it is put on the disk."""

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    folder = tmp_path / "out"
    monkeypatch.setattr(os, "fsync", full)
    with beside(folder) as partial:
        (partial / "file").write_text("half")
        with pytest.raises(NotNew, match="cannot be written: no space left on device"):
            hand_over(folder)
    with pytest.raises(NotNew, match="no space left"), beside(folder), said(folder):
        full()
    assert list(tmp_path.iterdir()) == []


def test_a_kill_leaves_what_nobody_takes_for_it_and_the_next_one_takes_away(tmp_path: Path) -> None:
    """Half of it is in the folder beside, which says so by its name."""
    folder = tmp_path / "out"
    killed = (
        "import os, signal, sys; from pathlib import Path; from proofwatch.new_folder import beside\n"
        "with beside(Path(sys.argv[1])) as partial:\n"
        "    (partial / 'file').write_text('half'); os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", killed, str(folder)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert [each.name for each in tmp_path.iterdir()] == ["out.partial"]
    with beside(folder) as partial:
        assert list(partial.iterdir()) == []
        hand_over(folder)
    assert [each.name for each in tmp_path.iterdir()] == ["out"]
