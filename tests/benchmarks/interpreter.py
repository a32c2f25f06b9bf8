"""How the interpreter that measures was built: one built without optimisations is slower by a tenth and more."""

import platform
import sysconfig
from typing import Any


def interpreter() -> dict[str, Any]:
    """Return its version, and whether it was built with profile-guided and with link-time optimisation."""
    options = str(sysconfig.get_config_var("CONFIG_ARGS") or "")
    return {
        "version": f"{platform.python_implementation()} {platform.python_version()}",
        "profile_guided": "--enable-optimizations" in options,
        "link_time": "--with-lto" in options,
    }


def described(built: dict[str, Any]) -> str:
    """Return one sentence for the page."""
    how = [name for key, name in (("profile_guided", "profile-guided"), ("link_time", "link-time")) if built[key]]
    with_ = f"with {' and '.join(how)} optimisation" if how else "without profile-guided or link-time optimisation"
    return f"{built['version']}, built {with_}."
