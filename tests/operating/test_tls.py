"""https in a depot's own network: certificates that a browser accepts, keys nobody reads."""

import ssl
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from railtrace.config import Config
from railtrace.errors import ConfigError, NotFound
from railtrace.operating import tls
from tests.operating.depot import NOW


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(name="tests", data=str(tmp_path / "data"), keys=str(tmp_path / "keys"), tls=True)


def certificate(path: Path) -> x509.Certificate:
    return x509.load_pem_x509_certificate(path.read_bytes())


def authority(config: Config) -> x509.Certificate:
    return certificate(tls.folder_of(config) / "authority.crt")


def test_the_server_is_vouched_for_by_the_authority(config: Config) -> None:
    server = certificate(tls.issue(config, ["depot.local", "10.1.2.3"], NOW))
    server.verify_directly_issued_by(authority(config))
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["depot.local"]
    assert [str(ip) for ip in names.get_values_for_type(x509.IPAddress)] == ["10.1.2.3"]


def test_a_browsers_library_accepts_the_pair(config: Config) -> None:
    tls.issue(config, ["localhost"], NOW)
    files = tls.server_files(config)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(*files)
    client = ssl.create_default_context(cafile=str(tls.folder_of(config) / "authority.crt"))
    left, right, back, forth = ssl.MemoryBIO(), ssl.MemoryBIO(), None, None
    back = client.wrap_bio(left, right, server_hostname="localhost")
    forth = server.wrap_bio(right, left, server_side=True)
    for side in (back, forth, back, forth):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    assert back.getpeercert()


def test_the_authority_is_made_once_and_each_server_certificate_is_new(config: Config) -> None:
    first = certificate(tls.issue(config, ["localhost"], NOW))
    made = authority(config)
    second = certificate(tls.issue(config, ["localhost"], NOW + timedelta(days=300)))
    assert authority(config) == made
    assert first.serial_number != second.serial_number
    second.verify_directly_issued_by(made)


def test_only_the_authority_may_vouch_for_others(config: Config) -> None:
    server = certificate(tls.issue(config, ["localhost"], NOW))
    limits = [
        c.extensions.get_extension_for_class(x509.BasicConstraints).value
        for c in (authority(config), server)
    ]
    assert [(limit.ca, limit.path_length) for limit in limits] == [(True, 0), (False, None)]


def test_tablets_accept_its_length_of_life(config: Config) -> None:
    server = certificate(tls.issue(config, ["localhost"], NOW))
    assert server.not_valid_after_utc - server.not_valid_before_utc <= timedelta(days=398)
    assert server.not_valid_before_utc < NOW < server.not_valid_after_utc


def test_nobody_else_may_read_the_keys(config: Config) -> None:
    tls.issue(config, ["localhost"], NOW)
    folder = tls.folder_of(config)
    assert {path.name: path.stat().st_mode & 0o777 for path in folder.glob("*.key")} == {
        "authority.key": 0o600, "server.key": 0o600,
    }  # fmt: skip


def test_a_name_with_other_letters_is_written_as_browsers_do(config: Config) -> None:
    server = certificate(tls.issue(config, ["пример.local"], NOW))
    names = server.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["xn--e1afmkfd.local"]


@pytest.mark.parametrize("host", ["", "two words", "a..b", "a" * 70])
def test_a_host_that_is_none_is_refused(config: Config, host: str) -> None:
    with pytest.raises(ConfigError, match="neither a host name nor an IP address"):
        tls.issue(config, [host], NOW)


def test_serving_without_a_certificate_says_how_to_make_one(config: Config) -> None:
    with pytest.raises(NotFound, match="run `railtrace tls HOST`"):
        tls.server_files(config)


@contextmanager
def shared(config: Config) -> Iterator[str]:
    server = tls.share(config, "127.0.0.1", 0, "https://127.0.0.1:8000/")
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_tablet_fetches_the_authority_and_nothing_else(config: Config) -> None:
    tls.issue(config, ["127.0.0.1"], NOW)
    with shared(config) as address:
        with urllib.request.urlopen(f"{address}/{tls.DOWNLOAD}") as answer:
            assert answer.headers["Content-Type"] == "application/x-x509-ca-cert"
            assert x509.load_pem_x509_certificate(answer.read()) == authority(config)
        for path in ("/", "/authority.key", "/../authority.key", "/server.key"):
            with urllib.request.urlopen(address + path) as answer:
                text = answer.read().decode()
                assert "PRIVATE" not in text
                assert tls.fingerprint_of(config) in text


def test_the_page_for_tablets_holds_a_readable_code(config: Config, tmp_path: Path) -> None:
    import segno
    import zxingcpp
    from PIL import Image

    tls.issue(config, ["10.1.2.3"], NOW)
    url = f"http://10.1.2.3:8001/{tls.DOWNLOAD}"
    page = tls.tablet_page(config, url, "https://10.1.2.3:8000/")
    segno.make(url, error="m").save(str(tmp_path / "code.png"), scale=8)
    assert page.count("<svg") == 1
    [found] = zxingcpp.read_barcodes(Image.open(tmp_path / "code.png"))
    assert found.text == url
    assert isinstance(
        tls._load_key(tls.folder_of(config) / "server.key"), ec.EllipticCurvePrivateKey
    )
