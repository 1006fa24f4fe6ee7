"""https in a depot's own network: a certificate authority of the installation's own.

Cameras and passkeys work over https only. Tablets are told once to trust this authority; its
key lies with the log key, apart from the data.
"""

import io
import ipaddress
import os
import re
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

import segno
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from railtrace.config import Config
from railtrace.errors import ConfigError, NotFound

AUTHORITY_LIFE = timedelta(days=3650)
# The longest that iPads and Android tablets accept of a server.
SERVER_LIFE = timedelta(days=397)
_HOST = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
DOWNLOAD = "railtrace-authority.crt"


class _Files(NamedTuple):
    certificate: str
    key: str


AUTHORITY = _Files("authority.crt", "authority.key")
SERVER = _Files("server.crt", "server.key")


def folder_of(config: Config) -> Path:
    """Return where certificates and their keys lie."""
    return config.keys_folder / "tls"


def issue(config: Config, hosts: list[str], now: datetime) -> Path:
    """Make the authority where there is none, and a new server certificate; return its file."""
    names = x509.SubjectAlternativeName([_general_name(host) for host in hosts])
    folder = folder_of(config)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not (folder / AUTHORITY.certificate).exists():
        _make_authority(folder, config.name, now)
    authority = x509.load_pem_x509_certificate((folder / AUTHORITY.certificate).read_bytes())
    signer = _load_key(folder / AUTHORITY.key)
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = (
        _builder(hosts[0], authority.subject, key.public_key(), now, SERVER_LIFE)
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(_issued_by(authority), critical=False)
        .sign(signer, hashes.SHA256())
    )
    _write(folder, SERVER, certificate, key)
    return folder / SERVER.certificate


def _make_authority(folder: Path, name: str, now: datetime) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"Railtrace {name}"[:64])])
    certificate = (
        _builder(f"Railtrace {name}"[:64], subject, key.public_key(), now, AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_SIGNS_CERTIFICATES, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    _write(folder, AUTHORITY, certificate, key)


_SIGNS_CERTIFICATES = x509.KeyUsage(
    digital_signature=False, content_commitment=False, key_encipherment=False,
    data_encipherment=False, key_agreement=False, key_cert_sign=True, crl_sign=True,
    encipher_only=False, decipher_only=False,
)  # fmt: skip


def _builder(
    common_name: str, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime,
    life: timedelta,
) -> x509.CertificateBuilder:  # fmt: skip
    # A tablet's clock may be an hour behind.
    begin = now - timedelta(hours=1)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name[:64])])
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + life)
    )


def _issued_by(authority: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    identifier = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        pass
    try:
        name = host.encode("idna").decode()
    except UnicodeError:
        name = ""
    if not _HOST.fullmatch(name):
        raise ConfigError(
            "{host} is neither a host name nor an IP address: give what tablets type in",
            host=repr(host),
        )
    return x509.DNSName(name)


def _write(
    folder: Path, files: _Files, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey
) -> None:
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    draft = folder / f".{files.key}"
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(secret)
    draft.replace(folder / files.key)
    (folder / files.certificate).write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def _load_key(path: Path) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    return key


def server_files(config: Config) -> tuple[Path, Path]:
    """Return certificate and key to serve with. Raises NotFound."""
    folder = folder_of(config)
    files = folder / SERVER.certificate, folder / SERVER.key
    if not all(path.exists() for path in files):
        raise NotFound(
            "there is no server certificate in {folder}: run `railtrace tls HOST`", folder=folder
        )
    return files


def expiry_of(path: Path) -> datetime:
    """Return when a certificate ends."""
    return x509.load_pem_x509_certificate(path.read_bytes()).not_valid_after_utc


def fingerprint_of(config: Config) -> str:
    """Return the authority's SHA-256, as tablets show it."""
    path = folder_of(config) / AUTHORITY.certificate
    raw = x509.load_pem_x509_certificate(path.read_bytes()).fingerprint(hashes.SHA256())
    return raw.hex(":").upper()


# --- how a tablet gets the authority's certificate ----------------------------------------

_PAGE = """<!doctype html>
<html lang="ru"><meta charset="utf-8"><title>Railtrace: https</title>
<meta name="viewport" content="width=device-width">
<style>body{{font:18px/1.5 sans-serif;max-width:40em;margin:2em auto;padding:0 1em}}
svg{{width:16em;height:16em}}code{{overflow-wrap:anywhere}}</style>
<h1>Railtrace: {name}</h1>
<p>Установите сертификат один раз на этом планшете.<br>
Сертификатро дар ин планшет як бор насб кунед.<br>
Install the certificate on this tablet once.</p>
<p><a href="{url}">{url}</a></p>
{qr}
<p>SHA-256:<br><code>{fingerprint}</code></p>
<p>→ <a href="{target}">{target}</a></p>
</html>
"""


def tablet_page(config: Config, url: str, target: str) -> str:
    """Return the page to print or show: the certificate's address as a QR code."""
    drawing = io.BytesIO()
    segno.make(url, error="m").save(drawing, kind="svg", scale=8, xmldecl=False, svgns=True)
    return _PAGE.format(
        name=config.name, url=url, qr=drawing.getvalue().decode(),
        fingerprint=fingerprint_of(config), target=target,
    )  # fmt: skip


def share(config: Config, host: str, port: int, target: str) -> ThreadingHTTPServer:
    """Return a plain http server of the authority's certificate and its page, nothing else."""
    certificate = (folder_of(config) / AUTHORITY.certificate).read_bytes()
    page = tablet_page(config, f"http://{host}:{port}/{DOWNLOAD}", target).encode()

    class _Shared(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_certificate = self.path == f"/{DOWNLOAD}"
            kind = "application/x-x509-ca-cert" if is_certificate else "text/html; charset=utf-8"
            content = certificate if is_certificate else page
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            """Addresses are personal data: nothing is logged."""

    return ThreadingHTTPServer(("", port), _Shared)
