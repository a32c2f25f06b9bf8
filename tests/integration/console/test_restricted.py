"""Pages of a case of somebody whose processing is restricted: who did what and when, and nothing of what they said."""

import re
from datetime import timedelta

from proofwatch.access.roles import Role
from tests.integration.console.house import Console
from tests.integration.console.test_approvals import proposed
from tests.integration.console.test_pages import seen

PLACE = """
insert into privacy.holds(hold_id, tenant, mark, reason, placed_by, placed_at, ground, tag)
select 'hold-1', tenant, subject_tag, 'ticket', 'pia', $2, 'accuracy', subject_tag from triage.cases
where case_id = $1"""
SAID = ("a seam at the neck", "mask", "a threat (", "a collar", "as in May", "t-1")


def says(text: str) -> list[str]:
    return [each for each in SAID if each in text]


async def test_pages_and_lists_have_nothing_of_what_was_found_or_written(console: Console) -> None:
    """Nor the page of approvals, of who proposed it, nor the history, nor that of a case that has changed."""
    await console.person("ada", Role.ANALYST)
    await console.person("carl", Role.CHECKER)
    case = await proposed(console, "ada")
    ada, carl = console.client("ada"), console.client("carl")
    given = {"reason": "a collar", "until": (console.now + timedelta(days=3)).isoformat()}
    await ada.post(f"/v1/cases/{case}/snooze", given, if_match=f'"{await seen(ada, case)}"')
    old = await seen(ada, case)
    before = (await ada.get(f"/cases/{case}")).text
    assert says(before) == [each for each in SAID if each != "as in May"]
    await console.pool.execute(PLACE, case, console.now)
    for who in (ada, carl):
        for where in (f"/cases/{case}", "/approvals", "/queue", f"/v1/cases/{case}", "/v1/cases?proposed=true"):
            answered = await who.get(where)
            assert (answered.status_code, where, says(answered.text)) == (200, where, [])
    page = re.sub(r"\s+", " ", (await ada.get(f"/cases/{case}")).text)
    assert "ada said what it is: not shown" in page
    assert "ada let it rest<" in page
    assert case in (await ada.get("/approvals")).text
    listed = (await ada.get("/v1/cases?proposed=true")).json()["cases"]
    assert [(each["proposal"]["proposed_by_name"], each["proposal"]["verdict"]) for each in listed] == [("ada", None)]
    await carl.post(f"/v1/cases/{case}/reject", {"reason": "a collar"}, if_match=f'"{await seen(carl, case)}"')
    await ada.post(f"/v1/cases/{case}/close", {"reason": "as in May"}, if_match=f'"{await seen(ada, case)}"')
    changed = await ada.form(f"/cases/{case}/close", reason="x", seen=old)
    for answered in (await carl.get(f"/cases/{case}"), await carl.get(f"/v1/cases/{case}"), changed):
        assert says(answered.text) == []
    assert "has changed" in changed.text


async def test_who_judges_a_whole_is_told_which_parts_are_left_out(console: Console) -> None:
    """Beside the parts and beside what they judge; of the part neither why it is one nor how many reasons it has."""
    await console.person("ada", Role.ANALYST)
    ada = console.client("ada")
    whole, part = await console.case(), await console.case()
    given = {"into": whole, "reason": "the May mask"}
    merged = await ada.post(f"/v1/cases/{part}/merge", given, if_match=f'"{await seen(ada, part)}"')
    assert merged.status_code == 200, merged.text
    await ada.post(f"/v1/cases/{whole}/take", if_match=f'"{await seen(ada, whole)}"')
    page = (await ada.get(f"/cases/{whole}")).text
    assert ("because a person put it here" in page, "left out" in page) == (True, False)
    await console.pool.execute(PLACE, part, console.now)
    page = (await ada.get(f"/cases/{whole}")).text
    assert "one person, escalated, restricted (GDPR Art. 18); why is not shown" in page
    assert page.count("1 of them is restricted (GDPR Art. 18) and left out") == 3, "parts, a threat, none"
    assert "because a person put it here" not in page
    told = (await ada.get(f"/v1/cases/{whole}")).json()
    assert [told["left_out"], *((each["restricted"], each["reasons"], each["why"]) for each in told["members"])] == [
        1,
        (True, None, None),
    ]
