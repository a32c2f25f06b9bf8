"""YAML as people mean it: plain data only, and a key given twice is an error, where YAML would keep the last."""

from pathlib import Path
from typing import Any

import yaml


class InvalidYaml(ValueError):
    """The file is not usable YAML; the message names file and line, and quotes nothing of the file but a key."""


def load_yaml(path: Path) -> Any:
    """Return what the file holds. Raises `InvalidYaml`, also when the file cannot be read."""
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_StrictLoader)  # noqa: S506 — a SafeLoader
    except OSError as error:
        raise InvalidYaml(f"{path}: cannot be read ({error.strerror}); give the path of a YAML file") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        problem = f"{path}, line {line}: is not valid YAML: {error.problem}"
    except (yaml.YAMLError, UnicodeDecodeError):
        problem = f"{path}: is not YAML in UTF-8"
    raise InvalidYaml(problem)  # outside of the except clauses: their errors quote the file


class _StrictLoader(yaml.SafeLoader):
    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"key {key!r} is given twice", key_node.start_mark)
            seen.add(key)
        return super().construct_mapping(node, deep=deep)
