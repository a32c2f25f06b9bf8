"""Notes: sealed, linted, in the history; gone with the subject; an entry that has nothing of what they say."""

import re

import pytest

from proofwatch.access.roles import Role
from tests.integration.console.house import Console
from tests.integration.console.test_api import problem

TEXT = "the seam at the neck is the one of May"


async def test_a_note_is_read_by_who_sees_the_case_and_by_nobody_else(console: Console) -> None:
    """In the database and in the audit log is nothing of what it says."""
    await console.person("ada", Role.ANALYST)
    await console.person("carl", Role.CHECKER)
    await console.person("eve", Role.CHECKER, tenants=("other",))
    case, ada = await console.case(), console.client("ada")
    before = (await ada.get(f"/v1/cases/{case}")).json()["version"]
    noted = await ada.post(f"/v1/cases/{case}/notes", {"text": TEXT})
    assert noted.status_code == 200, noted.text
    seen = (await console.client("carl").get(f"/v1/cases/{case}")).json()
    assert [(each["text"], each["name"]) for each in seen["notes"]] == [(TEXT, "ada")]
    assert seen["version"] != before
    assert problem(await console.client("eve").post(f"/v1/cases/{case}/notes", {"text": "x"})) == (404, "no_such_case")
    assert "seam" not in await console.triage.everything()
    entries = await console.of_cases()
    assert [(each.action, each.outcome, each.objects[0].id) for each in entries] == [("case.noted", "done", case)]
    assert all("seam" not in str(each) for each in await console.entries())
    page = (await ada.get(f"/cases/{case}")).text
    assert page.count(TEXT) == 2, "among the notes, and in the history"


async def test_what_is_sent_twice_is_noted_once(console: Console) -> None:
    """By the key of the API, and by that of a form."""
    await console.person("ada", Role.ANALYST)
    case, ada = await console.case(), console.client("ada")
    for _ in range(2):
        done = await ada.post(f"/v1/cases/{case}/notes", {"text": TEXT}, idempotency_key="k1")
        assert done.status_code == 200
    page = (await ada.get(f"/cases/{case}")).text
    form = page.split(f'action="/cases/{case}/note">')[1].split("</form>")[0]
    [key] = re.findall(r'name="key" value="([^"]+)"', form)
    for _ in range(2):
        sent = await ada.form(f"/cases/{case}/note", text="another light", key=key)
        assert sent.headers["location"] == f"/cases/{case}?told=note"
    notes = (await ada.get(f"/v1/cases/{case}")).json()["notes"]
    assert [each["text"] for each in notes] == [TEXT, "another light"]


@pytest.mark.parametrize(
    "text", ["ask a.rao@example.org", "called +91 98765 43210", "name: somebody", "  ", "x" * 2_001]
)
async def test_what_says_who_somebody_is_is_refused_with_what_and_where(console: Console, text: str) -> None:
    """What was written is still there; nothing is kept."""
    await console.person("ada", Role.ANALYST)
    case, ada = await console.case(), console.client("ada")
    refused = await ada.post(f"/v1/cases/{case}/notes", {"text": text})
    assert refused.status_code == 422
    page = await ada.form(f"/cases/{case}/note", text=text, key="k1")
    assert page.status_code == 422
    tag = re.search(r'<input id="note-text"[^>]*>', page.text)
    assert tag
    assert 'aria-describedby="refused"' in tag[0]
    assert f'value="{text.strip()}"' in tag[0]
    if "@" in text:
        assert "Characters 5 to 21 look like a mail address" in page.text
        assert refused.json()["code"] == "personal_data"
    assert await console.pool.fetchval("select count(*) from triage.notes") == 0
    assert await console.of_cases() == []


async def test_notes_go_with_the_subject_and_what_was_copied_is_unreadable(console: Console) -> None:
    """The key of the case's notes is gone, so that a copy of the rows opens for nobody."""
    await console.person("ada", Role.ANALYST)
    case, other, ada = await console.case(), await console.case(), console.client("ada")
    for each in (case, other):
        await ada.post(f"/v1/cases/{each}/notes", {"text": TEXT})
    copied = await console.pool.fetchrow("select * from triage.notes where case_id = $1", case)
    tag = await console.pool.fetchval("select subject_tag from triage.cases where case_id = $1", case)
    await console.pool.execute("select triage.forget('acme', array[$1], now())", tag)
    assert await console.pool.fetchval("select count(*) from triage.notes") == 1
    assert await console.pool.fetchval("select count(*) from privacy.keys") == 1
    columns = "note_id, case_id, person_id, at, key_id, nonce, ciphertext"
    again = f"insert into triage.notes({columns}) values($1, $2, $3, $4, $5, $6, $7)"
    await console.pool.execute(again, *(copied[name] for name in columns.split(", ")))
    gone = (await ada.get(f"/v1/cases/{case}")).json()["notes"]
    assert [each["text"] for each in gone] == [None]
    assert [each["text"] for each in (await ada.get(f"/v1/cases/{other}")).json()["notes"]] == [TEXT]
    page = (await ada.get(f"/cases/{case}")).text
    assert "cannot be read" in page
    assert problem(await ada.post(f"/v1/cases/{case}/notes", {"text": TEXT})) == (409, "is_final")
    assert [each.outcome for each in await console.of_cases() if each.action == "case.noted"] == ["done"] * 2 + [
        "denied"
    ]


async def test_notes_of_a_part_are_shown_with_its_whole_and_stay_its_own(console: Console) -> None:
    await console.person("ada", Role.ANALYST)
    whole, part, ada = await console.case(), await console.case(), console.client("ada")
    await ada.post(f"/v1/cases/{part}/notes", {"text": TEXT})
    tag = (await ada.get(f"/v1/cases/{part}")).headers["etag"]
    await ada.post(f"/v1/cases/{part}/merge", {"into": whole, "reason": "the same mask"}, if_match=tag)
    assert [each["case_id"] for each in (await ada.get(f"/v1/cases/{whole}")).json()["notes"]] == [part]


async def test_without_the_keys_nothing_is_noted_and_no_page_offers_it(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    await console.person("ada", Role.ANALYST)
    case, ada = await console.case(), console.client("ada")
    await ada.post(f"/v1/cases/{case}/notes", {"text": TEXT})
    await console.end()
    console.settings = console.settings.model_copy(update={"key_encryption_keys": None})
    await console.begin()
    assert problem(await ada.post(f"/v1/cases/{case}/notes", {"text": TEXT})) == (503, "unavailable")
    page = (await ada.get(f"/cases/{case}")).text
    assert "/note" not in page
    assert "cannot be read" in page


async def test_while_processing_is_restricted_notes_are_neither_shown_nor_taken(console: Console) -> None:
    """GDPR Art. 18: what was noted is kept, sealed."""
    await console.person("ada", Role.ANALYST)
    case, ada = await console.case(), console.client("ada")
    assert (await ada.post(f"/v1/cases/{case}/notes", {"text": TEXT})).status_code == 200
    await console.pool.execute(
        "insert into privacy.holds(hold_id, tenant, mark, reason, placed_by, placed_at, ground, tag) "
        "select 'h', tenant, subject_tag, 'r', 'pia', now(), 'accuracy', subject_tag from triage.cases"
    )
    seen = (await ada.get(f"/v1/cases/{case}")).json()
    assert (seen["restricted"], seen["notes"], seen["why"]) == (True, [], [])
    assert TEXT not in (await ada.get(f"/cases/{case}")).text
    refused = problem(await ada.post(f"/v1/cases/{case}/notes", {"text": "another"}))
    assert refused == (409, "processing_restricted")
    await console.pool.execute("delete from privacy.holds")
    assert [each["text"] for each in (await ada.get(f"/v1/cases/{case}")).json()["notes"]] == [TEXT]
