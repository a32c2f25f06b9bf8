"""Tiny supervisor of one native component: the component never outlives the test session.

Linux's PR_SET_PDEATHSIG alone is a trap here: it fires when the *thread* that forked ends, and fault tests
start brokers from worker threads. So one small single-threaded process stands between: it watches the
session's process by its parent pid, which changes the moment the session dies, even by SIGKILL. The component in
turn gets PR_SET_PDEATHSIG, so it also falls when this supervisor is killed.

usage: supervise.py SESSION_PID SCRATCH_DIR UID|- COMMAND ARG…
Prints the component's pid; ends after it and the helper processes that it leaves behind.
SCRATCH_DIR is removed if the session died.
"""

import contextlib
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType
from typing import NoReturn

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36  # linux/prctl.h
POLL_S = 0.1
HELPERS_S = 5.0


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(option, value)


def _die_with_parent() -> None:
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _await_helpers() -> None:
    """Reap a database's helper processes, which notice its death a moment later and become our children."""
    give_up = time.monotonic() + HELPERS_S
    with contextlib.suppress(ChildProcessError):  # no children left
        while time.monotonic() < give_up:
            if os.waitpid(-1, os.WNOHANG) == (0, 0):
                time.sleep(POLL_S / 10)


def _on_term(signum: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + signum)


def main(session: int, scratch: Path, uid: int | None, command: list[str]) -> int:
    """Run `command`, as `uid` if given, until it ends or the process `session` is no longer our parent."""
    signal.signal(signal.SIGTERM, _on_term)
    _prctl(PR_SET_CHILD_SUBREAPER, 1)
    as_user = {} if uid is None else {"user": uid, "group": uid, "extra_groups": []}
    with (scratch / "log").open("ab") as log:
        child = subprocess.Popen(  # type: ignore[call-overload] # the keyword dict mixes int and list
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=scratch,
            preexec_fn=_die_with_parent,  # safe: this process has one thread only
            **as_user,
        )
    try:
        sys.stdout.write(f"{child.pid}\n")
        sys.stdout.close()
        while child.poll() is None and os.getppid() == session:
            time.sleep(POLL_S)
    finally:
        if child.poll() is None:
            child.kill()
        child.wait()
        _await_helpers()
        if os.getppid() != session:
            shutil.rmtree(scratch, ignore_errors=True)
    return child.returncode if isinstance(child.returncode, int) else 1


if __name__ == "__main__":
    _session, _scratch, _uid, *_command = sys.argv[1:]
    sys.exit(main(int(_session), Path(_scratch), None if _uid == "-" else int(_uid), _command))
