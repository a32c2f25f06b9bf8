"""What goes by age: the rules of the stores' manifests, with the days that a deployment says."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from proofwatch.events.stores import Store
from proofwatch.governance.purposes import Category, Purpose


class Rule(NamedTuple):
    """What of a store goes, and after how many days, by the purposes and categories that it was kept for.

    `functions`: how the names of the functions that remove it begin, beside the schema.
    """

    store: str
    rule: str
    what: str
    since: str
    categories: tuple[Category, ...]
    purposes: tuple[Purpose, ...]
    days: int
    functions: str = ""

    def before(self, now: datetime) -> datetime:
        """Return the moment before which it goes."""
        return now - timedelta(days=self.days)


class Due(NamedTuple):
    """How much is old enough, of a tenant; `kept`: how much of it stays, by the id of the hold."""

    rule: Rule
    tenant: str
    goes: int
    kept: Mapping[str, int]


def rules_of(stores: Iterable[Store], days: Mapping[str, int]) -> list[Rule]:
    """Return what goes, in the order of the stores. `days`: by the setting's name; 0: for ever, which is no rule."""
    return [
        Rule(store.name, each.rule, each.what, each.since, each.categories, each.purposes, kept, each.functions)
        for store in stores
        for each in store.retention
        if (kept := days[each.setting])
    ]
