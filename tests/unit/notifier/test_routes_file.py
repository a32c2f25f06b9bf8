"""Reading routes and opening channels: what is wrong is said, secrets are not."""

from pathlib import Path

import pytest

from services.notifier.adapters.channels.kind import InvalidChannel
from services.notifier.adapters.channels.registry import open_channels
from services.notifier.routes_file import InvalidRoutes, Routes, load_routes

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
WEBHOOK = "soc: {kind: webhook, url: 'https://soc.example.org/hook', secret_env: SOC_SECRET}"


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "routes.yaml"
    path.write_text(text)
    return path


def test_the_example_of_the_readme_is_a_right_one(tmp_path: Path) -> None:
    """Who copies it gets what it shows."""
    readme = (Path(__file__).parents[3] / "services/notifier/README.md").read_text()
    routes = load_routes(written(tmp_path, readme.split("```yaml\n")[1].split("```")[0]))
    assert routes.all_channels().keys() >= {"log", "soc", "audit-trail"}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("routes: [", "line 1: is not valid YAML"),
        ("[]", "the file: "),
        ("route: []", "route: "),
        ("routes: [{name: a, channels: [log]}]", "routes are a tree now"),
        ("route: {name: a}", "give it channels"),
        ("route: {name: a, channels: [log], match: {severity: high}}", "the first route takes everything"),
        ("route: {name: digest, channels: [log]}", "a name that the service uses"),
        ("route: {name: a, channels: [log], group_wait: soon}", "write 30s, 5m, 4h, 1d or 1h30m"),
        ("route: {name: a, channels: [log], mute: [nights]}", "names the times nights; there are: none"),
        ("times: {n: [{from: '25:00'}]}", "write 00:00 to 24:00"),
        ("limits: {pager: {messages: 1, per: 1h}}", "limits.pager: there is no such channel"),
        ("inhibit: [{source: [a], target: [b=c]}]", "is no condition on a label"),
        ("route: {name: a, channels: [log], escalate: {after: 5m, channels: []}}", "escalate.channels: "),
        ("route: {name: a, channels: [pager]}", "route a names the channel pager; there are: log"),
        ("route: {name: a, channels: [log], routes: [{name: a}]}", "two routes are called a"),
        ("route: {name: r, channels: [log], routes: [{name: a, match: {severity: urgent}}]}", "match.severity: "),
        ("route: {name: r, routes: [{name: a, match: {source: [soc.suspicions.v1]}}]}", "match.source.0: "),
        ("channels: {soc: {kind: carrier-pigeon}}", "channels.soc: "),
        ("channels: {soc: {kind: webhook, url: 'https://h.example'}}", "give either secret_env"),
        ("channels: {soc: {kind: webhook, url: 'https://10.1.2.3', secret_env: A}}", "say private: true"),
        ("channels: {soc: {kind: webhook, url: 'https://[::1]/x', secret_env: A}}", "say private: true"),
        ("channels: {soc: {kind: webhook, url: 'https://hooks', secret_env: A}}", "say private: true"),
        ("channels: {soc: {kind: webhook, url: 'ftp://h.example', secret_env: A}}", "must be an http or https URL"),
        ("channels: {soc: {kind: webhook, url: 'https://u:p4ss@h.example', secret_env: A}}", "no credentials"),
        (f"channels: {{soc: {{kind: webhook, url: 'https://h.example', secret: {SECRET}}}}}", "secret: "),
        ("channels: {soc: {kind: webhook, url: 'https://h.example', secret_env: PROOFWATCH_X}}", "must not begin with"),
        (f"channels: {{soc: {{kind: webhook, url: 'https://h.example', secret_env: {SECRET}}}}}", "secret_env: "),
    ],
)
def test_a_wrong_file_is_refused_by_place_and_remedy(tmp_path: Path, text: str, says: str) -> None:
    """The operator reads file and key; a secret that was written into the file is not repeated."""
    path = written(tmp_path, text)
    with pytest.raises(InvalidRoutes) as refusal:
        load_routes(path)
    assert says in str(refusal.value)
    assert str(path) in str(refusal.value)
    assert SECRET not in str(refusal.value)
    assert "p4ss" not in str(refusal.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """A wrong path is seen at start-up."""
    with pytest.raises(InvalidRoutes, match=r"absent\.yaml: cannot be read"):
        load_routes(tmp_path / "absent.yaml")


@pytest.mark.parametrize("given", ["", "letmein", "whsec_c2hvcnQ=", f"{SECRET} whsec_???"])
async def test_a_bad_secret_stops_the_start_and_is_not_shown(tmp_path: Path, given: str) -> None:
    """The message names channel and variable, and how to make a right one."""
    routes = load_routes(written(tmp_path, f"channels: {{{WEBHOOK}}}"))
    with pytest.raises(InvalidChannel, match="channel soc: the secret in variable SOC_SECRET") as refusal:
        open_channels(routes.all_channels(), {"SOC_SECRET": given})
    assert "whsec_$(head -c 32 /dev/urandom | base64)" in str(refusal.value)
    for part in given.split():
        assert part not in str(refusal.value)


async def test_an_opened_channel_shows_no_secret(tmp_path: Path) -> None:
    """Not in its repr, not in that of what it holds; so no traceback or log line can."""
    secret_file = tmp_path / "secret"
    secret_file.write_text(f"{SECRET}\n{SECRET}\n")
    secret_file.chmod(0o600)
    text = f"channels: {{soc: {{kind: webhook, url: 'https://h.example', secret_file: {secret_file}}}}}"
    routes = load_routes(written(tmp_path, text))
    channels = open_channels(routes.all_channels(), {})
    shown = repr(channels) + repr(routes) + repr(vars(channels["soc"]))
    assert "Secret(…)" in shown
    assert SECRET.removeprefix("whsec_") not in shown
    for channel in channels.values():
        await channel.close()


async def test_a_channel_takes_its_secret_from_the_file_that_a_variable_names(tmp_path: Path) -> None:
    """SOC_SECRET_FILE does for webhooks what PROOFWATCH_…_FILE does for settings, by the same rules."""
    routes, secret_file = load_routes(written(tmp_path, f"channels: {{{WEBHOOK}}}")), tmp_path / "secret"
    secret_file.write_text(f"{SECRET}\n")
    secret_file.chmod(0o640)
    for channel in open_channels(routes.all_channels(), {"SOC_SECRET_FILE": str(secret_file)}).values():
        await channel.close()
    with pytest.raises(InvalidChannel, match="channel soc: SOC_SECRET and SOC_SECRET_FILE are both given"):
        open_channels(routes.all_channels(), {"SOC_SECRET_FILE": str(secret_file), "SOC_SECRET": SECRET})
    secret_file.chmod(0o644)
    with pytest.raises(InvalidChannel, match=r"channel soc: SOC_SECRET_FILE: .*mode 0644"):
        open_channels(routes.all_channels(), {"SOC_SECRET_FILE": str(secret_file)})


def test_a_path_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """A log file in a folder that is not there stops the start."""
    routes = Routes.model_validate({"channels": {"trail": {"kind": "log", "path": str(tmp_path / "no" / "file")}}})
    with pytest.raises(InvalidChannel, match=r"channel trail: .*cannot be appended to"):
        open_channels(routes.all_channels(), {})
