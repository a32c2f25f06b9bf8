"""The register of processing of a processor (GDPR Art. 30(2)), from what the system itself goes by.

Purposes and categories are those of the matrix, stores and recipients those of the manifests, controllers those of the
tenants' settings. What only the operator knows (who it is, its data protection officer, transfers to third countries)
is read from a file; what is not stated is listed as open, never made up. Pure.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from proofwatch.events.categories import categories_of
from proofwatch.events.stores import Store
from proofwatch.events.topics import DEAD_LETTER_RETENTION, Manifest
from proofwatch.governance.purposes import LEGAL_BASIS, Category, Purpose, allowed, needs_consent
from proofwatch.governance.tenant import Tenant
from proofwatch.strict_yaml import InvalidYaml, load_yaml

OWN: Final = frozenset(
    {
        "scorer", "devices", "combine", "windows", "ledger", "incidents", "triage", "notifier", "auditor", "consents",
        "console", "privacy", "governance", "fraud", "sre", "on-call", "audit-reader", "billing", "statistics",
    }
)  # fmt: skip
"""Consumers that are this system itself; every other name in a manifest is a recipient (GDPR Art. 4(9))."""
WHAT_FOR: Final[Mapping[Purpose, str]] = {
    Purpose.PROVIDE_FEATURES: "Deciding what happens to a transaction, guiding the person, finding attacks.",
    Purpose.MAINTAIN_AND_DELIVER_STATISTICS: "The tenants' configuration, and anonymous statistics for them.",
    Purpose.TROUBLESHOOTING: "Watching whether the biometric system keeps its promises, and finding out why not.",
    Purpose.BILLING: "A monthly statement of usage.",
    Purpose.IMPROVE_AND_DEVELOP: "Sets for training and testing biometric models.",
}
MEASURES: Final = (
    "Pseudonyms: events name people by the tenant's own reference, cases by a keyed tag (ADR 0005).",
    "Minimisation: names, numbers, addresses and pictures are in no event; imagery is a reference.",
    "Purpose: every exit asks one function with its purpose, default deny (ADR 0050).",
    "Least rights: each process may read and write what its manifests say (`proofwatch acls`).",
    "Four eyes: policies and tenants' settings are proposed by one person and approved by another.",
    "Accountability: an audit log that outsiders can check (ADR 0046).",
    "Small cells: figures of few people are kept back (ADR 0007).",
)
"""Technical and organisational measures (GDPR Art. 30(2)(d), 32) that the software itself has."""
_WITHOUT_END: Final = timedelta(days=36_500)
SUBJECTS: Final = (
    "people who prove their identity to a tenant (by the tenant's reference)",
    "staff who operate the system (by the id of their account)",
)


class InvalidOrganisation(ValueError):
    """The organisation's file cannot be used; the message names file and key."""


class Organisation(BaseModel):
    """What only the operator knows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(min_length=1, max_length=300)] | None = None
    contact: Annotated[str, Field(min_length=1, max_length=500)] | None = None
    representative: Annotated[str, Field(min_length=1, max_length=500)] | None = None
    """In the Union, where the operator is not established there (GDPR Art. 27); "none" if none is needed."""
    data_protection_officer: Annotated[str, Field(min_length=1, max_length=500)] | None = None
    third_countries: Annotated[str, Field(min_length=1, max_length=1000)] | None = None
    """Transfers and their safeguards (GDPR Art. 44 to 49); "none" if there are none."""


def load_organisation(path: Path) -> Organisation:
    """Read the operator's file. Raises `InvalidOrganisation`."""
    try:
        return Organisation.model_validate(load_yaml(path) or {})
    except InvalidYaml as error:
        raise InvalidOrganisation(str(error)) from None
    except ValidationError as error:
        said = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_url=False))
        known = ", ".join(Organisation.model_fields)
        raise InvalidOrganisation(f"{path}: {said}; known keys are {known}") from None


class Place(NamedTuple):
    """Where data of a purpose lies: what categories, whose, for how long, who else receives it."""

    kind: str
    name: str
    what: str
    categories: tuple[Category, ...]
    subjects: str
    kept: str
    recipients: tuple[str, ...]


def register(
    manifests: Iterable[Manifest], stores: Iterable[Store], tenants: Iterable[Tenant], organisation: Organisation
) -> dict[str, Any]:
    """Return the register as a document of plain values; `open` lists what is not stated."""
    places = [(each.purposes, _topic(each)) for each in manifests]
    places += [(each.purposes, _store(each)) for each in stores]
    told = organisation.model_dump()
    controllers = [_controller(each) for each in sorted(tenants, key=lambda each: each.tenant)]
    missing = [f"organisation.{name}: not stated" for name, value in told.items() if value is None]
    if not controllers:
        missing.append("controllers: no tenant's settings were given")
    return {
        "register": "processing on behalf of controllers (GDPR Art. 30(2))",
        "organisation": told,
        "controllers": controllers,
        "data_subjects": list(SUBJECTS),
        "activities": [_activity(purpose, [place for of, place in places if purpose in of]) for purpose in Purpose],
        "measures": list(MEASURES),
        "open": missing,
    }


def _activity(purpose: Purpose, places: Iterable[Place]) -> dict[str, Any]:
    return {
        "purpose": purpose.value,
        "what_for": WHAT_FOR[purpose],
        "legal_basis": LEGAL_BASIS[purpose].value,
        "categories": [
            {"category": each.value, "consent": needs_consent(each, purpose)}
            for each in Category
            if allowed(each, purpose)
        ],
        "places": [each._asdict() for each in places],
    }


def _topic(manifest: Manifest) -> Place:
    found: set[Category] = set()
    subjects = "nobody"
    for event in manifest.events:
        for version in event.versions:
            fields = categories_of(event.name, version)
            found |= set(fields.values())
            if "$.subject_ref" in fields:
                subjects = "by the tenant's reference (subject_ref)"
            elif "$.subject_tag" in fields and subjects == "nobody":
                subjects = "by subject tag (HMAC)"
            elif "$.transaction_id" in fields and subjects == "nobody":
                subjects = "by transaction id"
    if "subject_ref" in manifest.key:  # a key is data as well
        found.add(Category.ACCOUNT)
        subjects = "by the tenant's reference (subject_ref)"
    kept = "without end" if manifest.retention >= _WITHOUT_END else f"{manifest.retention.days:,} days"
    if "compact" in manifest.cleanup_policy:
        kept = "the latest of each key, without end" if manifest.cleanup_policy == "compact" else f"{kept}, compacted"
    if manifest.dead_letter:
        kept += f"; what was refused {DEAD_LETTER_RETENTION.days} days"
    outside = tuple(sorted(set(manifest.consumers) - OWN))
    return Place("topic", manifest.name, manifest.description, _sorted(found), subjects, kept, outside)


def _store(store: Store) -> Place:
    return Place(store.kind, store.name, store.description, _sorted(store.categories), store.subjects, store.kept, ())


def _controller(tenant: Tenant) -> dict[str, Any]:
    contract = tenant.contract
    return {
        "tenant": tenant.tenant,
        "contract": contract.state,
        "from": contract.starts.isoformat(),
        "until": None if contract.until is None else contract.until.isoformat(),
        "time_zone": tenant.time_zone,
        "personal_segments": dict(sorted(tenant.lawful_bases.items())),
        "keep_transactions_days": tenant.keep_transactions_days,
    }


def _sorted(categories: Iterable[Category]) -> tuple[Category, ...]:
    found = set(categories)
    return tuple(each for each in Category if each in found)
