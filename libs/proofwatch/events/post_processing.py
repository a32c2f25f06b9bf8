"""Rewrite generated structs into those we want (development only: part of `generate`).

Frozen structs that refuse unknown fields, tuples for lists, None for what is absent, datetimes with an offset, bounded
map keys, and descriptions as attribute docstrings.

Two events are on the hot path. Transactions are read there: patterns would be half the price, so the struct comes
without them, and a strict one beside it that the codec asks where it must. Verdicts are written there: fields by
position cost a third of fields by name.
"""

import ast
import re
from copy import deepcopy
from itertools import pairwise
from typing import Any, Final

IMPORTS = "from datetime import datetime\nfrom typing import Annotated, Literal\n\nfrom msgspec import Meta, Struct"
STRUCT = ("frozen", "kw_only", "forbid_unknown_fields", "omit_defaults")
LENIENT: Final = "Transaction"
POSITIONAL: Final = "Verdict"


def post_process(generated: str, schemas: dict[str, Any]) -> str:
    """Return the rewritten module; `schemas` are those it was generated from, by class name."""
    module = ast.parse(generated)
    rewritten = ast.unparse(ast.fix_missing_locations(_PostProcessor(module, schemas).visit(module)))
    return re.sub(r"^    ([\"'])(?!\1)(.*)(?<!\1)\1$", r'    """\2"""', rewritten, flags=re.MULTILINE)


class _PostProcessor(ast.NodeTransformer):
    """Rewrites the generator's module into the one we want; see each method."""

    def __init__(self, module: ast.Module, schemas: dict[str, Any]) -> None:
        self.schemas = schemas
        self.aliases = {
            node.target.id: node.value
            for node in module.body
            if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value
        }

    def visit_Module(self, node: ast.Module) -> ast.Module:
        """Keep only the classes, sorted as generated, under our own imports."""
        imports = ast.parse(IMPORTS).body
        classes: list[ast.stmt] = []
        for part in node.body:
            if isinstance(part, ast.ClassDef):
                made: ast.ClassDef = self.visit(part)
                classes += _lenient_and_strict(made) if made.name == LENIENT else [made]
        return ast.Module(body=[*imports, *classes], type_ignores=[])

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.ClassDef:
        """Freeze the struct. gc=False is safe: decoded JSON has no cycles, and a frozen struct gets none later."""
        names = [name for name in STRUCT if name != "kw_only" or node.name != POSITIONAL]
        true = [ast.keyword(arg=name, value=ast.Constant(True)) for name in names]
        node.keywords = [*true, ast.keyword(arg="gc", value=ast.Constant(False))]
        body: list[ast.stmt] = []
        for part in node.body:
            body += self._field(part, node.name) if isinstance(part, ast.AnnAssign) else [_docstring(part)]
        node.body = body
        return node

    def _field(self, node: ast.AnnAssign, owner: str) -> list[ast.stmt]:
        if node.value is not None:
            node.value = _default(node.value)
        optional = isinstance(node.value, ast.Constant) and node.value.value is None
        node.annotation = self.visit(_without_unset(node.annotation, none_instead=optional))
        text = next((d for d in map(_description, ast.walk(node.annotation)) if d), None)
        node.annotation = _Without("description").visit(node.annotation)
        assert isinstance(node.target, ast.Name)
        if names := self.schemas[owner]["properties"][node.target.id].get("propertyNames"):
            node.annotation = _Keyed(names).visit(node.annotation)
        return [node] if text is None else [node, ast.Expr(ast.Constant(text))]

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """Put aliases in place, and demand an offset of every datetime."""
        if node.id in self.aliases:
            inlined: ast.expr = _Without("description").visit(self.aliases[node.id])
            return inlined
        return ast.parse("Annotated[datetime, Meta(tz=True)]", mode="eval").body if node.id == "datetime" else node

    def visit_Subscript(self, node: ast.Subscript) -> ast.Subscript:
        """Turn lists into tuples, so that a frozen struct is frozen all the way down (maps excepted)."""
        self.generic_visit(node)
        if isinstance(node.value, ast.Name) and node.value.id == "list":
            node.value = ast.Name("tuple")
            node.slice = ast.Tuple([node.slice, ast.Constant(...)])
        return node

    def visit_keyword(self, node: ast.keyword) -> ast.keyword:
        """End patterns with \\Z: Python's `$` also matches before a final newline, JSON Schema's does not."""
        if node.arg == "pattern" and isinstance(node.value, ast.Constant):
            node.value = ast.Constant(re.sub(r"\$$", r"\\Z", str(node.value.value)))
        return node


def _lenient_and_strict(node: ast.ClassDef) -> list[ast.stmt]:
    """Return the struct without the patterns of its own fields, and `Strict…` that inherits it and adds them."""
    strict = ast.ClassDef(f"Strict{node.name}", [ast.Name(node.name)], deepcopy(node.keywords), [node.body[0]], [])
    for field, described in pairwise(node.body):
        if any(isinstance(part, ast.keyword) and part.arg == "pattern" for part in ast.walk(field)):
            strict.body += deepcopy([field, described])
    return [_Without("pattern").visit(node), strict]


class _Without(ast.NodeTransformer):
    """Drops one keyword of every meta, and `Annotated` where nothing else is left of it."""

    def __init__(self, keyword: str) -> None:
        self.keyword = keyword

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        self.generic_visit(node)
        if not _is_annotated(node):
            return node
        assert isinstance(node.slice, ast.Tuple)
        inner, *metas = node.slice.elts
        kept = [m for m in metas if isinstance(m, ast.Call) and m.keywords]
        if not kept:
            return inner
        if isinstance(inner, ast.Subscript) and isinstance(inner.value, ast.Name) and inner.value.id == "Annotated":
            assert isinstance(inner.slice, ast.Tuple)
            inner, *nested = inner.slice.elts
            kept = [*nested, *kept]  # type: ignore[list-item]  # metas are calls throughout
        node.slice = ast.Tuple([inner, *kept])
        return node

    def visit_Call(self, node: ast.Call) -> ast.Call:
        node.keywords = [k for k in node.keywords if k.arg != self.keyword]
        return node


class _Keyed(ast.NodeTransformer):
    """Bounds the keys of a map: the generator passes over `propertyNames`."""

    def __init__(self, names: dict[str, int]) -> None:
        self.key = f"Annotated[str, Meta(min_length={names['minLength']}, max_length={names['maxLength']})]"

    def visit_Subscript(self, node: ast.Subscript) -> ast.Subscript:
        self.generic_visit(node)
        if isinstance(node.value, ast.Name) and node.value.id == "dict" and isinstance(node.slice, ast.Tuple):
            node.slice.elts[0] = ast.parse(self.key, mode="eval").body
        return node


def _is_annotated(node: ast.expr) -> bool:
    return isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id == "Annotated"


def _description(node: ast.AST) -> str | None:
    if isinstance(node, ast.Call):
        for keyword in node.keywords:
            if keyword.arg == "description" and isinstance(keyword.value, ast.Constant):
                return str(keyword.value.value)
    return None


def _docstring(node: ast.stmt) -> ast.stmt:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        node.value = ast.Constant(str(node.value.value).strip())
    return node


def _default(value: ast.expr) -> ast.expr:
    """UNSET becomes None; a list made anew each time becomes one tuple, so that absence is seen by identity."""
    if isinstance(value, ast.Name):
        return ast.Constant(None)
    made = value.keywords[0].value if isinstance(value, ast.Call) else value
    return ast.Tuple(made.body.elts) if isinstance(made, ast.Lambda) and isinstance(made.body, ast.List) else value


def _without_unset(node: ast.expr, *, none_instead: bool) -> ast.expr:
    members = [m for m in _members(node) if not (isinstance(m, ast.Name) and m.id == "UnsetType")]
    nullable = any(isinstance(m, ast.Constant) and m.value is None for m in members)
    if none_instead and not nullable:
        members.append(ast.Constant(None))
    union = members[0]
    for member in members[1:]:
        union = ast.BinOp(union, ast.BitOr(), member)
    return union


def _members(node: ast.expr) -> list[ast.expr]:
    return [*_members(node.left), *_members(node.right)] if isinstance(node, ast.BinOp) else [node]
