"""Epochs make old backups unreadable; a hold refuses in a sentence. On a real PostgreSQL, through the commands too."""

import asyncio
import base64
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from proofwatch.access.errors import NoSession, NotAllowed
from proofwatch.access.roles import Role
from proofwatch.audit.entry import entry_of
from proofwatch.command_line.session_file import write_token
from proofwatch.privacy.key_encryption import EpochDestroyed, Tampered, Wrapped
from proofwatch.privacy.key_file import KeyFile
from proofwatch.privacy.postgres_keys import PostgresKeys, about
from services.cli import main
from services.privacy.adapters.epochs import EpochInUse, PostgresEpochs
from services.privacy.adapters.holds import HoldRefused
from services.privacy.adapters.requests import About, PostgresRequests
from services.privacy.core.erasure import Held
from tests.integration.privacy.house import SECRET, TENANT, Privacy, subject

SOMEBODY, OTHER = subject(), subject("other-77aa")


async def test_a_backup_from_before_and_todays_keys_decrypt_nothing(privacy: Privacy, tmp_path: Path) -> None:
    """What is to stay moves to the next epoch and reads as before; of the backup no row does, under no key of today."""
    file = KeyFile(tmp_path / "keys")
    file.begin()
    keys, whose = PostgresKeys(file), {(TENANT, SOMEBODY.mark), (TENANT, OTHER.mark)}
    made = await keys.held_or_made(privacy.pool, whose)
    assert len({key.secret for key in made.values()}) == 2
    requests = PostgresRequests(privacy.pool, file)
    erasure = await requests.request(privacy.tokens["pia"], About(SOMEBODY, frozenset()), "asked", privacy.now)
    backup = await privacy.pool.fetch("select * from privacy.keys")
    sealed = await privacy.pool.fetchrow("select sealed_epoch, sealed from privacy.erasures")

    file.begin()
    epochs, token = PostgresEpochs(privacy.pool, file), privacy.tokens["paul"]
    with pytest.raises(EpochInUse, match="3 secrets are wrapped in epoch 1 and would be lost"):
        await epochs.require_unused(token, 1, "too early", privacy.now)
    assert await epochs.wrap_anew(token, "monthly", privacy.now) == 3
    assert await epochs.wrap_anew(token, "monthly", privacy.now) == 0
    assert await epochs.counted() == {2: 3}
    await epochs.require_unused(token, 1, "backups are void", privacy.now)
    file.destroy(1)

    assert await keys.held(privacy.pool, whose) == made
    found = await requests.about(privacy.pool, await requests.found(privacy.pool, erasure))
    assert found.subject == SOMEBODY
    rows = [(Wrapped(row["epoch"], row["wrapped"]), about(row["tenant"], row["key_id"])) for row in backup]
    rows.append((Wrapped(*sealed), f"erasure\0{erasure}"))
    for wrapped, of in rows:
        with pytest.raises(EpochDestroyed, match="unreadable"):
            await file.unwrap(wrapped, of)
        with pytest.raises(Tampered):
            await file.unwrap(wrapped._replace(epoch=2), of)
    entries = [each for each in await privacy.of_privacy() if each.action.startswith("keys.")]
    assert [(e.action, e.objects[0].id, e.reason, e.details.get("why")) for e in entries] == [
        ("keys.epoch_destroyed", "1", "too early", "epoch_in_use"),
        ("keys.wrapped_anew", "2", "monthly", None),
        ("keys.epoch_destroyed", "1", "backups are void", None),
    ]
    assert [each.outcome for each in entries] == ["denied", "done", "done"]


async def test_everybody_who_makes_a_key_at_once_gets_the_same(privacy: Privacy) -> None:
    """One row for each person, whoever came first."""
    whose = {(TENANT, subject(f"s-{number}").mark) for number in range(20)}
    found = await asyncio.gather(*(privacy.data_keys.held_or_made(privacy.pool, whose) for _ in range(8)))
    assert all(each == found[0] for each in found)
    assert await privacy.pool.fetchval("select count(*) from privacy.keys") == 20


async def test_a_hold_refuses_to_ask_and_to_approve_until_somebody_else_lifts_it(privacy: Privacy) -> None:
    """In a sentence with who, why and until when, and on record; another person's erasure goes on."""
    erasure = await privacy.ask(SOMEBODY)
    until = privacy.now + timedelta(days=30)
    hold = await privacy.holds.place(privacy.tokens["pia"], TENANT, SOMEBODY.mark, "court order", until, privacy.now)
    says = "'court order', placed by pia on 2026-03-02, until 2026-04-01 "
    with pytest.raises(Held, match=says):
        await privacy.approve(erasure)
    assert (await privacy.erasing.run(erasure)).done == {}
    await privacy.erase(OTHER)
    with pytest.raises(NotAllowed, match="who placed a hold does not lift it"):
        await privacy.holds.lift(privacy.tokens["pia"], hold.hold_id, "over", privacy.now)
    await privacy.holds.lift(privacy.tokens["paul"], hold.hold_id, "over", privacy.now)
    await privacy.approve(erasure)
    with pytest.raises(HoldRefused, match="is approved and under way; what is gone cannot be kept"):
        await privacy.holds.place(privacy.tokens["pia"], TENANT, SOMEBODY.mark, "late", None, privacy.now)
    assert (await privacy.erasing.run(erasure)).state == "done"
    told = [(e.action, e.outcome) for e in await privacy.of_privacy() if e.objects and e.tenant == TENANT]
    assert ("erasure.refused", "denied") in told
    assert told.count(("hold.placed", "done")) == told.count(("hold.lifted", "done")) == 1


async def test_a_hold_ends_by_itself_and_an_endless_one_does_not(privacy: Privacy) -> None:
    """And one that has ended already is refused."""
    place = privacy.holds.place
    with pytest.raises(HoldRefused, match="has passed already"):
        await place(privacy.tokens["pia"], TENANT, SOMEBODY.mark, "x", privacy.now, privacy.now)
    await place(privacy.tokens["pia"], TENANT, SOMEBODY.mark, "x", privacy.now + timedelta(minutes=5), privacy.now)
    await place(privacy.tokens["pia"], TENANT, OTHER.mark, "y", None, privacy.now)
    with pytest.raises(Held):
        await privacy.ask(SOMEBODY)
    privacy.later(minutes=5)
    await privacy.ask(SOMEBODY)
    with pytest.raises(Held, match="until it is lifted"):
        await privacy.ask(OTHER)
    assert [each.reason for each in await privacy.holds.listed(privacy.tokens["paul"], privacy.now)] == ["y"]


def ended(args: list[str]) -> int:
    """Return the exit code, however it ends."""
    try:
        return main(args)
    except SystemExit as error:
        return int(str(error.code))


async def test_the_commands_say_what_they_did(
    privacy: Privacy,
    postgres_dsn: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Hold, request, list, withdraw and keys, with the real clock; nobody's reference is in what they say."""
    privacy.now = datetime.now(UTC) - timedelta(minutes=5)  # each sign-in takes a step of the code
    people = {name: str(tmp_path / f"{name}.session") for name in ("rita", "rolf")}
    for name, path in people.items():
        write_token(Path(path), await privacy.person(name))
    file = tmp_path / "keys"
    monkeypatch.setenv("PROOFWATCH_POSTGRES_DSN", postgres_dsn)
    monkeypatch.setenv("PROOFWATCH_SUBJECT_TAG_SECRET", base64.b64encode(SECRET).decode())
    monkeypatch.setenv("PROOFWATCH_KEY_ENCRYPTION_KEYS_FILE", str(file))

    async def proofwatch(*args: str) -> tuple[int, str]:
        code = await asyncio.to_thread(ended, list(args))
        said = capsys.readouterr()
        assert SOMEBODY.subject_ref not in said.out + said.err
        return code, said.out + said.err

    rita, rolf, why = ("--as", people["rita"]), ("--as", people["rolf"]), ("--reason", "ticket 4711")
    assert (await proofwatch("keys", "begin", str(file)))[0] == 0
    code, said = await proofwatch("hold", "place", TENANT, SOMEBODY.subject_ref, *rita, *why)
    assert (code, "until somebody else lifts it" in said) == (0, True)
    hold = said.split()[1]
    code, said = await proofwatch("erase", "request", TENANT, SOMEBODY.subject_ref, *rolf, *why)
    assert (code, "Nothing was erased" in said, hold in said) == (1, True, True)
    assert hold in (await proofwatch("hold", "list", *rita))[1]
    assert (await proofwatch("hold", "lift", hold, *rita, *why))[0] == 1
    assert await proofwatch("hold", "lift", hold, *rolf, *why) == (0, f"hold {hold} is lifted\n")
    code, said = await proofwatch("erase", "request", TENANT, SOMEBODY.subject_ref, *rolf, *why)
    assert (code, "Somebody else of the role privacy approves it" in said) == (0, True)
    erasure = said.split()[1]
    assert "requested  0 of 7" in (await proofwatch("erase", "list", *rita))[1]
    assert (await proofwatch("keys", "begin", str(file)))[0] == 0
    code, said = await proofwatch("keys", "destroy", str(file), "--epoch", "1", *rita, *why)
    assert (code, "secrets are wrapped in epoch 1" in said) == (1, True)
    assert (await proofwatch("keys", "rewrap", str(file), *rita, *why))[0] == 0
    assert (await proofwatch("keys", "destroy", str(file), "--epoch", "1", *rita, *why))[0] == 0
    assert "2      yes" in (await proofwatch("keys", "list", str(file)))[1]
    assert (await proofwatch("erase", "withdraw", erasure, *rita, *why))[0] == 0
    assert erasure not in (await proofwatch("erase", "list", *rita))[1]
    assert erasure in (await proofwatch("erase", "list", "--all", "--json", *rita))[1]
    assert (await proofwatch("erase", "request", TENANT, "", *rita, *why))[0] == 2
    assert (await proofwatch("erase", "request", TENANT, SOMEBODY.subject_ref, *rita, "--reason", " "))[0] == 2
    file.unlink()
    code, said = await proofwatch("erase", "request", TENANT, SOMEBODY.subject_ref, *rita, *why)
    assert (code, "key-encryption" in said.lower() or "cannot be read" in said) == (2, True)


async def test_every_act_that_is_refused_is_on_record_as_denied(privacy: Privacy) -> None:
    """By whom, on what, why: the requester approves, the placer lifts, an analyst tries each, nobody has a session."""
    erasure = await privacy.ask(SOMEBODY)
    hold = await privacy.holds.place(privacy.tokens["pia"], TENANT, OTHER.mark, "court order", None, privacy.now)
    ada = await privacy.person("ada", Role.ADMIN)
    about = About(OTHER, frozenset())
    now, requests, holds = privacy.now, privacy.requests, privacy.holds
    acts: list[tuple[str, Callable[[str], Awaitable[object]]]] = [
        ("erasure.requested", lambda token: requests.request(token, about, "r", now)),
        ("erasure.previewed", lambda token: requests.previewing(token, TENANT, "r", now)),
        ("erasure.approved", lambda token: requests.approve(token, erasure, now)),
        ("erasure.withdrawn", lambda token: requests.withdraw(token, erasure, "r", now)),
        ("privacy.listed", lambda token: requests.listed(token, now, ended=False)),
        ("hold.placed", lambda token: holds.place(token, TENANT, SOMEBODY.mark, "r", None, now)),
        ("hold.lifted", lambda token: holds.lift(token, hold.hold_id, "r", now)),
        ("privacy.listed", lambda token: holds.listed(token, now)),
    ]
    denied = "select entry from audit.pending order by pending_id"

    for _, refused in acts:
        with pytest.raises(NotAllowed):
            await refused(ada)
        with pytest.raises(NoSession):
            await refused("nobody's")
    with pytest.raises(NotAllowed):
        await requests.approve(privacy.tokens["pia"], erasure, now)
    with pytest.raises(NotAllowed):
        await holds.lift(privacy.tokens["pia"], hold.hold_id, "r", now)

    entries = [entry_of(row[0]) for row in await privacy.pool.fetch(denied)]
    told = [
        (e.action, e.details["why"]) for e in entries if e.outcome == "denied" and not e.action.startswith("access.")
    ]
    each = [(what, why) for what, _ in acts for why in ("role_missing", "no_session")]
    assert told == [*each, ("erasure.approved", "own_proposal"), ("hold.lifted", "own_proposal")]
