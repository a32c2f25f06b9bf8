"""What the letters of the field mean, where they stand in a text: for a pointer, and for who listens."""

import re
from collections.abc import Mapping
from typing import Final

from markupsafe import Markup, escape

from proofwatch.plain import one_line

TERMS: Final[Mapping[str, str]] = {
    "APCER": "attack presentation classification error rate: how many attacks of one kind pass as real; "
    "lower is better",
    "BPCER": "bona fide presentation classification error rate: how many real people are taken for attacks; "
    "lower is better",
    "IAPAR": "impostor attack presentation accept rate: how many attacks the whole system accepts; lower is better",
    "FMR": "false match rate: how many comparisons of two people match; lower is better",
    "FNMR": "false non-match rate: how many comparisons of one person do not match; lower is better",
    "FAR": "false accept rate: how many of those accepted were frauds; lower is better",
    "FRR": "false reject rate: how many genuine people were rejected; lower is better",
    "FTA": "failure to acquire: no picture that could be judged; lower is better",
    "SOC": "security operations centre: who works on these cases",
    "MFA": "multi-factor authentication: a second proof of who somebody is",
}
_TERM: Final = re.compile(rf"\b({'|'.join(TERMS)})\b")


def explained(text: str) -> Markup:
    """Return a text, escaped, in which each such word says what it means."""
    parts = _TERM.split(one_line(text))
    return Markup("").join(
        Markup('<abbr title="{}">{}</abbr>').format(TERMS[each], each) if at % 2 else escape(each)
        for at, each in enumerate(parts)
    )
