"""Reading the routes file."""

from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import ValidationError

from services.notifier.core.routes import Routes

DEFAULT: Final = Path(__file__).with_name("routes.yaml")


class InvalidRoutes(ValueError):
    """The routes file cannot be used: stop at start-up; the message names file, key and what would be right."""


def load_routes(path: Path | None = None) -> Routes:
    """Read a routes file, or the default for None. Raises `InvalidRoutes`, which repeats no value of the file."""
    path = path or DEFAULT
    try:
        document: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        msg = f"{path}: cannot be read ({error.strerror}); give the path of a routes file"
        raise InvalidRoutes(msg) from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        msg = f"{path}, line {line}: is not valid YAML: {error.problem}"
        raise InvalidRoutes(msg) from None  # the cause quotes the file
    except (yaml.YAMLError, UnicodeDecodeError):
        msg = f"{path}: is not YAML in UTF-8"
        raise InvalidRoutes(msg) from None
    try:
        return Routes.model_validate(document)
    except ValidationError as error:
        findings = "; ".join(
            f"{'.'.join(map(str, finding['loc'])) or 'the file'}: {finding['msg'].removeprefix('Value error, ')}"
            for finding in error.errors(include_url=False, include_input=False)
        )
        msg = f"{path}: {findings}; {DEFAULT} shows a right one"
        raise InvalidRoutes(msg) from None
