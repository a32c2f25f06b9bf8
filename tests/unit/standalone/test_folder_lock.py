"""Two runs never write into one folder: the second refuses; what a dead process left does not block."""

import subprocess
import sys
from pathlib import Path

import pytest

from services.standalone.folder_lock import FILE, FolderLock
from services.standalone.results import Results, Unwritable

_HOLDS = """
import sys
from pathlib import Path
from services.standalone.folder_lock import FolderLock
FolderLock(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def test_a_second_run_refuses_and_leaves_the_first_ones_results_alone(tmp_path: Path) -> None:
    """One line that says which process writes there, and what to do; not a byte is lost."""
    first = Results(tmp_path)
    (tmp_path / "verdicts.jsonl").write_bytes(b"{}\n")
    with pytest.raises(Unwritable, match=r"another run \(process \d+\) is writing its results here; wait") as said:
        Results(tmp_path)
    assert str(tmp_path) in str(said.value)
    assert "\n" not in str(said.value)
    assert (tmp_path / "verdicts.jsonl").read_bytes() == b"{}\n"
    first.close()
    Results(tmp_path).close()
    assert not (tmp_path / FILE).exists()


def test_what_a_dead_process_left_does_not_block(tmp_path: Path) -> None:
    """The kernel lets go of what a killed process held; its file alone is nothing."""
    held = [sys.executable, "-c", _HOLDS, str(tmp_path)]
    with subprocess.Popen(held, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"held\n"
        with pytest.raises(Unwritable, match=rf"process {process.pid}\)"):
            FolderLock(tmp_path)
        process.kill()
        process.wait()
    assert (tmp_path / FILE).exists()
    FolderLock(tmp_path).release()


def test_a_folder_that_cannot_be_locked_is_no_folder_for_results(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()
    with pytest.raises(Unwritable, match="cannot be written to"):
        Results(tmp_path)
