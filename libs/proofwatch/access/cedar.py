"""Policies in Cedar: their statements, once text and schema are known to agree."""

from collections.abc import Mapping
from typing import Any

import cedarpy
import orjson


def statements(policies: str, schema: str, about: str, refused: type[ValueError]) -> Mapping[str, Mapping[str, Any]]:
    """Return the statements of a policy by the key that decisions name them by.

    `about`: what the policy is of, for messages. Raises `refused` where text and schema do not agree.
    """
    try:
        found: dict[str, dict[str, Any]] = orjson.loads(cedarpy.policies_to_json_str(policies))["staticPolicies"]
        checked = cedarpy.validate_policies(policies, schema)
    except (ValueError, KeyError) as error:
        raise refused(f"the policy of {about} cannot be read: {error}") from None
    if not checked.validation_passed:
        raise refused(f"the policy of {about} does not fit its schema: {checked.errors}")
    return found


def names(found: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Return the `@id` of each statement by its key; empty: it has none."""
    return {key: str(each.get("annotations", {}).get("id", "")) for key, each in found.items()}
