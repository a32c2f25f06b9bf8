"""The screen shows names from the input as they are; colours and layout are its own."""

import io
import json

from proofwatch.bus.records import Record
from proofwatch.events import topics
from proofwatch.plain import one_line
from proofwatch.runtime.terminal import Terminal
from services.standalone.core.overview import Overview
from services.standalone.view.screen import View
from tests.unit.runtime.test_terminal import Screen
from tests.unit.standalone.test_report_timeline import anomaly
from tests.unit.standalone.test_view_widths import incident

VALUE = "[red]x[/]:warning:\x1b]0;owned\x07\u202e"


def test_a_value_is_no_markup_and_no_escape_sequence_on_the_screen() -> None:
    """In the title, in what is firing and in what people hear about; whether the screen is a terminal or a file."""
    overview = Overview()
    firing = anomaly(0, segment_name="os", segment_value=VALUE, severity="high")
    overview.note(topics.ANOMALIES, [Record(0, 0, b"", json.dumps(firing).encode(), ())])
    overview.note(topics.INCIDENTS, [Record(0, 0, b"", json.dumps(incident("os", VALUE)).encode(), ())])
    for screen in (Screen(), io.StringIO()):
        terminal = Terminal(screen, width=300)
        terminal.print(View(f"replay of {VALUE}", 10).render(overview, 1, 0), height=40)
        said = screen.getvalue()
        assert said.count(one_line(VALUE)) == 3
        assert "\x1b]" not in said
        assert "\u202e" not in said
