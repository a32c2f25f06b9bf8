"""Print a line for each escalation as it comes: `python follow_escalations.py KAFKA:9092 [GROUP]`, with aiokafka.

What it reads, and what to keep of it: docs/escalations.md.
"""

import asyncio
import json
import sys

from aiokafka import AIOKafkaConsumer


async def follow(bootstrap: str, group: str = "soc-console") -> None:
    """Print until it is stopped; what is printed is committed afterwards, so that none is left out."""
    newest: dict[str, int] = {}  # yours is a table, with the case as its key
    consumer = AIOKafkaConsumer(
        "soc.escalations.v1",
        bootstrap_servers=bootstrap,
        group_id=group,
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        isolation_level="read_committed",
    )
    async with consumer:
        async for record in consumer:
            case = json.loads(record.value)
            if case["schema_version"] != 1:
                sys.exit(f"version {case['schema_version']} of an escalation: this reads version 1")
            if case["revision"] > newest.get(case["case_id"], 0):
                newest[case["case_id"]] = case["revision"]
                why = case.get("title") or ", ".join(dict.fromkeys(each["code"] for each in case["reasons"]))
                said = (case["raised_at"], case["severity"], case["tenant"], case["case_id"], case["revision"], why)
                print(*said, flush=True)
            await consumer.commit()


if __name__ == "__main__":
    asyncio.run(follow(*sys.argv[1:]))
