"""A component as a Docker container through testcontainers, whose reaper removes it even if pytest is killed."""

import os
import socket
from functools import cache
from urllib.parse import urlsplit

from docker.errors import DockerException  # type: ignore[import-untyped] # it ships no types
from testcontainers.core.container import DockerContainer
from testcontainers.core.docker_client import DockerClient, get_docker_host

from tests.support.runner import ComponentError

MODE = "PROOFWATCH_TEST_COMPONENTS"


def use_docker() -> bool:
    """Tell whether components run in Docker: where its daemon answers, unless the environment decides.

    PROOFWATCH_TEST_COMPONENTS = docker | native | auto (the default).
    """
    mode = os.environ.get(MODE, "auto")
    if mode not in ("auto", "docker", "native"):
        raise ComponentError(f"{MODE}={mode!r} in the environment: it must be docker, native or auto")
    return mode == "docker" or (mode == "auto" and _docker_answers())


@cache
def _docker_answers() -> bool:
    address = urlsplit(get_docker_host() or "unix:///var/run/docker.sock")
    if address.scheme == "unix" and not _listens(address.path):
        return False  # asked first because the client leaves the socket of a refused connection open
    try:
        client = DockerClient(timeout=5).client
    except DockerException:
        return False
    try:
        return bool(client.ping())
    except DockerException:
        return False
    finally:
        client.close()


def _listens(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(path) == 0


def docker_host() -> str:
    """Return the host under which published container ports are reached from here."""
    client = DockerClient()
    try:
        return client.host()
    finally:
        client.client.close()


class DockerRunner:
    """A `Runner` for one container with one published port; `kill` and `start` keep its file system."""

    def __init__(
        self, image: str, *, container_port: int, host_port: int, env: dict[str, str], command: str | None = None
    ) -> None:
        """`host_port` is fixed, not drawn by Docker, so that the address survives a restart."""
        self._image = image
        self._container = DockerContainer(image, command=command, env=env)
        self._container.with_bind_ports(container_port, host_port)
        self._created = False

    @property
    def pid(self) -> int:
        """Process id in the Docker host's name space: good for signals only where Docker runs on this host."""
        wrapped = self._container.get_wrapped_container()
        wrapped.reload()
        return int(wrapped.attrs["State"]["Pid"])

    def start(self) -> None:
        """Create the container, pulling its image if need be, or start the killed one again."""
        try:
            if self._created:
                self._container.get_wrapped_container().start()
            else:
                self._container.start()
                self._created = True
        except DockerException as error:
            message = f"Docker cannot start {self._image}: {error}; {MODE}=native runs it without Docker"
            raise ComponentError(message) from error

    def kill(self) -> None:
        """SIGKILL the container's first process and wait until the container is down."""
        wrapped = self._container.get_wrapped_container()
        wrapped.kill(signal="SIGKILL")
        wrapped.wait()

    def close(self) -> None:
        """Remove the container with its volumes."""
        self._container.stop()

    def alive(self) -> bool:
        """Tell whether Docker says that the container runs."""
        if not self._created:
            return False
        wrapped = self._container.get_wrapped_container()
        wrapped.reload()
        return str(wrapped.status) == "running"

    def log_tail(self, lines: int = 30) -> str:
        """Return the last lines of the container's output."""
        if not self._created:
            return "(the container was never created)"
        output: bytes = self._container.get_wrapped_container().logs(tail=lines)
        return output.decode(errors="replace")
