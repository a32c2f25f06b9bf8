"""The register of processing as a page in Markdown."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from proofwatch.plain import one_line

_TOLD: Final = (
    ("name", "Processor"),
    ("contact", "Contact"),
    ("representative", "Representative in the Union (Art. 27)"),
    ("data_protection_officer", "Data protection officer"),
    ("third_countries", "Transfers to third countries (Art. 30(2)(c))"),
)
_OPEN: Final = "**not stated**"


def as_markdown(document: Mapping[str, Any]) -> str:
    """Return the page. What others wrote is put in one line, and marks of Markdown in it stand for themselves."""
    told = document["organisation"]
    lines = [
        "# Register of processing",
        "",
        "On behalf of controllers (GDPR Art. 30(2)). Generated from the manifests of topics and stores, the matrix of",
        "purposes and categories, and the tenants' settings: `proofwatch register`.",
        "",
        *_table(("", ""), [(title, _cell(told[key]) if told[key] else _OPEN) for key, title in _TOLD]),
        "",
        "## Controllers",
        "",
        *_controllers(document["controllers"]),
        "",
        "## Data subjects",
        "",
        *(f"- {_cell(each)}" for each in document["data_subjects"]),
    ]
    for activity in document["activities"]:
        lines += ["", *_activity(activity)]
    lines += ["", "## Measures (Art. 32)", "", *(f"- {_cell(each)}" for each in document["measures"])]
    if document["open"]:
        lines += ["", "## Open", "", *(f"- {_cell(each)}" for each in document["open"])]
    return "\n".join(lines) + "\n"


def _controllers(controllers: Sequence[Mapping[str, Any]]) -> list[str]:
    if not controllers:
        return [f"{_OPEN}: give the tenants' settings with --tenant."]
    rows = []
    for each in controllers:
        bases = "; ".join(f"{name}: {basis}" for name, basis in each["personal_segments"].items())
        kept = each["keep_transactions_days"]
        days = "the platform's setting" if kept is None else f"{kept} days"
        rows.append(
            tuple(map(_cell, (each["tenant"], each["contract"], each["from"], each["until"] or "", bases, days)))
        )
    return _table(
        ("tenant", "contract", "from", "until", "personal segments, on what ground", "transactions kept"), rows
    )


def _activity(activity: Mapping[str, Any]) -> list[str]:
    categories = ", ".join(
        _words(each["category"]) + (" (with the data subject's explicit consent)" if each["consent"] else "")
        for each in activity["categories"]
    )
    places = [
        tuple(
            map(
                _cell,
                (
                    f"{each['kind']} {each['name']}",
                    each["what"],
                    ", ".join(map(_words, each["categories"])),
                    each["subjects"],
                    each["kept"],
                    ", ".join(each["recipients"]) or "–",
                ),
            )
        )
        for each in activity["places"]
    ]
    title = _words(activity["purpose"])
    lines = [
        f"## {title[0].upper()}{title[1:]}",
        "",
        f"{activity['what_for']} Legal basis: {_words(activity['legal_basis'])}. May use: {categories}.",
        "",
    ]
    if not places:
        return [*lines, "Nothing is stored for this purpose alone: its output is made when it is asked for."]
    return [*lines, *_table(("where", "what", "categories", "names people", "kept", "recipients"), places)]


def _table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [_row(headings), _row(["---"] * len(headings)), *map(_row, rows)]


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _words(code: str) -> str:
    return code.replace("_", " ")


def _cell(text: str) -> str:
    clean = one_line(text)
    for mark in ("\\", "|", "<", "[", "`", "*", "_"):
        clean = clean.replace(mark, f"\\{mark}")
    return clean
