"""Hold .env.example and docker-compose.yml against the settings that the services read. Part of `make lint`."""

import re
import sys
from importlib import import_module
from pathlib import Path

import yaml

CONFIGS = {
    "topics": "proofwatch.runtime.settings",
    "migrate": "proofwatch.runtime.settings",
    "scorer": "services.scorer.config",
    "devices": "services.devices.config",
    "combine": "services.aggregator.config",
    "windows": "services.aggregator.config",
    "ledger": "services.aggregator.config",
    "triage": "services.triage.config",
    "notifier": "services.notifier.config",
}
COMMANDS = ("services.governance.config",)
COMPOSE_ONLY = {"PROOFWATCH_CONFIG_DIR", "PROOFWATCH_IMAGE_TAG"}


def main() -> int:
    """Print one line for each difference; return 1 if there is one."""
    root = Path(__file__).parents[1]
    documented = set(re.findall(r"^#?(PROOFWATCH_\w+)=", (root / ".env.example").read_text(), re.MULTILINE))
    services = yaml.safe_load((root / "docker-compose.yml").read_text())["services"]
    findings: list[str] = []
    known = set(COMPOSE_ONLY).union(*(import_module(module).Settings.variables() for module in COMMANDS))
    for service, module in CONFIGS.items():
        settings = import_module(module).Settings
        read = settings.variables()
        known |= read
        passed = {name for name in services[service]["environment"] if name.startswith("PROOFWATCH_")}
        findings += [f"docker-compose.yml: {service} gets {name}, which it does not read" for name in passed - read]
    findings += [f".env.example: {name} is missing; say what it does and its default" for name in known - documented]
    findings += [f".env.example: {name} is read by nothing" for name in documented - known]
    sys.stderr.write("".join(f"{finding}\n" for finding in sorted(set(findings))))
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
