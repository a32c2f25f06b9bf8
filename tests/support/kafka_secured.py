"""A real broker that asks who you are: TLS, SASL, and an authorizer that denies what no ACL allows."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)
from confluent_kafka.admin._scram import (
    ScramCredentialInfo,
    ScramMechanism,
    UserScramCredentialAlteration,
    UserScramCredentialUpsertion,
)

from services.operations.access import Acl
from tests.support.certificates import Authority
from tests.support.kafka_broker import KafkaBroker, native_kafka
from tests.support.runner import ComponentError, free_port

_KINDS = {
    "topic": ResourceType.TOPIC,
    "group": ResourceType.GROUP,
    "transactional-id": ResourceType.TRANSACTIONAL_ID,
}
LISTENERS = ("SASL_SSL", "SASL_PLAINTEXT", "MUTUAL")
PASSWORD = "correct-horse-battery"
PLAIN_USER = "plain-user"
SUPER_USERS = ("ada", PLAIN_USER)
"""May do everything once they have proved who they are."""
_SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
_PLAIN = f'org.apache.kafka.common.security.plain.PlainLoginModule required user_{PLAIN_USER}="{PASSWORD}";'
_OAUTH = "org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;"
_MECHANISMS = {"scram-sha-256": _SCRAM, "scram-sha-512": _SCRAM, "plain": _PLAIN, "oauthbearer": _OAUTH}


@dataclass(frozen=True)
class SecuredBroker:
    """The broker, and its listeners by name. Whoever comes in plain text, to `broker.bootstrap`, may do everything."""

    broker: KafkaBroker
    authority: Authority
    addresses: dict[str, str]
    directory: Path

    def add_users(self, names: Sequence[str], password: str = PASSWORD) -> None:
        """Make SCRAM users of both kinds."""
        admin = AdminClient({"bootstrap.servers": self.broker.bootstrap})
        for mechanism in (ScramMechanism.SCRAM_SHA_256, ScramMechanism.SCRAM_SHA_512):  # one of a user in a request
            info = ScramCredentialInfo(mechanism, 4096)
            made: list[UserScramCredentialAlteration] = [
                UserScramCredentialUpsertion(name, info, password.encode()) for name in names
            ]
            for future in admin.alter_user_scram_credentials(made, request_timeout=30).values():
                future.result()

    def environment(self, user: str, password_file: Path, mechanism: str = "SCRAM-SHA-512") -> dict[str, str]:
        """Return the settings of a client over SASL_SSL."""
        return {
            "PROOFWATCH_KAFKA_BOOTSTRAP": self.addresses["SASL_SSL"],
            "PROOFWATCH_KAFKA_SECURITY_PROTOCOL": "SASL_SSL",
            "PROOFWATCH_KAFKA_SASL_MECHANISM": mechanism,
            "PROOFWATCH_KAFKA_SASL_USERNAME": user,
            "PROOFWATCH_KAFKA_SASL_PASSWORD_FILE": str(password_file),
            "PROOFWATCH_KAFKA_SSL_CA_FILE": str(self.authority.file),
        }


def secured_kafka(directory: Path, *, super_users: Iterable[str] = ()) -> SecuredBroker:
    """Start a broker from the official jars; its certificates lie in `directory`."""
    authority = Authority(directory)
    broker = authority.issue("broker", address="127.0.0.1")
    addresses = {name: f"127.0.0.1:{free_port()}" for name in LISTENERS}
    protocols = {"PLAINTEXT": "PLAINTEXT", "CONTROLLER": "PLAINTEXT", "MUTUAL": "SSL"}
    protocols |= {name: name for name in LISTENERS if name not in protocols}
    settings = {
        "listener.security.protocol.map": ",".join(f"{name}:{protocol}" for name, protocol in protocols.items()),
        "inter.broker.listener.name": "PLAINTEXT",
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(broker.both),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(authority.file),
        "listener.name.mutual.ssl.client.auth": "required",
        "listener.name.mutual.ssl.principal.mapping.rules": "RULE:^CN=([^,]+).*$/$1/,DEFAULT",
        "sasl.enabled.mechanisms": ",".join(_MECHANISMS).upper(),
        "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
        "super.users": ";".join(f"User:{name}" for name in ("ANONYMOUS", *super_users)),
    }
    for listener in ("sasl_ssl", "sasl_plaintext"):
        for mechanism, module in _MECHANISMS.items():
            settings[f"listener.name.{listener}.{mechanism}.sasl.jaas.config"] = module
    return SecuredBroker(native_kafka(settings, addresses), authority, addresses, directory)


def allow(secured: SecuredBroker, wanted: Iterable[Acl]) -> None:
    """Add permissions, and wait until the broker goes by them."""
    admin = AdminClient({"bootstrap.servers": secured.broker.bootstrap})
    bindings = [
        AclBinding(
            _KINDS[acl.resource_type],
            acl.resource,
            ResourcePatternType[acl.pattern_type.upper()],
            acl.principal,
            "*",
            AclOperation[acl.operation],
            AclPermissionType.ALLOW,
        )
        for acl in wanted
    ]
    for future in admin.create_acls(bindings, request_timeout=30).values():
        future.result()
    anything: Any = None
    everything = AclBindingFilter(
        ResourceType.ANY,
        anything,
        ResourcePatternType.ANY,
        anything,
        anything,
        AclOperation.ANY,
        AclPermissionType.ANY,
    )
    for _ in range(600):
        if len(admin.describe_acls(everything, request_timeout=30).result()) >= len(set(bindings)):
            return
        time.sleep(0.1)
    raise ComponentError("the broker does not go by its ACLs after a minute")
