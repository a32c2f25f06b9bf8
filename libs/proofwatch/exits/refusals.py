"""What a command is told at the door, by what it does about it; needs no driver of a database or a bus."""

from typing import Final

from proofwatch.access.errors import AccessDenied
from proofwatch.command_line.session_file import NotSignedIn
from proofwatch.exits.asking import NotSaid
from proofwatch.exits.standing import ContractUnread
from proofwatch.governance.release import Denied

REFUSED: Final = (Denied, AccessDenied, ContractUnread)
"""The door stays shut: exit code 1."""
WRONG: Final = (NotSaid, NotSignedIn)
"""The call names nobody, or says not what for: exit code 2."""
