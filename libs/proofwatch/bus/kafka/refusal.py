"""Why Kafka does not let us in: one more attempt at each address tells what the library keeps to itself."""

import asyncio
import ssl
from typing import Any, Final

from aiokafka.conn import collect_hosts, create_conn
from aiokafka.errors import (
    AuthenticationFailedError,
    IllegalSaslStateError,
    KafkaError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)
from aiokafka.protocol.admin import SaslHandShakeRequest

from proofwatch.bus.errors import BusUnavailable, Refused
from proofwatch.bus.kafka.security import Security
from proofwatch.bus.wording import plain, reason

_ATTEMPT_S: Final = 5.0
_PROTOCOL: Final = "PROOFWATCH_KAFKA_SECURITY_PROTOCOL"


async def why_not(bootstrap: str, security: Security, error: BaseException) -> BusUnavailable:
    """Return what to raise in place of `error`: `Refused` with one sentence where a setting is wrong.

    Takes a few seconds for each address at most; secrets are not in the sentence.
    """
    hosts: list[str] = []
    reasons: list[str] = []
    for host, port, _ in collect_hosts(bootstrap, randomize=False):
        where = f"{host}:{port}"
        try:
            sentence = await _attempt(host, port, where, security)
        except (KafkaError, OSError, TimeoutError) as failed:
            hosts.append(where)
            reasons.append(reason(failed))
            continue
        if sentence:
            return Refused(sentence)
    if len(set(reasons)) > 1:
        why = "; ".join(f"{where}: {said}" for where, said in zip(hosts, reasons, strict=True))
    else:
        why = reasons[0] if reasons else plain(error)
    return BusUnavailable(f"Kafka does not answer at {bootstrap}: {why}")


async def _attempt(host: str, port: int, where: str, security: Security) -> str | None:
    try:
        connection = await _connected(host, port, security)
    except AuthenticationFailedError as error:
        return f"no token for Kafka: {_said(error)}"
    except SaslAuthenticationFailed as error:
        who = f"the user {security.username!r}" if security.username else "the token"
        return f"Kafka at {where} refused {who}: {_said(error)}"
    except UnsupportedSaslMechanismError as error:
        return f"Kafka at {where} does not take PROOFWATCH_KAFKA_SASL_MECHANISM={security.mechanism}: {_said(error)}"
    except IllegalSaslStateError:
        right = "SSL" if security.tls else "PLAINTEXT"
        return f"Kafka at {where} asks for no user; {_PROTOCOL} is {security.protocol}, right may be {right}"
    except ssl.SSLCertVerificationError as error:
        return (
            f"the certificate of Kafka at {where} is not trusted: {error.verify_message}; see "
            "PROOFWATCH_KAFKA_SSL_CA_FILE and the host name in PROOFWATCH_KAFKA_BOOTSTRAP"
        )
    except (KafkaError, OSError, TimeoutError) as error:
        return await _other_transport(host, port, where, security) or _tls_alert(where, error)
    connection.close()
    return None if security.mechanism else await _wants_sasl(host, port, where, security)


async def _connected(host: str, port: int, security: Security) -> Any:
    return await create_conn(
        host, port, client_id="proofwatch-probe", request_timeout_ms=int(_ATTEMPT_S * 1000), **security.options()
    )


async def _other_transport(host: str, port: int, where: str, security: Security) -> str | None:
    """Return a sentence if the port speaks TLS where we do not, or does not where we do."""
    if security.tls is None:
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # nothing is sent; is it TLS at all?
        async with asyncio.timeout(_ATTEMPT_S):
            _, writer = await asyncio.open_connection(host, port, ssl=context)
        writer.close()
        right = "SASL_SSL" if security.mechanism else "SSL or SASL_SSL"
        return f"Kafka at {where} speaks TLS; {_PROTOCOL} is {security.protocol}, right may be {right}"
    try:
        (await _connected(host, port, Security())).close()
    except (KafkaError, OSError, TimeoutError):
        return None
    right = "SASL_PLAINTEXT" if security.mechanism else "PLAINTEXT or SASL_PLAINTEXT"
    return f"Kafka at {where} speaks no TLS; {_PROTOCOL} is {security.protocol}, right may be {right}"


async def _wants_sasl(host: str, port: int, where: str, security: Security) -> str | None:
    connection = await _connected(host, port, security)
    try:
        answer = await connection.send(SaslHandShakeRequest("?"))
    finally:
        connection.close()
    if not answer.enabled_mechanisms:
        return None
    right = "SASL_SSL" if security.tls else "SASL_PLAINTEXT"
    offered = ", ".join(answer.enabled_mechanisms)
    return f"Kafka at {where} asks for a user ({offered}); {_PROTOCOL} is {security.protocol}, right may be {right}"


def _tls_alert(where: str, error: BaseException) -> str | None:
    """Return a sentence for a handshake that the broker ended, as it does without a certificate that it knows."""
    cause: BaseException | None = error
    while cause and not isinstance(cause, ssl.SSLError):
        cause = cause.__cause__ or cause.__context__
    if not isinstance(cause, ssl.SSLError):
        return None
    reason = (cause.reason or str(cause)).lower().replace("_", " ")
    return f"Kafka at {where} ended the TLS handshake ({reason}); see PROOFWATCH_KAFKA_SSL_CERTIFICATE_FILE"


def _said(error: KafkaError) -> str:
    return str(error.args[0]) if error.args else str(error)
