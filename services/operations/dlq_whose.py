"""Whose a record is, as its key says: what is asked before it is shown, for a restriction closes it (GDPR Art. 18)."""

from typing import Final, NamedTuple

from proofwatch.events.topics import dead_letter_topic, load_manifests
from services.operations.dlq_read import Letter

_OF_PEOPLE: Final = frozenset({"subject_ref", "transaction_id", "case_id", "device_ref"})
"""Parts of keys of topics whose records are about people."""
_KEY_IS_WRONG: Final = frozenset({"missing_key", "key_mismatch"})
"""Refused for a key that is not that of what is in the record."""


class Whose(NamedTuple):
    """Whose a record is. `told`: the key says it, or says that it is about nobody; `tenant` None: not even whose of."""

    told: bool
    tenant: str | None = None
    subject_refs: frozenset[str] = frozenset()
    transaction_ids: frozenset[str] = frozenset()


_NOBODY: Final = Whose(told=True)


def whose(letter: Letter) -> Whose:
    """Return whose a record of any topic is, as the manifest of its topic says what its key is made of."""
    manifest = load_manifests().get(letter.at.topic.removesuffix(dead_letter_topic("")))
    parts = manifest.key.split("/") if manifest else []
    if manifest and not _OF_PEOPLE & set(parts):
        return _NOBODY
    tenant, _, rest = _text(letter.record.key).partition("/")
    if not (tenant and rest) or (letter.said and letter.said.reason in _KEY_IS_WRONG):
        return Whose(told=False)
    if "transaction_id" in parts:
        return Whose(True, tenant, transaction_ids=frozenset({rest}))
    if "subject_ref" not in parts:
        return Whose(False, tenant)
    return Whose(True, tenant, subject_refs=frozenset({rest if len(parts) == 2 else rest.rpartition("/")[0]}))


def _text(key: bytes | None) -> str:
    try:
        return (key or b"").decode()
    except UnicodeDecodeError:
        return ""
