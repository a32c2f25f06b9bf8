"""Reading the routes file."""

from pathlib import Path
from typing import Final

from pydantic import ValidationError

from proofwatch.strict_yaml import InvalidYaml, load_yaml
from services.notifier.core.routes import Routes

DEFAULT: Final = Path(__file__).with_name("routes.yaml")


class InvalidRoutes(ValueError):
    """The routes file cannot be used: stop at start-up; the message names file, key and what would be right."""


def load_routes(path: Path | None = None) -> Routes:
    """Read a routes file, or the default for None. Raises `InvalidRoutes`, which repeats no value of the file."""
    path = path or DEFAULT
    try:
        document = load_yaml(path)
    except InvalidYaml as error:
        raise InvalidRoutes(str(error)) from None
    try:
        return Routes.model_validate(document)
    except ValidationError as error:
        findings = "; ".join(
            f"{'.'.join(map(str, finding['loc'])) or 'the file'}: {finding['msg'].removeprefix('Value error, ')}"
            for finding in error.errors(include_url=False, include_input=False)
        )
        msg = f"{path}: {findings}; {DEFAULT} shows a right one"
        raise InvalidRoutes(msg) from None
