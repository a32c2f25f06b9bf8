"""Which category of data may serve which purpose, and on what legal basis: five by five, default deny.

The matrix is the processor's agreement with its customers, who are the controllers (GDPR Art. 4(7)); the legal
bases are those of GDPR Art. 6(1)(b) and (f). What the matrix does not list is denied.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Category(StrEnum):
    """What a datum is; every schema field names one in `x-data-category`."""

    ACCOUNT = "account"
    CONFIGURATION = "configuration"
    DIAGNOSTIC_AND_USAGE = "diagnostic_and_usage"
    FACE_FEATURES = "face_features"
    IDENTIFICATION = "identification"


class Purpose(StrEnum):
    """What a datum is used for; every topic and every read names one or more."""

    PROVIDE_FEATURES = "provide_features"
    MAINTAIN_AND_DELIVER_STATISTICS = "maintain_and_deliver_statistics"
    TROUBLESHOOTING = "troubleshooting"
    BILLING = "billing"
    IMPROVE_AND_DEVELOP = "improve_and_develop"


class LegalBasis(StrEnum):
    """Why the processing is lawful (GDPR Art. 6(1))."""

    CONTRACT = "contract"
    LEGITIMATE_INTEREST = "legitimate_interest"


LEGAL_BASIS: Final[Mapping[Purpose, LegalBasis]] = MappingProxyType(
    {
        Purpose.PROVIDE_FEATURES: LegalBasis.CONTRACT,
        Purpose.MAINTAIN_AND_DELIVER_STATISTICS: LegalBasis.CONTRACT,
        Purpose.TROUBLESHOOTING: LegalBasis.CONTRACT,
        Purpose.BILLING: LegalBasis.CONTRACT,
        Purpose.IMPROVE_AND_DEVELOP: LegalBasis.LEGITIMATE_INTEREST,
    }
)

MATRIX: Final[Mapping[Purpose, frozenset[Category]]] = MappingProxyType(
    {
        Purpose.PROVIDE_FEATURES: frozenset(Category),
        Purpose.MAINTAIN_AND_DELIVER_STATISTICS: frozenset({Category.ACCOUNT, Category.CONFIGURATION}),
        Purpose.TROUBLESHOOTING: frozenset(Category),
        Purpose.BILLING: frozenset({Category.ACCOUNT, Category.DIAGNOSTIC_AND_USAGE}),
        Purpose.IMPROVE_AND_DEVELOP: frozenset(Category) - {Category.ACCOUNT},
    }
)

SENSITIVE: Final = frozenset({Category.FACE_FEATURES, Category.IDENTIFICATION})
"""Sensitive personal data: biometric (GDPR Art. 9(1)) or identifying a person directly."""


def allowed(category: Category, purpose: Purpose) -> LegalBasis | None:
    """Return the legal basis on which `category` may serve `purpose`, or None: denied.

    A basis is necessary, not always sufficient: see `needs_consent`.
    """
    return LEGAL_BASIS[purpose] if category in MATRIX[purpose] else None


def needs_consent(category: Category, purpose: Purpose) -> bool:
    """Return whether the data subject's explicit consent, obtained by the customer, must be on record as well."""
    return purpose is Purpose.IMPROVE_AND_DEVELOP and category in SENSITIVE
