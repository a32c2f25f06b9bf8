"""What slices of a tenant are called: in full, and in a notice, which leaves the place where access is controlled.

The one statement of which values a notice names. What a handset, a release or a version is called describes no person.
What people are (sex, age band, skin tone, country) is described without its value, and so is an attribute that a
tenant named itself, for nobody knows what it holds. A value that is no plain name, or has a number as long as a
telephone's or a handset's own, is not repeated either: it is text of somebody else's.
"""

import re
from typing import Final

from proofwatch.detection.findings import PROTECTED, WHOLE, Slice

ATTRIBUTES: Final = {
    "device_model": "handset",
    "os": "operating system",
    "sdk_version": "SDK",
    "matcher_version": "matcher",
    "pad_version": "PAD",
    "policy_version": "policy",
    "vendor": "vendor",
    "source": "source",
    "pai_species": "species",
    "sex": "sex",
    "age_band": "age band",
    "skin_tone": "skin tone",
    "country": "country",
}
"""What attributes are called; others by their code, with blanks."""
NAMED_IN_NOTICES: Final = frozenset(
    {"device_model", "os", "sdk_version", "matcher_version", "pad_version", "source", "pai_species"}
)
_ATTRIBUTE: Final = re.compile(r"[a-z][a-z0-9_.-]{0,63}")
_PLAIN: Final = re.compile(r"(?!.*[0-9]{8})[A-Za-z0-9][A-Za-z0-9 ._+()-]{0,47}")


def attribute_words(name: str) -> str:
    """Return what an attribute is called."""
    return ATTRIBUTES.get(name, name.replace("_", " "))


def value_words(name: str, value: str | None) -> str:
    """Return a value with its attribute: `handset A-1801`."""
    return f"{attribute_words(name)} {value}"


def slice_words(where: Slice, tenant: str) -> str:
    """Return which transactions a slice are."""
    name, value = where
    return f"all of {tenant}" if where == WHOLE or name is None else f"{value_words(name, value)} of {tenant}"


def notice_words(where: Slice, tenant: str) -> str:
    """Return which transactions a slice are, as a notice may say it: the value where it describes no person."""
    name, value = where
    if where == WHOLE:
        return f"all of {tenant}"
    if not name or not _ATTRIBUTE.fullmatch(name):
        return f"one segment of {tenant}"
    if name in NAMED_IN_NOTICES and is_plain(value):
        return slice_words(where, tenant)
    return f"one {attribute_words(name)} of {tenant}"


def withheld_words(where: Slice) -> str:
    """Return why a notice does not say which slice it is, as a sentence after a blank; empty where it does."""
    name, value = where
    if not name or (name in NAMED_IN_NOTICES and is_plain(value)):
        return ""
    which = attribute_words(name) if _ATTRIBUTE.fullmatch(name) else "segment"
    if name in PROTECTED:
        why = "it describes people"
    elif name in NAMED_IN_NOTICES:
        why = "its name may be somebody's or something's own"
    else:
        why = "nobody knows what such a value holds"
    return f" Which {which} it is no notice says, because {why}: the incident does, where access is controlled."


def is_plain(value: str | None) -> bool:
    """Return whether a value of upstream's is a name that may be repeated."""
    return value is not None and _PLAIN.fullmatch(value) is not None
