"""TLS: versions, the handshake's cost, renewal, and that answers and bodies are the same in it."""

from __future__ import annotations

import hashlib
import os
import shutil
import ssl
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

from sumu_dav.server import tls
from support.toy import echo, hello, toy_server

if shutil.which("openssl") is None:
    pytest.skip("openssl, which makes the certificates, is not installed", allow_module_level=True)


def make_certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A self-signed certificate for localhost, and its key."""
    certificate, key = folder / f"{name}.pem", folder / f"{name}.key"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    options = ["-days", "2", "-subj", f"/CN={name}", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run([*command, *options, "-out", certificate, "-keyout", key], check=True, capture_output=True)
    return certificate, key


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_certificate(tmp_path_factory.mktemp("tls"), "first")


def trusting(certificate: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate))


def test_requests_bodies_and_answers(pair: tuple[Path, Path]) -> None:
    with toy_server(echo, certificate=pair[0], private_key=pair[1]) as toy:
        assert toy.server.url.startswith("https://")
        client = toy.connect(tls=trusting(pair[0]))
        for size in (0, 10, 100_000, 5_000_000):
            content = os.urandom(size)
            client.send(f"PUT / HTTP/1.1\r\nHost: toy\r\nContent-Length: {size}\r\n\r\n".encode() + content)
            assert client.answer().content == content
        client.send(b"GET / HTTP/1.1\r\nHost: toy\r\n\r\n" * 10)
        assert [client.answer().status for _ in range(10)] == [200] * 10


def test_files(pair: tuple[Path, Path], tmp_path: Path) -> None:
    path = tmp_path / "file"
    content = os.urandom(20_000_000)
    path.write_bytes(content)

    def app(environ: dict[str, Any], start_response: Any) -> Any:
        start_response("200 OK", [("X-Scheme", environ["wsgi.url_scheme"])])
        return environ["wsgi.file_wrapper"](path.open("rb"))

    with toy_server(app, certificate=pair[0], private_key=pair[1]) as toy:
        answer = toy.connect(tls=trusting(pair[0])).get()
    assert answer.headers["x-scheme"] == "https"
    assert hashlib.sha256(answer.content).digest() == hashlib.sha256(content).digest()


def test_silent_clients_freeze_nothing_and_end(pair: tuple[Path, Path]) -> None:
    with toy_server(hello, certificate=pair[0], private_key=pair[1], threads=1, head_timeout=1.0) as toy:
        silent = [toy.connect() for _ in range(50)]
        silent[0].send(b"\x16\x03\x01")
        assert toy.connect(tls=trusting(pair[0])).get().status == 200
        assert all(client.is_closed() for client in silent)


def test_nothing_older_than_tls_1_2(pair: tuple[Path, Path]) -> None:
    context = trusting(pair[0])
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with toy_server(hello, certificate=pair[0], private_key=pair[1]) as toy:
        assert toy.connect(tls=context).get().status == 200
        with pytest.warns(DeprecationWarning, match="TLSv1_1"):
            context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises((ssl.SSLError, ConnectionError)):
            toy.connect(tls=context)


def test_plain_http_gets_an_answer(pair: tuple[Path, Path]) -> None:
    with toy_server(hello, certificate=pair[0], private_key=pair[1]) as toy:
        assert toy.connect().get().status == 400


def test_a_renewed_certificate_is_taken_and_a_broken_one_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(tls, "CHECK_INTERVAL", 0)
    first, second = make_certificate(tmp_path, "first"), make_certificate(tmp_path, "second")
    live = tmp_path / "live.pem", tmp_path / "live.key"
    for source, target in zip(first, live, strict=True):
        shutil.copy(source, target)
    with toy_server(hello, certificate=live[0], private_key=live[1]) as toy:
        before = toy.connect(tls=trusting(first[0]))
        assert before.get().status == 200
        shutil.copy(second[0], live[0])
        assert toy.connect(tls=trusting(first[0])).get().status == 200
        assert "can't be used" in caplog.text
        shutil.copy(second[1], live[1])
        assert toy.connect(tls=trusting(second[0])).get().status == 200
        assert before.get().status == 200


def test_a_renewal_under_load_costs_nobody_a_connection(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The two files are replaced one after the other, as renewing programs do: who comes in between is served, too."""
    monkeypatch.setattr(tls, "CHECK_INTERVAL", 0)
    pairs = [make_certificate(tmp_path, f"number {number}") for number in range(4)]
    live = tmp_path / "live.pem", tmp_path / "live.key"
    both = ssl.create_default_context(cadata="".join(certificate.read_text() for certificate, _ in pairs))

    def renew(pair: tuple[Path, Path]) -> None:
        for source, target in zip(pair, live, strict=True):
            shutil.copy(source, tmp_path / "new")
            (tmp_path / "new").rename(target)

    renew(pairs[0])
    stop = threading.Event()
    failures: list[Exception] = []
    served = threading.Semaphore(0)
    with toy_server(hello, certificate=live[0], private_key=live[1]) as toy:

        def keep_connecting() -> None:
            while not stop.is_set():
                try:
                    client = toy.connect(tls=both)
                    assert client.get().status == client.get().status == 200
                    client.close()
                except (OSError, EOFError) as error:
                    failures.append(error)
                served.release()

        threads = [threading.Thread(target=keep_connecting) for _ in range(3)]
        for thread in threads:
            thread.start()
        for pair in pairs[1:]:
            renew(pair)
            for _ in range(20):
                served.acquire()
            assert toy.connect(tls=trusting(pair[0])).get().status == 200
        stop.set()
        for thread in threads:
            thread.join()
    assert failures == []


def test_a_start_without_a_certificate_is_none(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), toy_server(hello, certificate=tmp_path / "none.pem"):
        pass
