"""A real browser: headless Chromium opens a page as a reader does, and a script beside it says what is seen."""

import os
import subprocess
import tempfile
from html import unescape
from pathlib import Path
from typing import Any, Final

import orjson

from tests.support.debian import ensure_programs
from tests.support.runner import ComponentError

_DARK: Final = "--blink-settings=preferredColorScheme=0"
_PROBE: Final = """<!DOCTYPE html><meta charset="utf-8">
<iframe id="page" style="border:0;width:{width}px;height:900px" src="{page}"></iframe><pre id="said"></pre>
<script>
const frame = document.getElementById("page");
frame.addEventListener("load", () => {{
  const look = ({look});
  document.getElementById("said").textContent = JSON.stringify(look(frame.contentDocument, frame.contentWindow));
}});
</script>"""


def seen(page: Path, look: str, *, width: int = 1280, dark: bool = False) -> Any:
    """Return what `look`, a JavaScript function of document and window, returns of a page that is `width` px wide.

    The page is loaded from its file, by its own policy. Raises ComponentError when there is no Chromium, or no answer.
    """
    probe = page.with_name(f"probe-{page.stem}-{width}.html")
    probe.write_text(_PROBE.format(width=width, page=page.name, look=look), encoding="utf-8")
    options = ("--allow-file-access-from-files", "--virtual-time-budget=10000", *([_DARK] if dark else []))
    done = _chromium(*options, "--dump-dom", probe.as_uri())
    said = done.stdout.partition('<pre id="said">')[2].partition("</pre>")[0]
    if not said:
        raise ComponentError(f"chromium said nothing of {page}: {done.stderr[-500:]}")
    return orjson.loads(unescape(said))


def screenshot(page: Path, picture: Path, width: int, height: int) -> None:
    """Write what is seen of a page, from its top, as a PNG of so many px. Raises ComponentError."""
    window = (f"--window-size={width},{height}", "--hide-scrollbars")
    done = _chromium(*window, f"--screenshot={picture}", page.as_uri())
    if not picture.exists():
        raise ComponentError(f"chromium drew nothing of {page}: {done.stderr[-500:]}")


def _chromium(*arguments: str) -> "subprocess.CompletedProcess[str]":
    ensure_programs(["chromium"], ["chromium"])
    with tempfile.TemporaryDirectory() as profile:
        return subprocess.run(
            ["chromium", "--headless=new", "--disable-gpu", "--no-first-run", f"--user-data-dir={profile}",
             *(["--no-sandbox"] if os.geteuid() == 0 else []), *arguments],
            capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
