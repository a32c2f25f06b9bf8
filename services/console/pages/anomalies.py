"""The page of what fires and what fired: each incident with since when, how sure, how many people and what next."""

from datetime import date, timedelta
from typing import Annotated, Any, Final, get_args
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import msgspec
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from proofwatch.events.enumerations import AnomalyRule
from proofwatch.web.problems import Problem
from proofwatch.web.sessions import Caller
from services.aggregator.api.anomalies import Sought, ToldAnomalies
from services.aggregator.api.anomaly_bodies import Anomalies, Anomaly, Evidence, State
from services.aggregator.api.bodies import TENANT
from services.aggregator.api.figures import Figures
from services.console.pages import words
from services.console.pages.frame import Frame
from services.console.who import Callers
from services.triage.api.cases import Cases

ROWS: Final = 20
_Chosen = tuple[State, Evidence, AnomalyRule | None]
STATES: Final[dict[State, str]] = {"firing": "fires", "ended": "ended", "any": "either"}
EVIDENCE: Final[dict[Evidence, str]] = {"strong": "not by chance", "weak": "may be chance", "any": "either"}
KINDS: Final[tuple[AnomalyRule, ...]] = get_args(AnomalyRule)
_FIVE_MINUTES, _SHORTEST_DAY = timedelta(minutes=5), timedelta(hours=23)
MARKS: Final = {"critical": "high", "high": "medium", "low": ""}


def anomaly_pages(
    frame: Frame, figures: Figures, anomalies: ToldAnomalies, cases: Cases, callers: Callers
) -> APIRouter:
    """Return the routes."""
    router = APIRouter(include_in_schema=False)
    who = Annotated[Caller, Depends(callers.caller)]

    @router.get("/anomalies")
    async def listed(
        request: Request,
        caller: who,
        tenant: str = "",
        state: str = "firing",
        evidence: str = "strong",
        kind: str = "",
        since: str = "",
        cursor: str = "",
    ) -> Response:
        tenants = (await figures.tenants(caller)).tenants
        firing = {each.tenant: each for each in await anomalies.firing(caller)}
        of = tenant or next(iter(firing), tenants[0] if tenants else "")
        asked = {"tenant": of, "state": state, "evidence": evidence, "kind": kind, "since": since}
        content: dict[str, Any] = {
            "tenants": sorted({*tenants, *firing}), "firing": firing, **asked, "until": "", "found": None, "cases": {},
            "states": STATES, "evidences": EVIDENCE, "kinds": KINDS, "marks": MARKS, "links": links,
        }  # fmt: skip
        if not of:
            return frame.page(request, caller, "anomalies.html", **content)
        try:
            found = await anomalies.page(caller, _sought(of, state, evidence, kind, since), ROWS, cursor)
        except Problem as problem:
            if problem.status != 422:
                raise
            told = words.sentence(f"{problem}.")
            return frame.page(request, caller, "anomalies.html", 422, **{**content, "refused": told})
        content["found"] = found
        content["more"] = urlencode({**asked, "cursor": found.next}) if found.next else ""
        content["cases"] = await cases.of_incidents(caller, [each.incident_id for each in found.anomalies])
        return frame.page(request, caller, "anomalies.html", **content)

    return router


def links(found: Anomalies, each: Anomaly) -> dict[str, str]:
    """Return where what was counted stands: rates of its days, and its windows; only one attribute can be asked for."""
    first, last = (at.astimezone(ZoneInfo(found.zone)).date() for at in (each.window_start, each.window_end))
    query = {"tenant": each.tenant, "since": first.isoformat(), "until": last.isoformat()}
    if len(each.root) == 1:
        query["segment"] = f"{each.root[0].segment_name}={each.root[0].segment_value}"
    windows = {**query, "since": each.window_start.isoformat(), "until": each.window_end.isoformat()}
    lasts = each.window_end - each.window_start
    length = "1m" if lasts < _FIVE_MINUTES else "5m" if lasts < _SHORTEST_DAY else "1d"
    return {"rates": urlencode(query), "windows": urlencode({**windows, "length": length})}


def _sought(tenant: str, state: str, evidence: str, kind: str, since: str) -> Sought:
    if not TENANT.fullmatch(tenant):
        raise Problem(422, "malformed", "tenant: there is no such name; choose one of the list")
    try:
        chosen = msgspec.convert((state, evidence, kind or None), _Chosen)
    except msgspec.ValidationError:
        raise Problem(422, "malformed", "choose of the lists what is to be shown") from None
    in_state, sure, by = chosen
    return Sought(tenant, in_state, sure, by, _day(since) if since else None)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Problem(422, "malformed", f"from: {text!r} is no day; right is 2026-01-15") from None
