"""Why nothing is opened, as who asked is told."""

from services.imagery.core.decision import WORDS
from services.imagery.core.glass import WORDS as GLASS_WORDS
from services.imagery.core.lease import WORDS as LEASE_WORDS


class Denied(Exception):
    """Nothing is opened; `code` is the reason, and the message a sentence for who asked."""

    def __init__(self, code: str) -> None:
        super().__init__(WORDS.get(code) or LEASE_WORDS.get(code) or GLASS_WORDS[code])
        self.code = code


class NotSignedIn(Exception):
    """There is no session, or it is over."""


class Unavailable(Exception):
    """What must be there before anything is opened is not; the message says what is waited for."""
