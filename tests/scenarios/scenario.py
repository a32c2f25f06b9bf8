"""What a scenario of simulated counts is."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from tests.scenarios.effects import Plant
from tests.scenarios.sizes import Size
from tests.scenarios.targets import Target
from tests.scenarios.tenants import Tenant


class Scenario(NamedTuple):
    """`plant` returns what is planted in one run, by its random numbers and its begin (None: nothing)."""

    name: str
    what: str
    plant: Callable[[np.random.Generator, float], Plant] | None
    targets: tuple[Target, ...]
    size: Size
    tenant: Tenant = Tenant()
