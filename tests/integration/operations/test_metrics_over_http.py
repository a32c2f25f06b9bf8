"""Prometheus gets at /metrics what the process counted, beside liveness and readiness."""

import asyncio
import http.client
import json

from prometheus_client.parser import text_string_to_metric_families

from proofwatch.bus.committed import Committed
from proofwatch.bus.records import Batch, Outgoing, Record, TopicPartition
from proofwatch.runtime.clock import SimulatedClock
from proofwatch.runtime.health import HealthServer
from proofwatch.runtime.metrics import Metrics


async def get(port: int, path: str, method: str = "GET", accept: str = "*/*") -> tuple[int, str | None, str]:
    def ask() -> tuple[int, str | None, str]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request(method, path, headers={"Accept": accept})
            response = connection.getresponse()
            return response.status, response.getheader("Content-Type"), response.read().decode()
        finally:
            connection.close()

    return await asyncio.to_thread(ask)


async def test_a_scrape_is_the_text_format_and_readiness_changes_with_it() -> None:
    """The whole answer arrives, and the library's own parser reads it."""
    reasons = ["in/2: not owned by this process now"]
    metrics = Metrics(lambda: reasons, "scorer", SimulatedClock(1_005))
    records = [Record(n, 5, b"k", b"v") for n in range(3)]
    batch = Batch(TopicPartition("in", 2), records, 0, 3, 5, 1_005)
    outputs = Committed("in")
    outputs.add([Outgoing("out", b"k", b"v")] * 3)
    metrics.assigned("scorer", [batch.source])
    metrics.committed("scorer", batch, outputs, 0.02)
    server = HealthServer(0, lambda: reasons, "127.0.0.1", metrics.render)
    port = await server.start()
    assert ((await get(port, "/ready"))[0], (await get(port, "/live"))[0]) == (503, 200)
    reasons.clear()
    status, content_type, text = await get(port, "/metrics")
    samples = {
        (sample.name, sample.labels.get("partition")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert status == 200
    assert content_type
    assert content_type.startswith("text/plain; version=")
    assert samples["proofwatch_records_total", "2"] == 3
    assert samples["proofwatch_lag_seconds", "2"] == 1
    assert samples["proofwatch_ready", None] == 1
    await server.stop()


async def test_without_the_library_there_is_no_such_page() -> None:
    """Liveness and readiness need nothing."""
    server = HealthServer(0, lambda: (), "127.0.0.1")
    port = await server.start()
    assert [(await get(port, path))[0] for path in ("/live", "/ready", "/metrics", "/else")] == [200, 200, 404, 404]
    await server.stop()


async def test_readiness_says_why_not_in_text_and_json() -> None:
    """One line for each reason, whatever the reason contains; `ready` when there is none."""
    reasons = ["tx/0: not owned\nby this process", "PostgreSQL does not answer"]
    server = HealthServer(0, lambda: reasons, "127.0.0.1")
    port = await server.start()
    text = "tx/0: not owned by this process\nPostgreSQL does not answer\n"
    assert await get(port, "/ready") == (503, "text/plain; charset=utf-8", text)
    status, content_type, body = await get(port, "/ready?verbose", accept="text/html, Application/JSON;q=0.9")
    assert (status, content_type) == (503, "application/json")
    assert json.loads(body) == {"ready": False, "reasons": text.splitlines()}
    reasons.clear()
    assert await get(port, "/ready") == (200, "text/plain; charset=utf-8", "ready\n")
    assert json.loads((await get(port, "/ready", accept="application/json"))[2]) == {"ready": True, "reasons": []}
    await server.stop()


async def test_head_is_answered_like_get_without_the_body() -> None:
    """Load balancers ask so; what else may not be asked says which methods may."""
    reasons = ["waits"]
    server = HealthServer(0, lambda: reasons, "127.0.0.1", lambda: ("text/plain", b"x 1\n"))
    port = await server.start()
    for path in ("/live", "/ready", "/metrics"):
        status, content_type, _ = await get(port, path)
        assert await get(port, path, "HEAD") == (status, content_type, "")
        assert (await get(port, path, "POST"))[0] == 405
    await server.stop()
