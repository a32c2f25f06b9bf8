"""Waiting between two looks, by a part that may be told to stop meanwhile."""

import asyncio


async def pause(stopping: asyncio.Event, seconds: float) -> None:
    """Wait so long, or until `stopping` is set."""
    try:
        await asyncio.wait_for(stopping.wait(), seconds)
    except TimeoutError:
        return
