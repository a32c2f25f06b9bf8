"""The contract of whatever keeps key-encryption keys: one suite for a text in memory and a file."""

import base64
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from proofwatch.privacy.key_encryption import (
    EpochDestroyed,
    EpochKeys,
    InvalidKeys,
    KeyEncryption,
    Tampered,
    Wrapped,
    parse_keys,
    written,
)
from proofwatch.privacy.key_file import KeyFile

KEYS = {1: bytes(32), 3: bytes(range(32))}
Make = Callable[[dict[int, bytes]], KeyEncryption]


@pytest.fixture(params=["text", "file"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    def of(keys: dict[int, bytes]) -> KeyEncryption:
        if request.param == "text":
            return EpochKeys(parse_keys(written(keys)))
        (tmp_path / "keys").write_text(written(keys))
        return KeyFile(tmp_path / "keys")

    return of


async def test_what_is_wrapped_comes_back_and_is_wrapped_in_the_newest_epoch(make: Make) -> None:
    """Each time in other bytes; the secret is in none of them."""
    keys, secret = make(KEYS), bytes(range(100, 132))
    assert await keys.epochs() == (1, 3)
    one, other = await keys.wrap(secret, "of"), await keys.wrap(secret, "of")
    assert one.epoch == other.epoch == 3
    assert one.body != other.body
    assert secret not in one.body
    assert await keys.unwrap(one, "of") == await keys.unwrap(other, "of") == secret


async def test_a_destroyed_epoch_is_told_from_a_changed_secret(make: Make) -> None:
    """Every byte counts, and so do what it is of and its epoch."""
    wrapped = await make({1: KEYS[1]}).wrap(b"secret", "of")
    keys = make({3: KEYS[3], 4: KEYS[1]})
    with pytest.raises(EpochDestroyed, match="epoch 1 of the key-encryption keys is not here"):
        await keys.unwrap(wrapped, "of")
    whole = make({1: KEYS[1], 4: KEYS[1]})
    for place in range(len(wrapped.body)):
        changed = bytearray(wrapped.body)
        changed[place] ^= 1
        with pytest.raises(Tampered):
            await whole.unwrap(Wrapped(1, bytes(changed)), "of")
    for wrong, of in ((wrapped, "other"), (Wrapped(4, wrapped.body), "of"), (Wrapped(1, b""), "of")):
        with pytest.raises(Tampered):
            await whole.unwrap(wrong, of)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "is not set; make the first with: proofwatch keys begin"),
        ("\n# nothing\n", "is not set"),
        ("secretsecret", "line 1: must be EPOCH:BASE64"),
        ("0:" + base64.b64encode(bytes(32)).decode(), "line 1: must be EPOCH"),
        ("²:" + base64.b64encode(bytes(32)).decode(), "line 1: must be EPOCH"),
        ("1:secret!", "line 1: the key is not base64"),
        ("1:" + base64.b64encode(b"secret").decode(), "has 6 bytes, not 32"),
        (2 * ("1:" + base64.b64encode(bytes(32)).decode() + "\n"), "line 2: epoch 1 is there twice"),
    ],
)
def test_keys_that_cannot_be_are_refused_in_a_sentence_without_them(text: str | None, says: str) -> None:
    """And the sentence names the line."""
    with pytest.raises(InvalidKeys, match=says) as error:
        parse_keys(text)
    assert "secret" not in str(error.value)


async def test_a_file_begins_an_epoch_and_destroys_an_older_one(tmp_path: Path) -> None:
    """For its owner alone to read; what another reader of the file wrapped before is unreadable at once."""
    path = tmp_path / "keys"
    keys = KeyFile(path)
    assert keys.begin() == 1
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    old = await KeyFile(path).wrap(b"x", "of")
    with pytest.raises(InvalidKeys, match="epoch 1 is the newest"):
        keys.destroy(1)
    assert keys.begin() == 2
    assert await keys.unwrap(old, "of") == b"x"
    with pytest.raises(InvalidKeys, match="has no epoch 7; it has 1, 2"):
        keys.destroy(7)
    keys.destroy(1)
    with pytest.raises(EpochDestroyed):
        await keys.unwrap(old, "of")
    with pytest.raises(InvalidKeys, match="cannot be read"):
        await KeyFile(tmp_path / "none").epochs()


def test_nothing_is_left_beside_a_file_that_is_written(tmp_path: Path) -> None:
    """Least of all a key."""
    KeyFile(tmp_path / "keys").begin()
    assert [each.name for each in tmp_path.iterdir()] == ["keys"]
