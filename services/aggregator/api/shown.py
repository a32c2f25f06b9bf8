"""Figures as bodies."""

from proofwatch.biometrics.figures import Figure
from proofwatch.biometrics.intervals import wilson
from proofwatch.biometrics.sketch_sum import Between
from proofwatch.instants import instant_of
from services.aggregator.api.bodies import DetCurve, DetPoint, Durations, Handset, Rate, Share, Would
from services.aggregator.api.bodies import Part as PartBody
from services.aggregator.core import det, handsets, what_if
from services.aggregator.core.parts import Part
from services.aggregator.core.segments import Segment
from services.aggregator.core.span_rates import SpanRate

_UNKNOWN = handsets.Timing(0, None, (Between(None, None),) * len(handsets.QUANTILES))


def shown_rate(each: SpanRate) -> Rate:
    """Return a rate."""
    f = each.figure
    return Rate(
        segment_name=each.segment[0], segment_value=each.segment[1], source=each.source, metric=f.metric,
        k=f.k, n=f.n, value=f.value, low=f.low, high=f.high, limit=f.limit, status=f.status, reason=f.reason,
        needed_without_error=f.needed_without_error, needed_at_present_rate=f.needed_at_present_rate,
        species=f.species, coverage=f.coverage,
    )  # fmt: skip


def shown_part(each: Part) -> PartBody:
    """Return a window that a rate was summed from."""
    return PartBody(
        start=instant_of(each.at.start_ms),
        end=instant_of(each.at.end_ms),
        revision=each.revision,
        backfill=each.backfill,
        transactions=each.transactions,
        k=each.k,
        n=each.n,
        listed=each.listed,
    )


def shown_handset(each: handsets.Handset) -> Handset:
    """Return how a value of a segment fares."""
    return Handset(
        segment_name=each.segment[0] or "",
        segment_value=each.segment[1] or "",
        transactions=each.transactions,
        failure=_share(each.failure, each.failure_rest),
        excess_failures=each.excess_failures,
        rejection=_share(each.rejection, each.rejection_rest),
        excess_rejections=each.excess_rejections,
        response=_share(each.response, each.response_rest),
        durations={name: _durations(each, name) for name in handsets.TIMINGS},
    )


def shown_would(segment: Segment, each: what_if.WhatIf) -> Would:
    """Return a rate as it would be."""
    return Would(
        segment_name=segment[0], segment_value=segment[1], metric=each.metric, proxy=each.proxy, k=each.k, n=each.n,
        would_k_low=each.would.low, would_k_high=each.would.high, low=each.low, high=each.high, coverage=each.coverage,
    )  # fmt: skip


def shown_curve(each: det.Curve) -> DetCurve:
    """Return a DET curve."""
    return DetCurve(
        accepts=each.accepts,
        accepts_n=each.accepts_n,
        rejects=each.rejects,
        rejects_n=each.rejects_n,
        in_force=None if each.at is None else _point(each, each.at),
        points=[_point(each, point) for point in each.points],
    )


def _point(curve: det.Curve, point: det.Point) -> DetPoint:
    accepted, rejected = wilson(point.accepted, curve.accepts_n), wilson(point.rejected, curve.rejects_n)
    return DetPoint(
        threshold=point.threshold, accepted=point.accepted, accepted_low=accepted[0], accepted_high=accepted[1],
        rejected=point.rejected, rejected_low=rejected[0], rejected_high=rejected[1],
    )  # fmt: skip


def _share(own: Figure, rest: Figure) -> Share:
    return Share(k=own.k, n=own.n, value=own.value, low=own.low, high=own.high, rest=rest.value)


def _durations(each: handsets.Handset, name: str) -> Durations:
    own, rest = each.timings.get(name, _UNKNOWN), each.timings_rest.get(name, _UNKNOWN)
    p50, p95, p99 = (tuple(between) for between in own.quantiles)
    return Durations(n=own.n, mean=own.mean, p50=p50, p95=p95, p99=p99, rest_p95=tuple(rest.quantiles[1]))
