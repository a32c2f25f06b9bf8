"""The keys of the pages, in one table: templates mark with them what they press, and `?` lists them."""

from collections.abc import Mapping, Sequence
from typing import Final

from services.triage.api.bodies import Deed

OF: Final[Mapping[Deed, str]] = {
    "take": "t", "release": "u", "assign": "g", "threat": "h", "clear": "l", "approve": "a", "reject": "b",
    "refer": "r", "close": "c", "review": "v", "know": "w", "novel": "o", "high_risk": "i", "snooze": "s", "wake": "d",
    "reopen": "p", "merge": "m", "unmerge": "e",
}  # fmt: skip
FIGURES: Final[Sequence[tuple[str, str]]] = (
    ("/rates", "Rates"), ("/segments", "Segments and species"), ("/handsets", "Handsets"),
    ("/thresholds", "Thresholds"), ("/anomalies", "What fires"),
)  # fmt: skip
"""Pages of figures, which lead to each other."""
OF_FIGURES: Final = frozenset((*(at for at, _ in FIGURES), "/windows"))
GO: Final[Mapping[str, str]] = {"S": "/segments", "H": "/handsets", "D": "/thresholds", "W": "/anomalies"}
"""Keys that lead from every page to one that its head does not name."""
LISTED: Final[Sequence[tuple[str, str]]] = (
    ("j k", "next and previous case of the list"),
    ("Enter", "open the selected case"),
    ("x X", "choose the selected case, or all up to it; the key of a deed is then for all of them"),
    ("n", "take the next case"),
    ("q /", "the queue; find a case"),
    ("y", "the approvals: what waits for a second person"),
    ("f", "the rates"),
    ("G", "policies: what is in force, coming and proposed"),
    ("A V", "the audit log; verify the entry that is shown"),
    ("S H D", "rates by segment and by attack species; handsets; thresholds (DET)"),
    ("W", "what fires, and what fired"),
    ("P", "the attack patterns"),
    ("t", "take this case"),
    ("u", "release it: work on it no more"),
    ("h l", "it is a threat, it is none: write why, then Enter"),
    ("a b", "agree to what was proposed, or send it back: write why"),
    ("v", "begin to review it"),
    ("w o i", "it is known, novel, of high risk: write why, then Enter"),
    ("r", "refer it: write why, then Enter"),
    ("s d", "let it rest: write why, then until when; let it rest no more"),
    ("c", "close it: write why, then Enter"),
    ("p", "open it anew: write why, then Enter"),
    ("N", "draft an attack pattern from it"),
    ("L U", "a pattern: see what it would have matched; open earlier matches for review"),
    ("m", "compare it with another case, and merge the two"),
    ("e", "take it out of the case that it is a part of: write why"),
    ("z", "note something on it"),
    ("g", "give it: write to whom, then Enter"),
    ("?", "these keys; Esc closes"),
)
