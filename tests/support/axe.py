"""axe-core, which looks for what hinders people in a page: its script, run there by the browser's protocol."""

from pathlib import Path
from typing import Final

from tests.support.devtools import Browser
from tests.support.npm import fetched

_SOURCES: Final = Path(__file__).with_name("axe")
_LOOK: Final = """axe.run(document, {
  runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
}).then((found) => found.violations.map((v) => `${v.id}: ${v.help}: ${v.nodes.map((n) => n.html).join(" | ")}`))"""


def script() -> Path:
    """Return the script, fetched through npm once. Raises `ComponentError`."""
    return fetched("axe", _SOURCES) / "node_modules" / "axe-core" / "axe.min.js"


async def hindrances(browser: Browser) -> list[str]:
    """Return what axe finds in the page as it is, by the rules of WCAG 2.2 AA and good practice."""
    await browser.value(f"{script().read_text(encoding='utf-8')}; 1")
    found: list[str] = await browser.value(_LOOK)
    return found
