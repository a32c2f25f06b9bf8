"""A restriction of processing (GDPR Art. 18): kept and not used, lifted by two, permitted case by case. PostgreSQL."""

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import pytest

from proofwatch.access.errors import NoSession, NotAllowed
from proofwatch.access.roles import Role
from proofwatch.audit.entry import entry_of
from proofwatch.bus.postgres.tags import PostgresTags
from proofwatch.command_line.session_file import write_token
from proofwatch.events.identity import derived_id
from proofwatch.privacy.key_file import KeyFile
from proofwatch.privacy.postgres_keys import PostgresKeys
from proofwatch.privacy.restriction import Restriction, restricted
from services.privacy.adapters.holds import HoldRefused, PostgresHolds
from services.privacy.adapters.requests import ErasureRefused
from services.privacy.adapters.restrictions import PostgresRestrictions
from services.privacy.adapters.tagging import PostgresTagging
from services.privacy.core.erasure import Held, Hold, Subject
from tests.integration.privacy.house import SECRET, TENANT, Privacy, subject
from tests.integration.privacy.test_keys_and_holds import ended


def case_of(whom: Subject) -> str:
    """The case that they leave behind who lived."""
    return derived_id("case", f"tx-{whom.subject_ref}-1")


SOMEBODY, OTHER = subject(), subject("other-77aa")
CASE = case_of(SOMEBODY)


def restrictions(privacy: Privacy) -> PostgresRestrictions:
    return PostgresRestrictions(privacy.pool, PostgresTags(privacy.keys))


async def restrict(privacy: Privacy, mark: str = SOMEBODY.mark, by: str = "pia") -> Hold:
    holds = PostgresHolds(privacy.pool, tags=PostgresTags(privacy.keys))
    return await holds.place(privacy.tokens[by], TENANT, mark, "ticket 4711", None, privacy.now, "accuracy")


async def legal_hold(privacy: Privacy, mark: str) -> Hold:
    return await privacy.holds.place(privacy.tokens["pia"], TENANT, mark, "order", None, privacy.now)


async def in_force(privacy: Privacy, *whose: str) -> dict[str, Restriction]:
    async with privacy.pool.acquire() as connection:
        found = await restricted(connection, {(TENANT, each) for each in whose}, privacy.now)
    return {who: each for (_, who), each in found.items()}


async def test_it_restricts_one_person_until_somebody_else_lifts_it_who_says_when_they_told_them(
    privacy: Privacy,
) -> None:
    """Art. 18(3): the person is told first. What was lifted restricts nobody, and knows no tag any more."""
    hold = await restrict(privacy)
    assert await in_force(privacy, SOMEBODY.mark, OTHER.mark) == {SOMEBODY.mark: Restriction(hold.hold_id, frozenset())}
    with pytest.raises(HoldRefused, match="restricts the processing of this person's data already"):
        await restrict(privacy, by="paul")
    lift, today = privacy.holds.lift, privacy.now.date()
    with pytest.raises(NotAllowed, match="who placed a hold does not lift it"):
        await lift(privacy.tokens["pia"], hold.hold_id, "settled", privacy.now, today)
    with pytest.raises(HoldRefused, match=r"the person is told before it is lifted \(GDPR Art. 18\(3\)\)"):
        await lift(privacy.tokens["paul"], hold.hold_id, "settled", privacy.now)
    for wrong in (today + timedelta(days=1), today - timedelta(days=1)):
        with pytest.raises(HoldRefused, match=f"--informed {wrong} is not a day between"):
            await lift(privacy.tokens["paul"], hold.hold_id, "settled", privacy.now, wrong)
    assert await in_force(privacy, SOMEBODY.mark)
    await lift(privacy.tokens["paul"], hold.hold_id, "settled", privacy.now, today)
    assert await in_force(privacy, SOMEBODY.mark) == {}
    assert await privacy.pool.fetchval("select tag from privacy.holds") is None
    told = [(e.action, e.details) for e in await privacy.of_privacy() if e.outcome != "denied"]
    assert told == [
        ("hold.placed", {"ground": "accuracy"}),
        ("hold.lifted", {"ground": "accuracy", "informed_on": str(today)}),
    ]
    await restrict(privacy)


async def test_a_legal_hold_restricts_nothing_and_is_lifted_without_telling_anybody(privacy: Privacy) -> None:
    """It keeps; beside it the same person may be restricted, and each is lifted by itself."""
    hold = await privacy.holds.place(privacy.tokens["pia"], TENANT, SOMEBODY.mark, "order", None, privacy.now)
    assert await in_force(privacy, SOMEBODY.mark) == {}
    restriction = await restrict(privacy)
    with pytest.raises(HoldRefused, match="restricts nothing: it is lifted without --informed"):
        await privacy.holds.lift(privacy.tokens["paul"], hold.hold_id, "over", privacy.now, privacy.now.date())
    await privacy.holds.lift(privacy.tokens["paul"], hold.hold_id, "over", privacy.now)
    assert set(await in_force(privacy, SOMEBODY.mark)) == {SOMEBODY.mark}
    with pytest.raises(Held, match=r"a restriction of processing \(GDPR Art. 18\) keeps this person's data"):
        await privacy.ask(SOMEBODY)
    listed = await privacy.holds.listed(privacy.tokens["paul"], privacy.now)
    assert [(each.hold_id, each.ground) for each in listed] == [(restriction.hold_id, "accuracy")]


async def test_a_case_is_permitted_by_somebody_else_for_a_while_and_for_a_use_of_the_law(privacy: Privacy) -> None:
    """Art. 18(2); a legal hold permits nothing, and what has passed, is too long, or is one's own is refused."""
    await privacy.lived(SOMEBODY)
    hold, permit = await restrict(privacy), restrictions(privacy).permit
    until = privacy.now + timedelta(days=2)
    with pytest.raises(NotAllowed, match="who restricted the processing permits no use of it"):
        await permit(privacy.tokens["pia"], hold.hold_id, CASE, "legal_claims", "claim", until, privacy.now)
    for wrong in (privacy.now, privacy.now + timedelta(days=31)):
        with pytest.raises(HoldRefused, match="is not a time to come within 30 days"):
            await permit(privacy.tokens["paul"], hold.hold_id, CASE, "legal_claims", "claim", wrong, privacy.now)
    order = await privacy.holds.place(privacy.tokens["pia"], TENANT, OTHER.mark, "order", None, privacy.now)
    with pytest.raises(HoldRefused, match="in force that restricts processing"):
        await permit(privacy.tokens["paul"], order.hold_id, CASE, "legal_claims", "claim", until, privacy.now)
    await permit(privacy.tokens["paul"], hold.hold_id, CASE, "legal_claims", "claim", until, privacy.now)
    assert (await in_force(privacy, SOMEBODY.mark))[SOMEBODY.mark].permitted == {CASE}
    privacy.later(days=2)
    assert (await in_force(privacy, SOMEBODY.mark))[SOMEBODY.mark].permitted == frozenset()
    last = (await privacy.of_privacy())[-1]
    assert (last.action, last.details["use"], [each.id for each in last.objects]) == (
        "hold.use_permitted",
        "legal_claims",
        [hold.hold_id, CASE],
    )


async def test_a_case_that_is_not_of_the_person_is_not_permitted(privacy: Privacy) -> None:
    """One that does not exist, or of somebody else, here or at another tenant; a case that theirs is a part of is."""
    elsewhere, whole = subject("far-3d4e", "bank"), subject("whole-1b2c")
    for whom in (SOMEBODY, OTHER, elsewhere, whole):
        await privacy.lived(whom)
    hold, permit = await restrict(privacy), restrictions(privacy).permit
    until = privacy.now + timedelta(days=2)
    for case in (case_of(OTHER), case_of(elsewhere), case_of(whole), CASE[:8], CASE.upper()):
        with pytest.raises(HoldRefused, match="about the person of hold"):
            await permit(privacy.tokens["paul"], hold.hold_id, case, "consent", "r", until, privacy.now)
    assert await privacy.pool.fetchval("select count(*) from privacy.permitted_uses") == 0
    await privacy.pool.execute("update triage.cases set part_of = $1 where case_id = $2", case_of(whole), CASE)
    await permit(privacy.tokens["paul"], hold.hold_id, case_of(whole), "consent", "r", until, privacy.now)
    assert (await in_force(privacy, SOMEBODY.mark))[SOMEBODY.mark].permitted == {case_of(whole)}


async def test_what_is_permitted_is_listed_and_one_person_takes_it_back_at_once(privacy: Privacy) -> None:
    """Of that case alone, however often it was permitted; what is not permitted, or no longer, cannot be taken back."""
    whole = subject("whole-1b2c")
    for whom in (SOMEBODY, whole):
        await privacy.lived(whom)
    await privacy.pool.execute("update triage.cases set part_of = $1 where case_id = $2", case_of(whole), CASE)
    hold, at_work, now = await restrict(privacy), restrictions(privacy), privacy.now
    pia, paul, soon, late = privacy.tokens["pia"], privacy.tokens["paul"], now + timedelta(1), now + timedelta(2)
    await at_work.permit(paul, hold.hold_id, CASE, "consent", "r", late, now)
    await at_work.permit(paul, hold.hold_id, CASE, "legal_claims", "r", soon, now)
    await at_work.permit(paul, hold.hold_id, case_of(whole), "consent", "r", late, now)

    async def listed() -> list[tuple[str, str, datetime]]:
        (found,) = await privacy.holds.listed(pia, privacy.now)
        return sorted((each.case_id, each.use, each.until) for each in found.permitted)

    theirs = [(CASE, "consent", late), (CASE, "legal_claims", soon)]
    assert await listed() == sorted([*theirs, (case_of(whole), "consent", late)])
    await at_work.forbid(pia, hold.hold_id, CASE, "withdrawn", now)
    assert await listed() == [(case_of(whole), "consent", late)]
    assert (await in_force(privacy, SOMEBODY.mark))[SOMEBODY.mark].permitted == {case_of(whole)}
    last = (await privacy.of_privacy())[-1]
    assert (last.action, last.outcome, last.reason, last.tenant) == ("hold.use_forbidden", "done", "withdrawn", TENANT)
    assert ([each.id for each in last.objects], last.details) == ([hold.hold_id, CASE], {"use": "consent legal_claims"})

    privacy.later(days=2)
    pia = (await privacy.sign_in("pia"))[0]
    for wrong_hold, case, why in (
        (hold.hold_id, CASE, "no_such_use"),
        (hold.hold_id, case_of(whole), "no_such_use"),
        ("x", CASE, "no_such_hold"),
    ):
        with pytest.raises(HoldRefused) as refused:
            await at_work.forbid(pia, wrong_hold, case, "r", privacy.now)
        assert refused.value.why == why
    assert (await privacy.holds.listed(pia, privacy.now))[0].permitted == ()


async def test_the_database_itself_takes_no_restriction_that_ends_by_itself_or_tells_nobody(privacy: Privacy) -> None:
    """Whoever writes rows by hand is refused, too."""
    await restrict(privacy)
    for wrong in ("until = now()", "tag = null", "lifted_by = 'x', lifted_at = now(), lifted_reason = 'y', tag = null"):
        with pytest.raises(asyncpg.CheckViolationError):
            await privacy.pool.execute(f"update privacy.holds set {wrong}")  # noqa: S608 - of this test


async def test_tags_that_move_go_on_being_restricted(privacy: Privacy) -> None:
    """Tables know the person by another tag then; who is restricted afterwards is known by that at once."""
    await privacy.lived(SOMEBODY)
    await restrict(privacy)
    nobody = subject("never-seen")
    await restrict(privacy, nobody.mark)
    await PostgresTagging(privacy.pool, privacy.keys).move(privacy.tokens["paul"], "all are new", privacy.now)
    tag = await privacy.pool.fetchval("select subject_tag from imagery.flagged")
    assert tag != SOMEBODY.mark
    assert set(await in_force(privacy, tag, SOMEBODY.mark, nobody.mark)) == {tag, SOMEBODY.mark, nobody.mark}
    await restrict(privacy, OTHER.mark)
    tags = (await PostgresTags(privacy.keys).of(privacy.pool, {(TENANT, OTHER.mark)})).tags
    assert set(await in_force(privacy, *tags.values())) == set(tags.values())


async def test_every_refusal_is_on_record(privacy: Privacy) -> None:
    """An admin tries each, and somebody without a session."""
    hold = await restrict(privacy)
    ada = await privacy.person("ada", Role.ADMIN)
    now, at_work = privacy.now, restrictions(privacy)
    until = now + timedelta(days=1)
    acts: list[tuple[str, Callable[[str], Awaitable[object]]]] = [
        ("hold.previewed", lambda token: at_work.preview(token, TENANT, OTHER.mark, "r", now)),
        ("hold.placed", lambda token: privacy.holds.place(token, TENANT, OTHER.mark, "r", None, now, "unlawful")),
        ("hold.use_permitted", lambda token: at_work.permit(token, hold.hold_id, CASE, "consent", "r", until, now)),
        ("hold.use_forbidden", lambda token: at_work.forbid(token, hold.hold_id, CASE, "r", now)),
        ("hold.lifted", lambda token: privacy.holds.lift(token, hold.hold_id, "r", now, now.date())),
    ]
    for _, refused in acts:
        with pytest.raises(NotAllowed):
            await refused(ada)
        with pytest.raises(NoSession):
            await refused("nobody's")
    rows = await privacy.pool.fetch("select entry from audit.pending order by pending_id")
    entries = [entry_of(row[0]) for row in rows]
    told = [(e.action, e.details["why"]) for e in entries if e.outcome == "denied" and e.action.startswith("hold.")]
    assert told == [(what, why) for what, _ in acts for why in ("role_missing", "no_session")]


async def test_what_is_refused_for_what_it_asks_is_on_record_too_with_a_code(privacy: Privacy) -> None:
    """Place, permit and lift alike: who wanted it, on what, and why not; what was refused is not done."""
    await privacy.lived(SOMEBODY)
    hold, order = await restrict(privacy), await legal_hold(privacy, OTHER.mark)
    now, at_work, today = privacy.now, restrictions(privacy), privacy.now.date()
    soon, pia, paul = now + timedelta(days=1), privacy.tokens["pia"], privacy.tokens["paul"]
    place, lift, permit = privacy.holds.place, privacy.holds.lift, at_work.permit
    acts: list[tuple[str, str, Callable[[], Awaitable[object]]]] = [
        ("hold.placed", "until_has_passed", lambda: place(pia, TENANT, OTHER.mark, "r", now, now)),
        ("hold.placed", "restricted_already", lambda: restrict(privacy)),
        ("hold.use_permitted", "no_such_hold", lambda: permit(paul, "x", CASE, "consent", "r", soon, now)),
        ("hold.use_permitted", "no_such_hold", lambda: permit(paul, order.hold_id, CASE, "consent", "r", soon, now)),
        (
            "hold.use_permitted",
            "until_out_of_range",
            lambda: permit(paul, hold.hold_id, CASE, "consent", "r", now, now),
        ),
        ("hold.use_permitted", "no_such_case", lambda: permit(paul, hold.hold_id, "x", "consent", "r", soon, now)),
        ("hold.lifted", "no_such_hold", lambda: lift(paul, "x", "r", now)),
        ("hold.lifted", "not_informed", lambda: lift(paul, hold.hold_id, "r", now)),
        ("hold.lifted", "informed_out_of_range", lambda: lift(paul, hold.hold_id, "r", now, today + timedelta(days=1))),
        ("hold.lifted", "restricts_nothing", lambda: lift(paul, order.hold_id, "r", now, today)),
    ]
    for _, _, refused in acts:
        with pytest.raises(HoldRefused):
            await refused()
    denied = [each for each in await privacy.of_privacy() if each.outcome == "denied"]
    assert [(e.action, e.details["why"]) for e in denied] == [(what, why) for what, why, _ in acts]
    assert {e.actor.kind for e in denied} == {"person"}
    known = [each for each in denied if each.objects and each.objects[0].id == hold.hold_id]
    assert {each.tenant for each in known} == {TENANT}
    assert await privacy.pool.fetchval("select count(*) from privacy.holds where lifted_at is null") == 2


async def test_an_erasure_that_is_refused_for_what_it_asks_is_on_record_too(privacy: Privacy) -> None:
    """Asked for twice, approved or withdrawn when it is not waiting, or of no such id; and a hold comes too late."""
    erasure, now = await privacy.ask(OTHER), privacy.now
    requests, pia, paul = privacy.requests, privacy.tokens["pia"], privacy.tokens["paul"]
    with pytest.raises(ErasureRefused):
        await privacy.ask(OTHER)
    await privacy.approve(erasure)
    with pytest.raises(ErasureRefused):
        await privacy.approve(erasure)
    for refused in (requests.withdraw(pia, erasure, "r", now), requests.withdraw(pia, "x", "r", now)):
        with pytest.raises(ErasureRefused):
            await refused
    with pytest.raises(ErasureRefused):
        await requests.approve(paul, "x", now)
    with pytest.raises(HoldRefused):
        await legal_hold(privacy, OTHER.mark)
    told = [(e.action, e.details["why"], e.tenant) for e in await privacy.of_privacy() if e.outcome == "denied"]
    assert told == [
        ("erasure.requested", "asked_for_already", TENANT),
        ("erasure.approved", "erasure_not_waiting", TENANT),
        ("erasure.withdrawn", "erasure_not_waiting", TENANT),
        ("erasure.withdrawn", "no_such_erasure", None),
        ("erasure.approved", "no_such_erasure", None),
        ("hold.placed", "erasure_under_way", TENANT),
    ]


async def test_the_commands_say_what_they_did(
    privacy: Privacy,
    postgres_dsn: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Dry run, restrict, list, permit, lift, with the real clock; nobody's reference is in what they say."""
    privacy.now = datetime.now(UTC) - timedelta(minutes=5)  # each sign-in takes a step of the code
    people = {name: str(tmp_path / f"{name}.session") for name in ("rita", "rolf")}
    for name, path in people.items():
        write_token(Path(path), await privacy.person(name))
    await privacy.lived(SOMEBODY)
    KeyFile(tmp_path / "keys").begin()
    monkeypatch.setenv("PROOFWATCH_POSTGRES_DSN", postgres_dsn)
    monkeypatch.setenv("PROOFWATCH_SUBJECT_TAG_SECRET", base64.b64encode(SECRET).decode())
    monkeypatch.setenv("PROOFWATCH_KEY_ENCRYPTION_KEYS_FILE", str(tmp_path / "keys"))

    async def proofwatch(*args: str) -> tuple[int, str]:
        code = await asyncio.to_thread(ended, list(args))
        said = capsys.readouterr()
        assert SOMEBODY.subject_ref not in said.out + said.err
        return code, said.out + said.err

    rita, rolf, why = ("--as", people["rita"]), ("--as", people["rolf"]), ("--reason", "ticket 4711")
    place = ("hold", "restrict", TENANT, SOMEBODY.subject_ref, "--ground", "objection")
    code, said = await proofwatch(*place, "--dry-run", *rita, *why)
    assert (code, "about 1 transactions" in said, "imagery of 1" in said) == (0, True, True)
    unknown = (*place[:3], "x", *place[4:])
    assert "is the reference" in (await proofwatch(*unknown, "--dry-run", *rita, *why))[1]
    assert await privacy.pool.fetchval("select count(*) from privacy.holds") == 0
    code, said = await proofwatch(*place, *rita, *why)
    assert (code, "keeps this person's data, and closes it" in said) == (0, True)
    hold = said.split()[1]
    assert "objection" in (await proofwatch("hold", "list", *rolf))[1]
    until = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    permit = ("hold", "permit", hold, "--case", CASE, "--use", "legal_claims", "--until", until)
    assert (await proofwatch(*permit, *rita, *why))[0] == 1
    code, said = await proofwatch(*permit, *rolf, *why)
    assert (code, f"case {CASE} may be worked on until" in said) == (0, True)
    said = (await proofwatch("hold", "list", *rita))[1]
    assert f"{CASE}  legal_claims  {until[:10]}" in said
    (told,) = json.loads((await proofwatch("hold", "list", "--json", *rita))[1])
    assert [(each["case_id"], each["use"]) for each in told["permitted"]] == [(CASE, "legal_claims")]
    forbid = ("hold", "forbid", hold, "--case", CASE, *rita, *why)
    assert await proofwatch(*forbid) == (0, f"case {CASE} may be worked on no more\n")
    assert CASE not in (await proofwatch("hold", "list", *rita))[1]
    code, said = await proofwatch(*forbid)
    assert (code, "permits nothing of a case" in said) == (1, True)
    code, said = await proofwatch("hold", "lift", hold, *rolf, *why)
    assert (code, "--informed" in said) == (1, True)
    assert (await proofwatch("hold", "lift", hold, "--informed", "yesterday", *rolf, *why))[0] == 2
    code, said = await proofwatch("hold", "lift", hold, "--informed", str(datetime.now(UTC).date()), *rolf, *why)
    assert (code, said) == (0, f"hold {hold} is lifted\n")


async def test_who_holds_what_is_of_nobody_that_is_known_is_told_so_as_who_asks_for_an_erasure_is(
    privacy: Privacy,
    postgres_dsn: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A slip in the reference or the tenant keeps and closes nobody, unnoticed; who is known is no slip."""
    privacy.now = datetime.now(UTC) - timedelta(minutes=5)
    session = str(tmp_path / "rita.session")
    write_token(Path(session), await privacy.person("rita"))
    keys = KeyFile(tmp_path / "keys")
    keys.begin()
    monkeypatch.setenv("PROOFWATCH_POSTGRES_DSN", postgres_dsn)
    monkeypatch.setenv("PROOFWATCH_SUBJECT_TAG_SECRET", base64.b64encode(SECRET).decode())
    monkeypatch.setenv("PROOFWATCH_KEY_ENCRYPTION_KEYS_FILE", str(tmp_path / "keys"))
    await PostgresKeys(keys).held_or_made(privacy.pool, {(TENANT, SOMEBODY.mark)})

    async def said(command: tuple[str, ...], tenant: str, ref: str, *options: str) -> str:
        args = [*command, tenant, ref, *options, "--as", session, "--reason", "r"]
        assert await asyncio.to_thread(ended, args) == 0
        told = capsys.readouterr()
        return told.out + told.err

    place, restrict_ = ("hold", "place"), ("hold", "restrict")
    for command, options in ((place, ()), (restrict_, ("--ground", "unlawful"))):
        assert "No table has data" not in await said(command, TENANT, SOMEBODY.subject_ref, *options)
        slip = await said(command, TENANT, SOMEBODY.subject_ref[:-1], *options)
        assert "No table has data of this person in the tenant acme" in slip
        assert "is the reference, and its tenant, as they were sent?" in slip
        assert "anybody of the tenant acmex" in await said(command, "acmex", SOMEBODY.subject_ref, *options)
    dry = ("--ground", "unlawful", "--dry-run")
    assert "anybody of the tenant acmey" in await said(restrict_, "acmey", SOMEBODY.subject_ref, *dry)
