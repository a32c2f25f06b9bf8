"""The deployment's secret, for who has to tell whose data something is."""

from pydantic import SecretStr

from proofwatch.governance.pseudonyms import parse_secret
from proofwatch.runtime import settings


class SubjectSettings(settings.Settings):
    """Of commands that leave out whose processing is restricted; needed where anybody's is."""

    subject_tag_secret: SecretStr | None = None
    """Base64 of at least 32 random bytes, the same as triage's."""

    def secret(self) -> bytes:
        """Return it. Raises `InvalidSecret`."""
        given = self.subject_tag_secret
        return parse_secret(given.get_secret_value() if given else None)
