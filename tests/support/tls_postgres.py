"""TLS in front of a real PostgreSQL, as PostgreSQL speaks it; the server of the wheel is built without it."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.support.certificates import Issued
from tests.support.streams import copied

_SSL_REQUEST = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"


@asynccontextmanager
async def tls_postgres(socket: Path, certificate: Issued | None) -> AsyncIterator[str]:
    """Give `127.0.0.1:port` of a server that passes on to the server at `socket`.

    `certificate` None: it refuses TLS, as a server without it does.
    """
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    if certificate:
        context.load_cert_chain(certificate.certificate, certificate.key)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            first = await reader.readexactly(8)
            if first == _SSL_REQUEST:
                writer.write(b"S" if certificate else b"N")
                await writer.drain()
                first = b""
                if certificate:
                    await writer.start_tls(context)
            there_reader, there_writer = await asyncio.open_unix_connection(str(socket))
            there_writer.write(first)
            await asyncio.gather(copied(reader, there_writer), copied(there_reader, writer))
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client did not like our certificate, or hung up
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
