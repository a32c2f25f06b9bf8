"""All scenarios of simulated counts."""

from typing import Final

from tests.scenarios.planted import PLANTED
from tests.scenarios.quiet import NULL

SCENARIOS: Final = (*NULL, *PLANTED)
