"""How the interpreter that measures was built: one built without optimisations is slower by a tenth and more."""

import platform
import sysconfig
from pathlib import Path
from typing import Any, Final

_MAPS: Final = Path("/proc/self/maps")


def interpreter() -> dict[str, Any]:
    """Return its version, and whether it was built with profile-guided and with link-time optimisation.

    None: it is not known. Debian's executable holds the whole interpreter, and `sysconfig` describes another build, the
    shared library (python3.11's changelog: "Don't propagate lto flags to the _sysconfigdata module").
    """
    options = str(sysconfig.get_config_var("CONFIG_ARGS") or "")
    shared = bool(sysconfig.get_config_var("Py_ENABLE_SHARED"))
    another = shared and _MAPS.exists() and "libpython" not in _MAPS.read_text()
    return {
        "version": f"{platform.python_implementation()} {platform.python_version()}",
        "profile_guided": None if another else "--enable-optimizations" in options,
        "link_time": None if another else "--with-lto" in options,
    }


def described(built: dict[str, Any]) -> str:
    """Return one sentence for the page."""
    if built["profile_guided"] is None:
        return (
            f"{built['version']}, whose executable is of another build than its configuration describes, as Debian's "
            "is, which is built with profile-guided and link-time optimisation."
        )
    how = [name for key, name in (("profile_guided", "profile-guided"), ("link_time", "link-time")) if built[key]]
    with_ = f"with {' and '.join(how)} optimisation" if how else "without profile-guided or link-time optimisation"
    return f"{built['version']}, built {with_}."
