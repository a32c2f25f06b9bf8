"""One HTML file around the sections of a report: it opens offline, runs no script and loads nothing."""

from collections.abc import Sequence

from proofwatch.report.markup import Html, text
from proofwatch.report.style import STYLE


def document(title: str, body: Sequence[Html]) -> str:
    """Return the page of these sections."""
    # The policy makes it certain that opening the page contacts nobody, whatever a name in the data contains.
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Proofwatch: {text(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(body)
        + "\n</main>\n</body>\n</html>\n"
    )
