"""A keyring that cannot be used stops start-up with file, entry and remedy; a good one tells whose signature it is."""

import base64
from pathlib import Path
from typing import Any

import pytest
import yaml

from proofwatch.governance.keyring import InvalidKeyring, NotSigned, load_keyring
from proofwatch.governance.signer import InvalidKey, Signer
from tests.unit.governance.scene import ADA, ADA_AGAIN, BOB

T0 = 1_000_000_000_000


def entry(signer: Signer, person: str, **more: Any) -> dict[str, Any]:
    return signer.entry(person).model_dump(mode="json", exclude_defaults=True) | more


def write(tmp_path: Path, *people: object) -> Path:
    path = tmp_path / "keyring.yaml"
    path.write_text(yaml.safe_dump({"people": list(people)}))
    return path


def test_it_tells_whose_signature_it_is(tmp_path: Path) -> None:
    """The signature is over the whole statement."""
    keyring = load_keyring(write(tmp_path, entry(ADA, "ada"), entry(BOB, "bob"), entry(ADA_AGAIN, "ada")))
    assert keyring.people() == {"ada", "bob"}
    signature = base64.b64encode(ADA_AGAIN._private.sign(b"statement")).decode()
    assert keyring.verify(ADA_AGAIN.key_id, "approve", b"statement", signature, T0) == "ada"
    for statement, key_id in ((b"statemenu", ADA_AGAIN.key_id), (b"statement", ADA.key_id)):
        with pytest.raises(NotSigned, match="does not fit"):
            keyring.verify(key_id, "approve", statement, signature, T0)


def test_whose_keys_have_ended_is_among_those_who_may_sign_until_then(tmp_path: Path) -> None:
    """Who has another key that did not end still is."""
    ended = {"not_after": "2001-09-09T01:46:40Z"}
    keyring = load_keyring(
        write(tmp_path, entry(ADA, "ada", **ended), entry(ADA_AGAIN, "ada"), entry(BOB, "bob", **ended))
    )
    assert keyring.people(T0) == {"ada", "bob"}
    assert keyring.people(T0 + 1) == {"ada"}


@pytest.mark.parametrize(
    ("people", "said"),
    [
        ([entry(ADA, "ada"), entry(ADA_AGAIN, "ada")], "1 people may approve; four eyes need at least 2"),
        ([entry(ADA, "ada"), entry(BOB, "bob", roles=["activate"])], "four eyes need at least 2"),
        ([entry(ADA, "ada"), entry(ADA, "bob")], "is listed twice; one key belongs to one person"),
        ([entry(ADA, "ada") | {"person": "Ada"}], r"people.0.person: [Ss]tring should match pattern"),
        pytest.param([entry(ADA, "ada", key_id="0" * 16)], f"key_id must be {ADA.key_id}", id="key_id of another"),
        ([entry(ADA, "ada", public_key="AAAA")], "must be 32 bytes in base64"),
        ([entry(ADA, "ada", public_key="not base64")], "must be 32 bytes in base64"),
        ([entry(ADA, "ada", roles=[])], "people.0.roles"),
        ([entry(ADA, "ada", not_after="2027-01-01T00:00:00")], "timezone"),
        ([entry(ADA, "ada", secret="x")], "people.0.secret: extra inputs"),
        (["ada"], "people.0"),
    ],
)
def test_what_cannot_be_used_is_refused(tmp_path: Path, people: list[object], said: str) -> None:
    """With the file and the entry."""
    with pytest.raises(InvalidKeyring, match=said) as caught:
        load_keyring(write(tmp_path, *people))
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize("text", ["", "[]", "people: 3", "people: []\nmore: 1", "a: [", "people: []"])
def test_another_shape_is_refused(tmp_path: Path, text: str) -> None:
    """Never with another error."""
    path = tmp_path / "keyring.yaml"
    path.write_text(text)
    with pytest.raises(InvalidKeyring, match=str(path)):
        load_keyring(path)
    with pytest.raises(InvalidKeyring, match="cannot be read"):
        load_keyring(tmp_path / "nowhere.yaml")


def test_a_private_key_is_read_back_and_nothing_else_is_one() -> None:
    """The message quotes nothing of the file."""
    assert Signer.from_pem(ADA.pem()).key_id == ADA.key_id
    for text in (b"", b"secret stuff", ADA.pem()[:60]):
        with pytest.raises(InvalidKey, match="no Ed25519 private key") as caught:
            Signer.from_pem(text)
        assert b"secret" not in str(caught.value).encode()
