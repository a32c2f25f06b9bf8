"""Pages as they are sent: what was refused is told beside its field, lists are in the order of `n`, and say it."""

import re
from typing import Final

import httpx
import pytest

from proofwatch.access.roles import Role
from services.console.pages.lists import PAGE
from tests.integration.console.house import Client, Console

_ROWS: Final = re.compile(r'<tr id="case-([^"]+)">')
_REFUSED: Final = 'id="refused"'


async def seen(client: Client, case: str) -> str:
    return str((await client.get(f"/v1/cases/{case}")).json()["version"])


def field(page: str, deed: str, name: str) -> str:
    """Return the tag of a field of a deed's form."""
    form = page.split(f'/{deed}">', 1)[1].split("</form>", 1)[0]
    found = re.search(rf'<(?:input|select)[^>]*name="{name}"[^>]*>', form)
    assert found, (deed, name)
    return found[0]


async def taken(console: Console) -> tuple[Client, str]:
    await console.person("ada", Role.ANALYST, Role.CHECKER)
    case, ada = await console.case(), console.client("ada")
    await ada.post(f"/v1/cases/{case}/take", if_match=f'"{await seen(ada, case)}"')
    return ada, case


@pytest.mark.parametrize(
    ("deed", "given", "name", "kept"),
    [
        ("close", {"reason": "  "}, "reason", ""),
        ("clear", {"reason": "a\x07b"}, "reason", None),
        ("refer", {"reason": "x" * 2_001}, "reason", "x" * 2_001),
        ("threat", {"reason": "a seam", "attack": "impostor", "species": "mask"}, "species", "mask"),
        ("threat", {"reason": "a seam", "attack": "presentation", "species": "s" * 65}, "species", "s" * 65),
        ("snooze", {"reason": "a seam", "hours": "0"}, "hours", None),
        ("assign", {"to": "nobody-of-that-name"}, "to", "nobody-of-that-name"),
    ],
)
async def test_what_was_refused_is_told_beside_its_field(
    console: Console, deed: str, given: dict[str, str], name: str, kept: str | None
) -> None:
    """The focus is there, what was typed still is, and nothing of it stands at the top of the page."""
    ada, case = await taken(console)
    answer = await ada.form(f"/cases/{case}/{deed}", seen=await seen(ada, case), **given)
    assert answer.status_code in (409, 422), answer.text
    tag = field(answer.text, deed, name)
    assert 'aria-describedby="refused"' in tag
    assert "autofocus" in tag
    assert answer.text.count("autofocus") == answer.text.count(_REFUSED) == 1
    assert answer.text.index(tag) < answer.text.index(_REFUSED)
    if kept is not None and name != "attack":
        assert f'value="{kept}"' in tag
    if given.get("reason", "").startswith("a seam"):
        assert 'value="a seam"' in field(answer.text, deed, "reason")
    if given.get("attack") == "impostor":
        assert '<option value="impostor" selected>' in answer.text


async def test_who_is_not_signed_in_is_told_beside_the_password_and_keeps_the_name(console: Console) -> None:
    """In the words of every refusal."""
    stranger = console.client()
    asked = (await stranger.get("/sign-in")).text
    assert re.search(r'<input name="name"[^>]* autofocus>', asked)
    answer = await stranger.form("/sign-in", name="ada", password="wrong", code="123456")
    assert answer.status_code == 401
    assert re.search(r'<input name="name"[^>]* value="ada">', answer.text)
    assert re.search(r'<input name="password"[^>]*aria-describedby="refused"[^>]* autofocus>', answer.text)
    assert answer.text.count("autofocus") == answer.text.count(_REFUSED) == 1


async def test_what_can_no_longer_be_done_is_told_at_the_top_with_what_was_written(console: Console) -> None:
    """Where its form is gone: the focus is on why."""
    _, case = await taken(console)
    await console.person("bob", Role.ANALYST)
    bob = console.client("bob")
    answer = await bob.form(f"/cases/{case}/close", seen=await seen(bob, case), reason="known since May")
    assert answer.status_code == 409
    assert re.search(r'<p class="refused"[^>]*id="refused" tabindex="-1" autofocus>', answer.text)
    assert '<blockquote id="your-text">known since May</blockquote>' in answer.text


async def test_who_asks_by_get_for_where_a_form_was_sent_is_led_to_the_case(console: Console) -> None:
    """Whatever the deed is called: a browser that goes back asks so."""
    ada, case = await taken(console)
    for path, where in (
        (f"/cases/{case}/close", f"/cases/{case}"),
        (f"/cases/{case}/no-such-deed", f"/cases/{case}"),
        ("/next", "/queue"),
        ("/sign-out", "/"),
        ("/keys", "/"),
    ):
        answer = await ada.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, where)
    assert (await console.client().get(f"/cases/{case}/close")).headers["location"].startswith("/sign-in")


async def test_the_list_and_the_next_case_have_one_order_which_is_said(console: Console) -> None:
    """Grave first, then overdue, then oldest; what rests is last and is given to nobody."""
    await console.person("ada", Role.ANALYST)
    ada = console.client("ada")
    rows = {}
    for name, severity, age_h, due_h, rests_h in (
        ("old", "medium", 9, 0.1, 0),
        ("overdue", "medium", 4, -1, 0),
        ("overdue before", "low", 5, -2, 0),
        ("grave", "high", 1, 9, 0),
        ("grave and overdue", "high", 0.5, -3, 0),
        ("rests", "high", 40, -5, 2),
        ("young", "medium", 0, None, 0),
    ):
        rows[name] = case = await console.case(severity=severity)
        await console.pool.execute(
            """update triage.cases set opened_at = $2::timestamptz - $3::float8 * interval '1 hour',
               due_at = $2::timestamptz + $4::float8 * interval '1 hour',
               snoozed_until = $2::timestamptz + nullif($5::float8, 0) * interval '1 hour' where case_id = $1""",
            case, console.now, age_h, due_h, rests_h,
        )  # fmt: skip
    order = ["grave and overdue", "grave", "overdue before", "overdue", "old", "young", "rests"]
    page = (await ada.get("/queue")).text
    assert _ROWS.findall(page) == [rows[each] for each in order]
    assert "Grave first, then overdue, then oldest" in page
    for text in ("overdue by 3 h 0 min", "due in 9 h 0 min", "rests for 2 h 0 min", "no due time"):
        assert text in page
    listed: list[dict[str, str]] = []
    cursor = ""
    while cursor is not None:
        found = (await ada.get(f"/v1/cases?limit=2&cursor={cursor}")).json()
        listed, cursor = [*listed, *found["cases"]], found["next"]
        console.later(minutes=4)  # what becomes overdue meanwhile moves nothing of a list that is being read
    assert [each["case_id"] for each in listed] == [rows[each] for each in order]
    given = [(await ada.post("/v1/cases/next")).json() for _ in range(3)]
    now = ["grave and overdue", "grave", "old"]  # its time was over while the list was read
    assert [each["case"]["case_id"] for each in given] == [rows[each] for each in now]
    assert [each["because"] for each in given] == ["grave", "grave", "overdue"], given


async def test_who_takes_the_next_is_told_how_many_they_hold_and_of_what_limit(console: Console) -> None:
    """On every page with that button; who has enough is led to what they hold."""
    await console.person("ada", Role.ANALYST)
    ada = console.client("ada")
    for _ in range(4):
        await console.case()
    for held in (1, 2, 3):
        given = await ada.form("/next", taken="yes")
        assert given.status_code == 303, given.text
        case = given.headers["location"].partition("?")[0]
        for path in (case, "/", "/queue"):
            assert f"You hold {held} of at most 3" in (await ada.get(path)).text
    assert "close or release one first" in (await ada.get(case)).text
    enough = await ada.form("/next", taken="yes")
    assert enough.status_code == 303, enough.text
    assert enough.headers["location"] == "/queue?show=mine&told=enough"
    assert "You were given none" in (await ada.get(enough.headers["location"])).text


async def test_the_queue_comes_in_pages_of_a_size_to_be_read(console: Console) -> None:
    """Every case once, with the way on and back to the first."""
    await console.person("ada", Role.ANALYST)
    ada = console.client("ada")
    made = {await console.case() for _ in range(PAGE + 3)}
    first = (await ada.get("/queue")).text
    further = re.search(r'href="(/queue\?show=waiting&amp;[^"]*cursor=[^"]+)" rel="next"', first)
    assert further
    second = (await ada.get(further[1].replace("&amp;", "&"))).text
    rows = _ROWS.findall(first), _ROWS.findall(second)
    assert [len(each) for each in rows] == [PAGE, 3]
    assert {*rows[0], *rows[1]} == made
    assert 'rel="next"' not in second
    assert "To the first of them" in second


async def test_what_goes_wrong_is_a_sentence_within_the_frame(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the way to other pages, without codes, numbers and the words of a validator; nothing of what was sent."""
    ada, case = await taken(console)
    pages = {
        "/queue?show=xyz": "The list must be waiting, mine, closed or all",
        "/queue?cursor=xyz": "The cursor is not one of ours",
        "/queue?cursor=" + "x" * 600: "has at most 512 characters",
        "/cases/no-such": "There is no such case for you",
        "/no-such-page": "There is no such page",
        "/cases/x/y/z": "There is no such page",
    }
    for path, said in pages.items():
        in_frame(await ada.get(path), said)
    in_frame(await ada.form(f"/cases/{case}/close", seen="x", reason="x" * 20_000), "larger than any")

    async def broken(*_: object, **__: object) -> None:
        raise ValueError("a secret")

    monkeypatch.setattr("services.triage.adapters.desk.PostgresDesk.listed", broken)
    in_frame(await ada.get("/queue"), "The console failed")
    assert "data-key=" not in (await console.client().get("/no-such-page")).text, "a stranger has nowhere to go"


def in_frame(answer: httpx.Response, said: str) -> None:
    assert answer.headers["content-type"].startswith("text/html"), answer.text
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert said in answer.text
    assert all(each in answer.text for each in ('<nav aria-label="Pages">', 'data-key="n"', 'data-key="q"'))
    for raw in (
        str(answer.status_code),
        "malformed",
        "no_such",
        "bad_cursor",
        "query.",
        "Input should",
        "xyz",
        "secret",
    ):
        assert raw not in answer.text, raw


async def test_every_page_of_who_is_signed_in_has_the_next_case_and_words_for_people(console: Console) -> None:
    """That of a conflict, too; no page names a setting of the operator's."""
    ada, case = await taken(console)
    conflict = await ada.form(f"/cases/{case}/close", seen="1.0", reason="x")
    assert conflict.status_code == 412
    for page in (conflict, *[await ada.get(each) for each in ("/", "/queue", f"/cases/{case}")]):
        assert 'data-key="n"' in page.text
        assert "PROOFWATCH_" not in page.text
        assert f'data-place="/cases/{case}"' in page.text or page.url.path in ("/", "/queue")


async def test_nothing_is_answered_under_another_name(console: Console) -> None:
    """Who leads a name of their own to this machine gets nothing of it; ports and letters' size do not matter."""
    await console.person("ada", Role.ANALYST)
    ada = console.client("ada")
    for path in ("/", "/queue", "/v1/cases", "/openapi.json", "/sign-in"):
        for name in ("evil.example", f"evil.example:{console.port}", "localhost.evil.example", "evil@localhost:x", ""):
            answer = await ada.get(path, host=name)
            assert (answer.status_code, answer.headers["cache-control"]) == (421, "no-store"), (path, name)
            assert "case" not in answer.text
        for name in ("localhost", f"LOCALHOST:{console.port}", "127.0.0.1:1", "[::1]:8091"):
            assert (await ada.get(path, host=name)).status_code == 200, (path, name)
