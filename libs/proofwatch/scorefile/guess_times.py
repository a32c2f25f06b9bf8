"""In which forms the times of a file are written: what a draft of a mapping says about them."""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from proofwatch.scorefile.times import EPOCHS, Times, form_said

_PATTERNS: Final = (
    "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d/%m/%Y %H:%M:%S", "%m/%d/%Y %H:%M:%S", "%d/%m/%Y %H:%M",
    "%m/%d/%Y %H:%M", "%Y/%m/%d %H:%M:%S", "%d-%m-%Y %H:%M:%S", "%m-%d-%Y %H:%M:%S", "%Y%m%d%H%M%S", "%Y%m%d %H%M%S",
    "%m/%d/%Y %I:%M:%S %p", "%d-%m-%Y %I:%M:%S %p", "%d/%m/%Y %I:%M:%S %p",
    "%d-%m-%Y %H:%M", "%d %b %Y %H:%M:%S", "%a, %d %b %Y %H:%M:%S %Z", "%d/%b/%Y:%H:%M:%S %z", "%Y%m%dT%H%M%SZ",
    "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y%m%d",
)  # fmt: skip
MOST_TRIED: Final = 2_000
_LINES: Final = 4
_DIGITS: Final = re.compile(r"\d+")
_LETTERS: Final = re.compile(r"[^\W\d_]+")


def time_findings(times: Times, unread: Sequence[tuple[int, str]]) -> list[str]:
    """Return what to say about times, as findings of a draft: `key|value|reason`, or a comment.

    `times` has read the file in no named form; `unread`: line and text of those that it could not read.
    """
    read = [form for form in times.forms if times.forms[form]]
    if not unread:
        return _of_read(times, read)
    found: dict[str, None] = dict.fromkeys(read)
    ambiguous: list[list[str]] = []
    unknown: list[int] = []
    for cells in _by_shape(unread).values():
        fitting = [pattern for pattern in _PATTERNS if all(_fits(text, pattern) for _, text in cells)]
        if not fitting:
            unknown += [line for line, _ in cells]
        elif len(fitting) == 1:
            found[fitting[0]] = None
        else:
            ambiguous.append(fitting)
    if not found and not ambiguous:
        return ["# time_format|epoch_ms|no usual format fits the times: say which"]
    said = []
    if unknown:
        lines = ", ".join(f"{line:,}" for line in sorted(unknown)[:_LINES])
        said.append(
            f"# occurred_at: {len(unknown):,} times are in no usual form (lines {lines}): write them as "
            "2026-03-04T10:00:00Z, or add their form to time_format."
        )
    if not ambiguous:
        new = [form for form in found if form not in read]
        if not new:
            return said + _of_read(times, read)
        why = "all times fit" if len(found) == 1 and not unknown else "each time is read by the one that it fits"
        return [*said, f"time_format|{_listed(found)}|{why}"]
    for fitting in ambiguous:
        said += [
            f"# time_format|{_listed((*found, pattern))}|this fits, and so does another: is day or month first?"
            for pattern in fitting
        ]
    return said


def _of_read(times: Times, read: Sequence[str]) -> list[str]:
    """Return what to say where every time can be read, or no form helps with those that cannot."""
    zone = ["# time_zone|Europe/Berlin|times name no zone and count as UTC"] if times.without_zone else []
    if len(read) > 1:
        forms = ", ".join(f"{times.forms[form]:,} {form_said(form)}" for form in read)
        return [f"# occurred_at: times have several forms, each is read by itself: {forms}. No time_format.", *zone]
    if read and read[0] in EPOCHS:
        return [f"time_format|{read[0]}|times are whole numbers of so many digits"]
    return zone


def _by_shape(cells: Sequence[tuple[int, str]]) -> dict[str, list[tuple[int, str]]]:
    """Return the cells by what they look like: a form holds for all that look alike."""
    shapes: dict[str, list[tuple[int, str]]] = {}
    for line, text in cells:
        numbers = _DIGITS.sub(lambda found: "9" if len(found[0]) <= 2 else f"<{len(found[0])}>", text)
        shapes.setdefault(_LETTERS.sub("a", numbers), []).append((line, text))
    return shapes


def _listed(forms: Sequence[str] | dict[str, None]) -> str:
    quoted = [f'"{form}"' if "%" in form else form for form in forms]
    return quoted[0] if len(quoted) == 1 else f"[{', '.join(quoted)}]"


def _fits(text: str, pattern: str) -> bool:
    try:
        datetime.strptime(text, pattern)  # noqa: DTZ007 - only whether it fits
    except ValueError:
        return False
    return True
