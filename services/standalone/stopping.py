"""What SIGINT does to a run: the first asks it to stop where it can say what it found so far, the second ends it."""

import signal
import sys
import threading
from types import FrameType, TracebackType
from typing import Any, Final, NamedTuple, Self

from proofwatch.instants import instant_of

_SAID: Final = "proofwatch {}: interrupted: writing what was found so far; once more ends it without\n"


class Partial(NamedTuple):
    """How far a run came that was asked to stop: `at` of `of` transactions (None: nobody knows), up to `now_ms`."""

    at: int
    of: int | None
    now_ms: int

    @property
    def words(self) -> str:
        """Return it as people are told, so that nobody takes the results for those of a whole run."""
        of = "" if self.of is None else f" of {self.of:,}"
        return f"INTERRUPTED at {self.at:,}{of} transactions"

    def document(self) -> dict[str, Any]:
        """Return it as JSON has it; times in UTC."""
        return {"said": self.words, "at": self.at, "of": self.of, "up_to": instant_of(self.now_ms).isoformat()}


class Stopping:
    """Whether a run was asked to stop, while it is entered (`with`); outside of the main thread nobody can ask."""

    def __init__(self, command: str) -> None:
        self.asked = False
        self._command = command
        self._before: Any = None

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._ask)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.asked = True
        self.close()
        sys.stderr.write(_SAID.format(self._command))

    def close(self) -> None:
        """Let the next signal do what it did before."""
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)
            self._before = None
