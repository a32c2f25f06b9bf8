"""The port of key-encryption keys in a transit engine: the same as in memory, and every way in which it is away."""

from collections.abc import AsyncIterator, Iterator

import pytest
from pydantic import SecretStr

from proofwatch.bus.postgres.pool import opened, transaction
from proofwatch.bus.postgres.tags import PostgresTags
from proofwatch.privacy.key_encryption import EpochDestroyed, InvalidKeys, KeysAway, Tampered
from proofwatch.privacy.vault import VaultTransit
from proofwatch.runtime.migrations import migrate
from services.privacy.config import Settings
from tests.support.transit_stub import TOKEN, Engine, transit

SECRET = bytes(range(32))


@pytest.fixture
def engine() -> Iterator[Engine]:
    with transit() as serving:
        yield serving


@pytest.fixture
async def keys(engine: Engine) -> AsyncIterator[VaultTransit]:
    made = VaultTransit(engine.address, TOKEN, "data-keys")
    yield made
    await made.close()


async def test_a_secret_comes_back_as_what_it_is_and_as_nothing_else(keys: VaultTransit) -> None:
    """What is wrapped is bound to what it is; who changes a bit, or says another name, gets nothing."""
    wrapped = await keys.wrap(SECRET, "data key of one")
    assert wrapped.epoch == 1
    assert SECRET not in wrapped.body
    assert await keys.unwrap(wrapped, "data key of one") == SECRET
    with pytest.raises(Tampered, match="epoch 1"):
        await keys.unwrap(wrapped, "data key of another")
    changed = wrapped._replace(body=wrapped.body[:-1] + bytes([wrapped.body[-1] ^ 1]))
    with pytest.raises(Tampered):
        await keys.unwrap(changed, "data key of one")


async def test_a_version_is_an_epoch_and_what_was_in_one_that_is_trimmed_is_gone(
    keys: VaultTransit, engine: Engine
) -> None:
    """A new version wraps from then on; the old one reads until it is destroyed."""
    old = await keys.wrap(SECRET, "x")
    engine.rotate()
    assert await keys.epochs() == (1, 2)
    new = await keys.wrap(SECRET, "x")
    assert (new.epoch, await keys.unwrap(old, "x")) == (2, SECRET)
    engine.trim(2)
    assert await keys.epochs() == (2,)
    with pytest.raises(EpochDestroyed, match="epoch 1 of the key-encryption keys is not here"):
        await keys.unwrap(old, "x")
    assert await keys.unwrap(new, "x") == SECRET


async def test_many_are_one_call_and_each_comes_back_in_its_place(keys: VaultTransit, engine: Engine) -> None:
    """More than the engine takes at once: two. One that was changed is told by its epoch, wherever it stands."""
    many = [(bytes([place % 251]) * 32, f"data key of {place}") for place in range(1_500)]
    engine.asked.clear()
    wrapped = await keys.wrap_all(many)
    assert engine.asked == ["encrypt", "encrypt"]
    under = [(each, of) for each, (_, of) in zip(wrapped, many, strict=True)]
    assert await keys.unwrap_all(under) == [secret for secret, _ in many]
    assert engine.asked == [*["encrypt"] * 2, *["decrypt"] * 2]
    engine.rotate()
    [late] = await keys.wrap_all([(SECRET, "late")])
    with pytest.raises(Tampered, match="epoch 2"):
        await keys.unwrap_all([*under, (late, "another")])
    engine.trim(2)
    with pytest.raises(EpochDestroyed, match="epoch 1 of"):
        await keys.unwrap_all([(late, "late"), *under])
    assert await keys.wrap_all([]) == []
    assert await keys.unwrap_all([]) == []


async def test_a_batch_of_people_costs_the_engine_one_call(
    keys: VaultTransit, engine: Engine, postgres_dsn: str
) -> None:
    """In the transaction of a lane, which others wait for: who has no key yet, who has one, and who is known."""
    await migrate(postgres_dsn)
    people = [("acme", f"{place:032x}") for place in range(300)]
    async with opened(postgres_dsn) as pool:
        await pool.execute("update privacy.tagging set moved_at = now()")
        tags, others = PostgresTags(keys), PostgresTags(keys)
        asked = []
        for asking, whom in ((tags, people[:200]), (tags, people[:200]), (others, people), (tags, people)):
            engine.asked.clear()
            async with transaction(pool, "test") as tx:
                found = await asking.of(tx, whom)
            assert found.keyed
            assert len(set(found.tags.values())) == len(whom)
            asked.append(list(engine.asked))
        assert asked == [["encrypt"], [], ["decrypt", "encrypt"], ["decrypt"]]


async def test_a_key_that_binds_nothing_is_refused(keys: VaultTransit, engine: Engine) -> None:
    """Without derivation the engine would take any context: nothing is wrapped."""
    engine.derived = False
    with pytest.raises(InvalidKeys, match="derived=true"):
        await keys.wrap(SECRET, "x")


async def test_what_is_away_or_denied_is_said_without_the_token(engine: Engine) -> None:
    """Sealed, nobody there, another token, no such key."""
    sealed = VaultTransit(engine.address, TOKEN, "data-keys")
    engine.sealed = True
    with pytest.raises(KeysAway, match="answers 503; is it unsealed"):
        await sealed.wrap(SECRET, "x")
    engine.sealed = False
    for made, error, said in (
        (VaultTransit("http://127.0.0.1:1", TOKEN, "data-keys"), KeysAway, "see PROOFWATCH_VAULT_ADDRESS"),
        (VaultTransit(engine.address, "s.another", "data-keys"), InvalidKeys, "denies PROOFWATCH_VAULT_TOKEN"),
        (VaultTransit(engine.address, TOKEN, "none"), InvalidKeys, "has no key none: see PROOFWATCH_VAULT_KEY"),
    ):
        with pytest.raises(error, match=said) as raised:
            await made.wrap(SECRET, "x")
        assert "s." not in str(raised.value).replace("keys.", "").replace("s.another", "!")
        await made.close()
    await sealed.close()


async def test_settings_choose_the_engine_or_the_file_and_not_both(engine: Engine) -> None:
    """One of them; an address without a token is no setting."""
    where, token = engine.address, SecretStr(TOKEN)
    made = Settings(vault_address=where, vault_token=token, vault_key="data-keys").key_encryption()
    assert isinstance(made, VaultTransit)
    assert await made.epochs() == (1,)
    await made.close()
    with pytest.raises(InvalidKeys, match="give one of PROOFWATCH_VAULT_ADDRESS and PROOFWATCH_KEY_ENCRYPTION_KEYS"):
        Settings(vault_address=where, vault_token=token, key_encryption_keys=SecretStr("1:x")).key_encryption()
    with pytest.raises(InvalidKeys, match="needs PROOFWATCH_VAULT_TOKEN"):
        Settings(vault_address=where).key_encryption()
