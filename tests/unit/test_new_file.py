"""Keys and proofs are written over nothing, through no link, and whole or not at all."""

import os
import resource
import stat
from pathlib import Path

import pytest

from proofwatch.new_file import OWNER_ALONE, NotNew, require_new, write_new


def test_it_is_there_whole_and_for_whom_it_is(tmp_path: Path) -> None:
    write_new(tmp_path / "key", b"secret", OWNER_ALONE)
    assert (tmp_path / "key").read_bytes() == b"secret"
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == OWNER_ALONE


def test_what_is_there_stays_as_it_is(tmp_path: Path) -> None:
    """A file, a folder, a link, a link to nowhere: each says so beforehand and when it is written."""
    (tmp_path / "file").write_bytes(b"evidence")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "file")
    (tmp_path / "nowhere").symlink_to(tmp_path / "elsewhere")
    for name in ("file", "folder", "link", "nowhere"):
        for refused in (require_new, lambda path: write_new(path, b"x")):
            with pytest.raises(NotNew, match=f"{name} exists; it is never written over"):
                refused(tmp_path / name)
    assert (tmp_path / "file").read_bytes() == b"evidence"
    assert not (tmp_path / "elsewhere").exists()


def test_a_folder_that_is_none_is_said_before_anything_is_done(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for path in (tmp_path / "none" / "x", tmp_path / "file" / "x"):
        with pytest.raises(NotNew, match="cannot be written"):
            require_new(path)
        with pytest.raises(NotNew, match="cannot be written"):
            write_new(path, b"x")


def test_half_of_it_is_none(tmp_path: Path) -> None:
    """On a disk that is full, as far as this process can tell."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    pid = os.fork()
    if pid == 0:  # the limit is of a process
        import signal

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10, before[1]))
        try:
            write_new(tmp_path / "proof", bytes(1000))
        except NotNew:
            os._exit(0)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert not (tmp_path / "proof").exists()
