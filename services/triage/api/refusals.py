"""Why a case is not shown, or nothing was done with it, over HTTP."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from proofwatch.access.errors import NoSession, NotAllowed
from proofwatch.access.session import Session
from proofwatch.bus.errors import DatabaseAway
from proofwatch.web.problems import Problem
from services.triage.adapters.desk import CaseChanged, CaseRefused, NoSuchCase, TenantNotYours
from services.triage.adapters.notes import NotesAway
from services.triage.api.bodies import Case
from services.triage.api.shown import shown_whole

_NOT_FOR_YOU: Final = frozenset({"role_missing", "about_yourself", "your_own"})


class Changed(Problem):
    """The case is no longer as it was seen; `case`: as it is now."""

    def __init__(self, error: CaseChanged, to: Session) -> None:
        self.case: Case = shown_whole(error.case, to)
        members = {"case": self.case.model_dump(mode="json")}
        super().__init__(412, "case_changed", str(error), members, {"ETag": etag(self.case.version)})


def etag(version: str) -> str:
    """Return a version as HTTP has it."""
    return f'"{version}"'


def status_of(why: str) -> int:
    """Return the status of a refusal."""
    return 403 if why in _NOT_FOR_YOU else 409


@contextmanager
def refusals(asking: Session | None = None) -> Iterator[None]:
    """Raise `Problem` for what the desk refuses somebody; None: of no case, which nobody can have changed."""
    try:
        yield
    except NoSession as error:
        raise Problem(401, "not_signed_in", str(error)) from None
    except NotAllowed as error:
        raise Problem(403, "role_missing", str(error)) from None
    except TenantNotYours as error:
        raise Problem(403, "tenant_not_yours", str(error)) from None
    except NoSuchCase:
        raise Problem(404, "no_such_case", "there is no such case for you") from None
    except CaseRefused as error:
        raise Problem(status_of(error.why), error.why, str(error)) from None
    except CaseChanged as error:
        assert asking is not None, "of a case"
        raise Changed(error, asking) from None
    except NotesAway as error:
        raise Problem(503, "unavailable", str(error)) from None
    except DatabaseAway:
        raise Problem(503, "unavailable", "the database does not answer; nothing was done") from None
