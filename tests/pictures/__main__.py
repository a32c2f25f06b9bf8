"""The pictures of the README: the demo's terminal in the afternoon, and the opening of its report in a browser.

One demo is run; with the same code the pictures show the same.
"""

import sys
import tempfile
from argparse import ArgumentParser
from datetime import UTC
from io import StringIO
from pathlib import Path
from typing import Final
from unittest.mock import patch

from rich.console import Console, RenderableType

from proofwatch.simulation.scenario import Scenario
from services.standalone import demo, runner
from services.standalone.core.overview import Overview
from services.standalone.view.screen import View
from tests.support.browser import screenshot

DOCS: Final = Path(__file__).parents[2] / "docs"
_SEEN_AT: Final = Scenario(events=1).start.astimezone(UTC).replace(hour=15, minute=0)
_COLUMNS, _LINES = 150, 44
_PAGE: Final = (1180, 900)
"""Width and height of what is seen of the report, in px."""


class _Photographed(View):
    """The view, which is drawn once more when the day has come so far."""

    def render(self, overview: Overview, consumed: int, now_ms: int) -> RenderableType:
        """Return the whole screen; the first one of the afternoon goes into a file, too."""
        screen = super().render(overview, consumed, now_ms)
        picture = DOCS / "demo.svg"
        if now_ms >= _SEEN_AT.timestamp() * 1000 and not _taken:
            _taken.append(picture)
            console = Console(file=StringIO(), record=True, width=_COLUMNS, height=_LINES, force_terminal=True)
            console.print(screen)
            picture.write_text(console.export_svg(title="make demo", unique_id="demo"), encoding="utf-8")
        return screen


_taken: list[Path] = []


def main() -> int:
    """Run the demo, write both pictures into docs, and return its exit code."""
    with tempfile.TemporaryDirectory() as directory:
        out = Path(directory)
        parser = ArgumentParser()
        demo.add_arguments(parser)
        arguments = parser.parse_args(["--out", str(out)])
        with patch.object(runner, "View", _Photographed):
            code = demo.run(arguments)
        screenshot(out / "report.html", DOCS / "report.png", *_PAGE)
    for picture in (*_taken, DOCS / "report.png"):
        sys.stdout.write(f"{picture}: {picture.stat().st_size / 1000:,.0f} kB\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
