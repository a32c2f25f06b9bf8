"""Which process enters what: an entry that came by another one's role in the database is doubted.

Everybody may enter, since nobody may act without; so a role that was taken over could claim what was never done, such
as an erasure. The entry stays, because it may be true; beside it the log has by which role it came.
"""

from typing import Final

PREFIX: Final = "proofwatch-"
"""Of the roles that `proofwatch acls --format sql` makes: where all processes share one, nothing can be told."""
_OWNER: Final = "auditor"
_ANYBODY: Final = frozenset({"data"})
_ENTERS: Final = {
    "access": {"people", "imagery", "console"},
    "baseline": {"fraud"},
    "case": {"triage", "console"},
    "cases": {"triage", "console"},
    "erasure": {"privacy"},
    "hold": {"privacy"},
    "imagery": {"imagery"},
    "keys": {"privacy"},
    "marker": {"fraud"},
    "pattern": {"triage", "console"},
    "patterns": {"triage", "console"},
    "person": {"people"},
    "token": {"people"},
    "privacy": {"privacy"},
    "retention": {"privacy"},
    "statement": {"billing"},
    "statistics": {"statistics"},
    "subject": {"privacy"},
    "training": {"fraud"},
}
"""By the first part of an action; what is not here is entered by the auditor alone, from the record that the act is."""


def is_doubtful(action: str, role: str) -> bool:
    """Return whether an action is not that of the process whose role entered it."""
    process = role.removeprefix(PREFIX)
    if process in (role, _OWNER):
        return False
    what = action.partition(".")[0]
    return what not in _ANYBODY and process not in _ENTERS.get(what, ())
