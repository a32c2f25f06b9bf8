"""What is told of what people send over HTTP: one sentence, in every service the same, that repeats nothing."""

from typing import Annotated

import pytest
from pydantic import BaseModel, StringConstraints, ValidationError

from proofwatch.web.malformed import KEPT, PRINTED, sentence_of


class Said(BaseModel):
    """A reason, as bodies have it."""

    reason: Annotated[str, StringConstraints(min_length=1, max_length=500, pattern=PRINTED), KEPT]


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ("", "the reason must be given"),
        ("x" * 501, "the reason has at most 500 characters"),
        ("a\nb", "the reason cannot have line breaks, tabs or other characters that are not printed"),
        ("a\u202eb", "the reason has U+202E RIGHT-TO-LEFT OVERRIDE (character 2), which nobody sees; leave it out"),
        ("a\u2028b", "the reason has a line break (character 2); write it in one line"),
    ],
)
def test_a_reason_that_cannot_stay_on_record_is_refused_as_on_a_command_line(sent: str, told: str) -> None:
    """What a browser sends is held against the same rule as what is typed."""
    with pytest.raises(ValidationError) as refused:
        Said(reason=sent)

    assert sentence_of(refused.value.errors()) == told
