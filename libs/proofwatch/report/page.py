"""One page from a template: it opens offline, loads nothing, and runs one script of ours, which sorts its tables.

A page's templates lie in a folder `templates` beside its `page.py`: `opening.html`, and one for each section, which
`sections.html` of this package puts into `base.html`. That brings the stylesheet and, in `parts.html`, tables and
plots. Whatever a template shows passes `_shown` and is escaped; only what is `Markup` already, a drawing or a macro's,
is not.
"""

from base64 import b64encode
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from proofwatch.plain import one_line
from proofwatch.report import numbers, proof

_BASE: Final = Path(__file__).with_name("templates")
_SCRIPT: Final = (_BASE / "sort.js").read_text(encoding="utf-8")
_SCRIPT_HASH: Final = f"sha256-{b64encode(sha256(_SCRIPT.encode()).digest()).decode()}"
"""The script is run because the page's policy names its hash; no other can be."""
_NUMBERS: Final = (numbers.percent, numbers.count, numbers.of, numbers.interval)
_FILTERS: Final = {each.__name__: each for each in (*_NUMBERS, proof.meaning, proof.because)}


def render(templates: Path, name: str, filters: Mapping[str, Callable[..., Any]] = _FILTERS, /, **content: Any) -> str:
    """Return the page that the template `name` in the folder `templates` makes of the content.

    `filters` come on top of those of `numbers` and `proof`, which every template has. Raises `jinja2.UndefinedError`
    when the template asks for something that is not there.
    """
    environment = Environment(
        loader=FileSystemLoader([templates, _BASE]),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update({**_FILTERS, **filters})
    script = Markup(_SCRIPT)  # noqa: S704 - a file of this package
    return environment.get_template(name).render(**content, script=script, script_hash=_SCRIPT_HASH)


def _shown(value: Any) -> Any:
    return one_line(value) if isinstance(value, str) and not isinstance(value, Markup) else value
