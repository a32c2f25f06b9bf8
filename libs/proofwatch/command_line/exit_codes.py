"""One way for commands to end: an error that they know is a sentence on standard error, and a code."""

import sys
from collections.abc import Callable
from typing import Final

Errors = tuple[type[Exception], ...]

REFUSED: Final = 1
"""The call is right; somebody refuses, or is away. To try again may help."""
WRONG: Final = 2
"""The call, or a file that it names, must be changed."""
INTERRUPTED: Final = 130
"""What a shell says of a command that SIGINT ended."""


def ended(command: str, act: Callable[[], int | None], *, refused: Errors = (), wrong: Errors = ()) -> int:
    """Do it; return its code, 0 if it has none, 1 after one of the errors `refused`, 2 after one of `wrong`.

    `command`: as it was typed, without the program's name; the sentence begins with it.
    """
    try:
        return act() or 0
    except refused as error:
        said, code = str(error), REFUSED
    except wrong as error:
        said, code = str(error), WRONG
    sys.stderr.write(f"proofwatch {command}: {said}\n")
    return code
