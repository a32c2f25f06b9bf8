"""Data keys: what follows from one, what is sealed under it, and that nothing shows it."""

import pytest

from proofwatch.audit.entry import Actor, entry_of, leaf_of
from proofwatch.audit.pending import act
from proofwatch.governance.pseudonyms import subject_tag
from proofwatch.instants import instant_of
from proofwatch.privacy.data_keys import RANDOM_BYTES, Unreadable, made_of, opened, sealed, tag_of
from proofwatch.privacy.marks import subject_mark, transaction_mark
from services.privacy.core.acts import with_sealed

KEY, OTHER = made_of(bytes(RANDOM_BYTES)), made_of(bytes(range(RANDOM_BYTES)))
SECRET = bytes(range(32))


def test_a_tag_follows_from_the_key_alone() -> None:
    """In the form of those of ADR 0005; another key has another; the key is in no text of it."""
    assert len(tag_of(KEY)) == 32
    assert tag_of(KEY) == tag_of(made_of(bytes(RANDOM_BYTES))) != tag_of(OTHER)
    assert int(tag_of(KEY), 16) != int(KEY.key_id, 16)
    assert repr(OTHER) == f"DataKey({OTHER.key_id})"
    with pytest.raises(ValueError, match="48 random bytes, not 47"):
        made_of(bytes(47))


def test_a_sealed_part_opens_in_its_entry_with_its_key_alone() -> None:
    """It stands in the leaf; no other entry, no other key and no changed byte opens it."""
    made = act("erasure.requested", Actor("person", "p"), instant_of(0))
    part = sealed(KEY, b"who it is", made.entry_id, bytes(12))
    found = entry_of(leaf_of(with_sealed(made, part))).sealed
    assert found == part
    assert b"who it is" not in leaf_of(with_sealed(made, part))
    assert opened(KEY, part, made.entry_id) == b"who it is"
    for key, of in ((OTHER, made.entry_id), (KEY, "another")):
        with pytest.raises(Unreadable):
            opened(key, part, of)
    with pytest.raises(Unreadable):
        opened(KEY._replace(secret=bytes(range(32))), part, made.entry_id)
    with pytest.raises(ValueError, match="12 random bytes, not 3"):
        sealed(KEY, b"", "of", b"abc")


def test_marks_keep_tenants_kinds_and_secrets_apart() -> None:
    """A subject's is the tag of ADR 0005, by which rows of earlier releases are found."""
    assert subject_mark(SECRET, "acme", "s") == subject_tag(SECRET, "acme", "s")
    marks = {
        subject_mark(SECRET, "acme", "s"),
        transaction_mark(SECRET, "acme", "s"),
        transaction_mark(SECRET, "acm", "es"),
        transaction_mark(bytes(32), "acme", "s"),
    }
    assert len(marks) == 4
