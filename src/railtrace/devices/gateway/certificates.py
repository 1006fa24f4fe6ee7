"""A gateway's own certificate: what an OPC UA server or a broker is told to trust.

The address in it (`urn:railtrace:gateway:NAME`) is the application of OPC UA; RSA, because every
OPC UA server understands it.
"""

import os
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from railtrace.errors import ConfigError

CERTIFICATE, KEY = "gateway-certificate.pem", "gateway-key.pem"
LIFE = timedelta(days=10 * 365)


def application_of(name: str) -> str:
    """Return the address by which a gateway is known as an OPC UA application."""
    return f"urn:railtrace:gateway:{name}"


def make(folder: Path, name: str, now: datetime) -> Path:
    """Write a certificate of the gateway and its key; return the certificate's path.

    Raises ConfigError when there is one already: servers trust it by its bytes.
    """
    target = folder / CERTIFICATE
    if target.exists():
        raise ConfigError("{file} is there: it is not written over", file=target)
    key = rsa.generate_private_key(65537, 2048)
    who = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Railtrace gateway {name}"[:64])])
    usages = [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH]
    certificate = (
        x509.CertificateBuilder().subject_name(who).issuer_name(who)
        .public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1)).not_valid_after(now + LIFE)
        .add_extension(x509.SubjectAlternativeName(
            [x509.UniformResourceIdentifier(application_of(name))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_USES, critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    _private(folder / KEY, key.private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))  # fmt: skip
    target.write_bytes(certificate.public_bytes(Encoding.PEM))
    return target


_USES = x509.KeyUsage(
    digital_signature=True, content_commitment=True, key_encipherment=True, data_encipherment=True,
    key_agreement=False, key_cert_sign=False, crl_sign=False, encipher_only=False,
    decipher_only=False,
)  # fmt: skip


def _private(path: Path, content: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)


def address_in(path: Path) -> str:
    """Return the application's address in a certificate. Raises ConfigError."""
    try:
        content = path.read_bytes()
        load = x509.load_pem_x509_certificate if b"-----" in content else (
            x509.load_der_x509_certificate
        )  # fmt: skip
        names = load(content).extensions.get_extension_for_class(x509.SubjectAlternativeName)
        found: list[str] = names.value.get_values_for_type(x509.UniformResourceIdentifier)
    except (OSError, ValueError, x509.ExtensionNotFound) as error:
        raise ConfigError("{file} is no certificate of an application: {problem}",
                          file=path, problem=error) from error  # fmt: skip
    if not found:
        raise ConfigError("{file} is no certificate of an application: {problem}",
                          file=path, problem="it names no address")  # fmt: skip
    return found[0]
