"""`proofwatch imagery glass-ask|glass-agree|glass-end`: two people open what is somebody else's case, for minutes.

The broker alone decides; these ask it over HTTP, as a page would.
"""

import argparse
import sys
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

from proofwatch.command_line import kept
from proofwatch.command_line.session_file import add_as, token_in
from proofwatch.command_line.sub_commands import Add, SubCommands
from proofwatch.governance.purposes import Purpose
from services.imagery.api.routes import COOKIE
from services.imagery.config import Settings

_SECONDS: Final = 20.0
_HERE: Final = frozenset({"127.0.0.1", "::1", "localhost"})
_ID: Final = "k3Jq0n2mYd --as my.session"


class BrokerAway(Exception):
    """The broker cannot be asked, or does not answer; the message says what to do."""


def add_glass(actions: SubCommands) -> None:
    """Declare the three."""
    example = "--tenant kestrel --case C --transaction T --reason 'Ada is ill, the customer waits' --as my.session"
    summary = "ask to open a transaction of a case that is not assigned to you; a checker has a quarter of an hour"
    add = _add(actions, "glass-ask", summary, example, _ask)
    add("--tenant", type=kept.tenant, required=True, metavar="T", help="whose transaction it is")
    add("--case", type=kept.name, required=True, metavar="CASE", help="the case that holds it")
    add("--transaction", type=kept.name, required=True, metavar="ID", help="the transaction")
    purposes = sorted(each.value for each in Purpose)
    add("--purpose", choices=purposes, default=Purpose.PROVIDE_FEATURES.value, help="default: %(default)s")
    kept.add_reason(add)
    summary = "agree to what somebody else asked for: it opens now, for half an hour at most"
    add = _add(actions, "glass-agree", summary, f"{_ID} --reason 'I know of it'", _agree)
    add("glass", type=kept.name, metavar="ID", help="what asking returned")
    kept.add_reason(add, "why you agree; it stays in the audit log")
    add = _add(actions, "glass-end", "stop it: nothing is opened through it from now on", _ID, _end)
    add("glass", type=kept.name, metavar="ID", help="what asking returned")


async def _ask(args: argparse.Namespace) -> int:
    body = {
        "tenant": args.tenant,
        "case_id": args.case,
        "transaction_id": args.transaction,
        "purpose": args.purpose,
        "reason": args.reason,
    }
    return await _posted(
        args,
        "",
        body,
        "asked for, as {glass_id}: a checker of this tenant has until {expires_at} to agree:\n"
        "proofwatch imagery glass-agree {glass_id} --as their.session --reason '…'\n",
    )


async def _agree(args: argparse.Namespace) -> int:
    said = "it opens until {expires_at}, {uses} times; to stop it: proofwatch imagery glass-end {glass_id}\n"
    return await _posted(args, f"/{_part(args.glass)}/agree", {"reason": args.reason}, said)


async def _end(args: argparse.Namespace) -> int:
    return await _posted(args, f"/{_part(args.glass)}/end", {}, "it is over: nothing is opened through it any more\n")


def _add(actions: SubCommands, name: str, summary: str, example: str, act: Any) -> Add:
    add = actions.add(name, summary, example, act).add_argument
    add_as(add, required=True)
    add("--url", metavar="URL", help="where the broker answers; default: PROOFWATCH_IMAGERY_ORIGIN")
    return add


async def _posted(args: argparse.Namespace, path: str, body: dict[str, str], said: str) -> int:
    origin = Settings.read().imagery_origin
    url = (args.url or origin).rstrip("/")
    where = urlsplit(url)
    if where.scheme != "https" and where.hostname not in _HERE:
        raise BrokerAway(f"{url}: a session is sent over https, or to this machine; give --url https://…")
    headers = {"origin": origin, "cookie": f"{COOKIE}={token_in(args.session)}"}
    try:
        async with httpx.AsyncClient(timeout=_SECONDS, follow_redirects=False, trust_env=False) as client:
            answer = await client.post(f"{url}/api/imagery/glass{path}", json=body, headers=headers)
            told: Any = answer.json() if answer.content else {}
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise BrokerAway(f"the broker does not answer at {url}: {type(error).__name__}") from None
    if not answer.is_success:
        sys.stderr.write(f"{told.get('message', answer.status_code)}\n")
        return 1
    sys.stdout.write(said.format(**told))
    return 0


def _part(glass_id: str) -> str:
    """Return an id as a part of a path. Raises `BrokerAway` for what cannot be one."""
    if not glass_id.replace("-", "").replace("_", "").isalnum() or not glass_id.isascii():
        raise BrokerAway(f"{glass_id!r} is no id that asking returns")
    return glass_id
