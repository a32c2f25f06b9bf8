"""Hold .env.example and docker-compose.yml against the settings that the services read. Part of `make lint`.

Both ways: what compose passes on must be read by something, and what a service reads must be passed on, or stand here
with the reason why not.
"""

import re
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import yaml

CONFIGS = {
    "topics": "proofwatch.runtime.settings",
    "migrate": "proofwatch.runtime.settings",
    "scorer": "services.scorer.config",
    "devices": "services.devices.config",
    "combine": "services.aggregator.config",
    "windows": "services.aggregator.config:GovernedSettings",
    "ledger": "services.aggregator.config:LedgerSettings",
    "incidents": "services.aggregator.config",
    "triage": "services.triage.config",
    "notifier": "services.notifier.config",
    "consents": "services.consents.config",
    "auditor": "services.auditor.config",
    "privacy": "services.privacy.config",
    "imagery": "services.imagery.config",
    "console": "services.console.config",
}
COMMANDS = ("services.governance.config",)
TASKS = {"topics", "migrate"}
"""They run once and end: what tunes a running service means nothing to them."""

COMPOSE_ONLY = {"PROOFWATCH_CONFIG_DIR", "PROOFWATCH_IMAGE_TAG"}
NOT_PASSED = {
    "PROOFWATCH_PARTITIONS_FILE": "read by topics alone",
    "PROOFWATCH_INSTANCE_ID": "replicas of one compose service could not differ in it",
    "PROOFWATCH_HEALTH_HOST": "a container is probed from outside",
    "PROOFWATCH_POSTGRES_DSN": "only services with tables get the database's password",
    "PROOFWATCH_REDIS_URL": "only the scorer and who erases there",
}
BROKER = re.compile(r"PROOFWATCH_KAFKA_(SECURITY|SASL|OAUTH|SSL)_\w+")
"""Not passed: the broker of this file speaks plain text, inside its network."""

REFERENCE = re.compile(r"\$\{(\w+)")


def main() -> int:
    """Print one line for each difference; return 1 if there is one."""
    root = Path(__file__).parents[1]
    findings = sorted(set(differences((root / ".env.example").read_text(), (root / "docker-compose.yml").read_text())))
    sys.stderr.write("".join(f"{finding}\n" for finding in findings))
    return 1 if findings else 0


def differences(example: str, compose: str) -> list[str]:
    """Return a sentence for every variable that is in one place and not in the other."""
    documented = set(re.findall(r"^#?([A-Z]\w+)=", example, re.MULTILINE))
    services = yaml.safe_load(compose)["services"]
    findings: list[str] = []
    known = set(COMPOSE_ONLY).union(*(import_module(module).Settings.variables() for module in COMMANDS))
    for service, module in CONFIGS.items():
        name, _, settings = module.partition(":")
        read = getattr(import_module(name), settings or "Settings").variables()
        known |= read
        passed = {name for name in services[service]["environment"] if name.startswith("PROOFWATCH_")}
        findings += [f"docker-compose.yml: {service} gets {name}, which it does not read" for name in passed - read]
        if service not in TASKS:
            findings += [
                f"docker-compose.yml: {service} reads {name}, which it does not get; pass it on, or say here why not"
                for name in read - passed
                if not _excused(name, read, passed)
            ]
    ours = {name for name in documented if name.startswith("PROOFWATCH_")}
    findings += [f".env.example: {name} is missing; say what it does and its default" for name in known - ours]
    findings += [f".env.example: {name} is read by nothing" for name in ours - known]
    referred = set(REFERENCE.findall(compose))
    findings += [f".env.example: {name} is missing; docker-compose.yml refers to it" for name in referred - documented]
    findings += [f".env.example: {name} is read by nothing" for name in documented - ours - referred]
    findings += [finding for name, service in services.items() for finding in _unlimited(name, service)]
    return findings


def _excused(name: str, read: frozenset[str], passed: set[str]) -> bool:
    """Return whether it is not passed on for a reason; a secret comes from .env, or from a file of Docker's."""
    other = name.removesuffix("_FILE") if name.endswith("_FILE") else f"{name}_FILE"
    return (
        name in NOT_PASSED
        or bool(BROKER.fullmatch(name))
        or (other in read and name.endswith("_FILE"))
        or (other in passed)
    )


def _unlimited(name: str, service: dict[str, Any]) -> list[str]:
    """Return what a service lacks that would fill or take the host."""
    wanted = {"logging": service.get("logging", {}).get("options", {}).get("max-size")}
    if name not in TASKS:
        wanted |= {"mem_limit": service.get("mem_limit"), "pids_limit": service.get("pids_limit")}
    missing = [f"docker-compose.yml: {name} has no {what}" for what, given in wanted.items() if not given]
    image = re.sub(r"^\$\{\w+:-(.*)\}$", r"\1", service["image"])
    if not re.search(r"@sha256:|:\d+\.\d+(\.\d+)?$|:\$\{", image):
        missing.append(f"docker-compose.yml: {name} runs {image}; name an exact version or a digest")
    return missing


if __name__ == "__main__":
    sys.exit(main())
