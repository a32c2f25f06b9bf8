"""How the fault tests show what they measured."""

from collections.abc import Callable

import pytest

from tests.faults.lane.campaign import Campaign


@pytest.fixture
def show(capsys: pytest.CaptureFixture[str]) -> Callable[[Campaign], None]:
    """Print a campaign's summary, one line of JSON with its recovery times, past pytest's capture."""

    def print_past(campaign: Campaign) -> None:
        with capsys.disabled():
            print(campaign.summary())  # noqa: T201 - the recovery times are a product of the test

    return print_past
