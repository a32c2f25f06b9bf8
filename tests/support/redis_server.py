"""One real Redis server without persistence: the product treats it as a cache that may be wiped."""

import redis

from tests.support.certificates import Authority, Issued
from tests.support.containers import DockerRunner, docker_host
from tests.support.debian import ensure_programs
from tests.support.native import NativeRunner, scratch_dir
from tests.support.runner import Runner, await_ready, free_port, started

_NO_PERSISTENCE = ["--save", "", "--appendonly", "no"]


class RedisServer:
    """Handle of the running server; `kill` and `start` keep its address and, on purpose, none of its data."""

    def __init__(self, runner: Runner, url: str) -> None:
        """`url`: `redis://host:port/0`."""
        self._runner = runner
        self.url = url

    @property
    def pid(self) -> int:
        """Process id of the server; changes with every `start`."""
        return self._runner.pid

    def start(self) -> None:
        """Start it, empty, and wait until it answers PING."""
        self._runner.start()
        await_ready("Redis", self._runner, self._ping)

    def flush(self) -> None:
        """Delete all keys of all databases."""
        with redis.Redis.from_url(self.url) as client:
            client.flushall()

    def kill(self) -> None:
        """SIGKILL it; every key is lost."""
        self._runner.kill()

    def close(self) -> None:
        """End it for good."""
        self._runner.close()

    def _ping(self) -> None:
        with redis.Redis.from_url(self.url, socket_timeout=2) as client:
            client.ping()


def secured_redis(certificate: Issued, authority: Authority, password: str) -> RedisServer:
    """Start one that speaks TLS only and asks for a password; `url` is that of a client who knows both."""
    ensure_programs(["redis-server"], ["redis-server"])
    scratch, port = scratch_dir("redis"), free_port()
    tls = ["--port", "0", "--tls-port", str(port), "--tls-auth-clients", "no"]
    tls += ["--tls-ca-cert-file", str(authority.file)]
    tls += ["--tls-cert-file", str(certificate.certificate), "--tls-key-file", str(certificate.key)]
    options = ["--bind", "127.0.0.1", *tls, "--requirepass", password, "--daemonize", "no", *_NO_PERSISTENCE]
    url = f"rediss://:{password}@127.0.0.1:{port}/0?ssl_ca_certs={authority.file}"
    return started(RedisServer(NativeRunner(["redis-server", *options], scratch), url))


def native_redis() -> RedisServer:
    """Start the system's redis-server on a free port of 127.0.0.1."""
    ensure_programs(["redis-server"], ["redis-server"])
    scratch, port = scratch_dir("redis"), free_port()
    options = ["--bind", "127.0.0.1", "--port", str(port), "--daemonize", "no", *_NO_PERSISTENCE]
    runner = NativeRunner(["redis-server", *options], scratch)
    return started(RedisServer(runner, f"redis://127.0.0.1:{port}/0"))


def docker_redis() -> RedisServer:
    """Start the official image."""
    port = free_port()
    command = 'redis-server --save "" --appendonly no'
    runner = DockerRunner("redis:7", container_port=6379, host_port=port, env={}, command=command)
    return started(RedisServer(runner, f"redis://{docker_host()}:{port}/0"))
