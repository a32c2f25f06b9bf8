"""Why somebody is not let in, named by what to do about it. No message says which names there are."""

from datetime import datetime, timedelta


class AccessDenied(Exception):
    """Somebody is not let in, or may not do it."""


class SignInRefused(AccessDenied):
    """Name, password or code does not hold; which of them is for the audit log alone."""

    def __init__(self) -> None:
        super().__init__("name, password or one-time code is wrong, or the code was used already; wait for the next")


class Throttled(AccessDenied):
    """Too many attempts failed; nothing is judged until `retry_after` has passed."""

    def __init__(self, retry_after: timedelta, *, for_ever: bool = False) -> None:
        self.retry_after = retry_after
        seconds = max(1, -(-retry_after // timedelta(seconds=1)))
        super().__init__(
            "too many attempts failed: an admin must enrol this account anew (`proofwatch people enrol`)"
            if for_ever
            else f"too many attempts failed; try again in {seconds} seconds"
        )


class ClockSetBack(AccessDenied):
    """This machine's clock shows less than sessions have seen: nobody is let in until it is right."""

    def __init__(self, now: datetime, seen: datetime) -> None:
        super().__init__(
            f"the clock of this machine shows {now:%Y-%m-%d %H:%M:%S} UTC, but there was a call at "
            f"{seen:%Y-%m-%d %H:%M:%S}: set it right. If it was wrong then, end all sessions with "
            "`proofwatch people end-sessions`"
        )


class NoSession(AccessDenied):
    """There is no such session, or it has ended."""

    def __init__(self) -> None:
        super().__init__("the session has ended: sign in again")


class NotAllowed(AccessDenied):
    """Somebody is signed in and may not do this; the message says what is missing.

    `by`: the id of their account, for the entry of the refusal; None: nothing was wanted yet that could be entered.
    `why`: the same as the message in a word; `tenant`: whose data it was about.
    """

    def __init__(self, message: str, by: str | None = None, why: str = "role_missing", tenant: str | None = None):
        super().__init__(message)
        self.by, self.why, self.tenant = by, why, tenant
