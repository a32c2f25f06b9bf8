"""The pages and where they are; each asks the same functions as the API."""

from typing import TYPE_CHECKING

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from proofwatch.runtime.clock import Clock
from proofwatch.web.problems import Problem
from services.aggregator.api.anomalies import ToldAnomalies
from services.aggregator.api.figures import Figures
from services.auditor.api.log import AuditLog
from services.console.config import Settings
from services.console.pages.anomalies import anomaly_pages
from services.console.pages.audit import audit_pages
from services.console.pages.bulk import bulk_pages
from services.console.pages.coming import coming_pages
from services.console.pages.drafting import Drafting
from services.console.pages.entering import entering_pages
from services.console.pages.figures import figure_pages
from services.console.pages.frame import Frame
from services.console.pages.handsets import handset_pages
from services.console.pages.health import health_pages
from services.console.pages.leaving import leaving_pages
from services.console.pages.lists import list_pages
from services.console.pages.merging import Merging
from services.console.pages.notes import note_pages
from services.console.pages.patterns import PatternPages
from services.console.pages.policies import policy_pages
from services.console.pages.rereviews import rereview_pages
from services.console.pages.segments import segment_pages
from services.console.pages.thresholds import threshold_pages
from services.console.pages.windows import window_pages
from services.console.pages.work import Work
from services.console.watched import Watched
from services.console.who import Callers
from services.governance.api.policies import GovernedPolicies
from services.triage.api.bulk import BulkDeeds
from services.triage.api.cases import Cases
from services.triage.api.lookbacks import Lookbacks
from services.triage.api.patterns import Patterns
from services.triage.api.rereviews import Rereviews

if TYPE_CHECKING:
    from services.console.sign_on import SignOn


class Pages:
    """What people see."""

    def __init__(
        self,
        settings: Settings,
        cases: Cases,
        bulk: BulkDeeds,
        rereviews: Rereviews,
        patterns: Patterns,
        lookbacks: Lookbacks,
        figures: Figures,
        anomalies: ToldAnomalies,
        log: AuditLog,
        policies: GovernedPolicies,
        callers: Callers,
        watched: Watched,
        clock: Clock,
        sign_on: "SignOn | None" = None,
    ) -> None:
        self._frame = Frame(settings.console_time_zone, clock)
        work = Work(self._frame, cases, callers, settings)
        self._routers = [
            coming_pages(self._frame, callers, settings.console_origin, sign_on),
            list_pages(self._frame, cases, anomalies, callers, watched),
            health_pages(self._frame, cases, callers, watched),
            bulk_pages(self._frame, bulk, callers, settings.console_origin),
            rereview_pages(self._frame, rereviews, callers, settings.console_origin),
            figure_pages(self._frame, figures, anomalies, callers),
            anomaly_pages(self._frame, figures, anomalies, cases, callers),
            window_pages(self._frame, figures, callers),
            segment_pages(self._frame, figures, callers),
            handset_pages(self._frame, figures, callers),
            threshold_pages(self._frame, figures, callers),
            audit_pages(self._frame, log, callers),
            Drafting(self._frame, patterns, lookbacks, callers, settings.console_origin).router(),
            PatternPages(self._frame, patterns, lookbacks, callers, settings.console_origin).router(),
            policy_pages(self._frame, policies, callers),
            Merging(work, cases, callers, settings.console_origin).router(),
            note_pages(work, cases, callers, settings.console_origin),
            work.router(),
        ]
        if sign_on is not None:
            self._routers.append(leaving_pages(callers, sign_on, settings.console_origin))
        if sign_on is not None and settings.console_imagery_origin is not None:
            self._routers.append(entering_pages(self._frame, callers, sign_on, settings.console_imagery_origin))

    def router(self) -> APIRouter:
        """Return the routes."""
        router = APIRouter(include_in_schema=False)

        @router.get("/static/{name}")
        async def static(name: str) -> Response:
            return self._frame.assets.answer(name)

        for each in self._routers:
            router.include_router(each)
        return router

    def problem(self, request: Request, problem: Problem) -> Response:
        """Return the page of a problem."""
        return self._frame.problem(request, problem)
