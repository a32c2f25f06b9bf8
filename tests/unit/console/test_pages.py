"""Pages without a database: their addresses, their keys, and the words for what does not fit."""

from itertools import chain
from typing import Any, Final, get_args

import pytest
from fastapi.routing import APIRoute
from pydantic import BaseModel

from proofwatch.bus.local.bus import LocalBus
from proofwatch.runtime.clock import SystemClock
from proofwatch.web.problems import Problem
from services.console.application import Inside, application
from services.console.config import Settings
from services.console.pages import keys, words
from services.console.pages.explained import explained
from services.console.pages.forms import as_body
from services.console.restored import ErasuresKnown
from services.triage.api.bodies import Assigned, Deed, Found, Given
from services.triage.api.bulk_bodies import BulkDeed

UNPRINTED: Final = "the reason cannot have line breaks, tabs or other characters that are not printed"
ON_EVERY_PAGE: Final = {
    "j",
    "k",
    "n",
    "q",
    "/",
    "f",
    "?",
    "x",
    "X",
    "y",
    "z",
    "A",
    "G",
    "P",
    "V",
    "N",
    "L",
    "U",
    *keys.GO,
}


def routes() -> list[APIRoute]:
    nothing: Any = None
    clock = SystemClock()
    known = ErasuresKnown(LocalBus({}, clock), nothing)
    inside = Inside.of(Settings(), nothing, clock, nothing, nothing, known, None)
    return [each for each in flat(application(Settings(), inside).routes) if not each.include_in_schema]


def flat(given: Any) -> list[APIRoute]:
    """Return the routes of an application; those of routers that it mounts, too."""
    found = []
    for each in given:
        if isinstance(each, APIRoute):
            found.append(each)
        elif router := getattr(each, "original_router", None):
            found += flat(router.routes)
    return found


def test_whatever_is_sent_to_can_be_come_back_to() -> None:
    """A browser asks by GET for where a form was sent: each such address leads somewhere."""
    posted = {each.path for each in routes() if "POST" in (each.methods or ())}
    assert {"/cases/{case_id}/{deed}", "/next", "/sign-out", "/keys", "/sign-in"} <= posted
    assert posted <= {each.path for each in routes() if "GET" in (each.methods or ())}


def test_every_deed_has_a_form_and_a_key_of_its_own_which_is_listed() -> None:
    """Nothing is done by a pointer alone, and no key does two things."""
    assert set(get_args(Deed)) == set(words.FORMS) == set(keys.OF)
    assert len({*keys.OF.values()} | ON_EVERY_PAGE) == len(keys.OF) + len(ON_EVERY_PAGE)
    listed = [*chain.from_iterable(pressed.split() for pressed, _ in keys.LISTED)]
    assert sorted(listed) == sorted([*keys.OF.values(), *ON_EVERY_PAGE, "Enter"])
    assert set(words.FORMS) <= set(words.TOLD)
    assert set(words.FORMS) <= set(words.DEEDS)
    assert set(words.MANY) == set(get_args(BulkDeed))
    assert set(words.MANY) <= set(words.FORMS)


@pytest.mark.parametrize(
    ("kind", "given", "said", "field"),
    [
        (Given, {"reason": "x" * 2_001}, "the reason has at most 2,000 characters", "reason"),
        (Given, {"reason": " "}, "the reason must be given", "reason"),
        (Given, {"reason": "a\x00b"}, UNPRINTED, "reason"),
        (Found, {"reason": "x", "attack": "no"}, "the kind must be presentation, injection or impostor", "attack"),
        (Found, {"reason": "x", "species": "s" * 65}, "the species has at most 64 characters", "species"),
        (Assigned, {"to": ""}, "the account must be given", "to"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_said_in_words_and_of_which_field(
    kind: type[BaseModel], given: dict[str, str], said: str, field: str
) -> None:
    with pytest.raises(Problem) as refused:
        as_body(kind, **given)
    assert (str(refused.value), refused.value.members["field"]) == (said, field)


def test_the_letters_of_the_field_are_explained_and_text_stays_text() -> None:
    found = explained("attacks passed as bona fide (APCER) <b>of far</b>")
    assert '(<abbr title="attack presentation classification error rate:' in found
    assert ">APCER</abbr>) &lt;b&gt;of far&lt;/b&gt;" in found
