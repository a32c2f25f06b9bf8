"""A certificate authority for a test, and certificates for 127.0.0.1 and for clients."""

from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

_DAY = timedelta(days=1)


class Issued(NamedTuple):
    """The files of one certificate; `both` holds key and certificate."""

    certificate: Path
    key: Path
    both: Path


class Authority:
    """Signs certificates; everything lies in `directory`."""

    def __init__(self, directory: Path, name: str = "authority") -> None:
        self._directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._certificate = self._signed(self._name, self._key, authority=True)
        self.file = directory / f"{name}.pem"
        self.file.write_bytes(_pem(self._certificate))

    def issue(self, name: str, *, address: str | None = None, password: str | None = None) -> Issued:
        """Return a certificate for `name`, of the host `address` if that is given; the key encrypted by `password`."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        certificate = _pem(self._signed(subject, key, address=address))
        encryption = (
            serialization.BestAvailableEncryption(password.encode()) if password else serialization.NoEncryption()
        )
        secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)
        files = Issued(*(self._directory / f"{name}{suffix}" for suffix in (".crt", ".key", ".pem")))
        for path, content in zip(files, (certificate, secret, secret + certificate), strict=True):
            path.write_bytes(content)
            path.chmod(0o600)
        return files

    def _signed(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        *,
        address: str | None = None,
        authority: bool = False,
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - _DAY)
            .not_valid_after(now + _DAY)
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
        if address:
            builder = builder.add_extension(
                x509.SubjectAlternativeName([x509.IPAddress(ip_address(address))]), critical=False
            )
        return builder.sign(self._key, hashes.SHA256())


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
