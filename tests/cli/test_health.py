"""`health` asks the page of a running server, and its exit code tells cron and Docker what it said."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from sumu_dav.cli.health import local_url
from sumu_dav.settings import from_document
from support.server import Server


def test_a_server_that_is_well(server: Server) -> None:
    answer = server.command("health", "--url", server.url)
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "healthy\n", "")


def test_a_server_that_lacks_space_says_so(start_server: Callable[..., Server]) -> None:
    server = start_server(sumu={"health": {"min_free": "100000T"}})
    answer = server.command("health", "--url", server.url)
    assert answer.returncode == 1
    assert "nearly full" in answer.stdout


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "ftp://127.0.0.1/", "nonsense", "http://[/"])
def test_no_server_is_one_line_and_another_code(server: Server, url: str) -> None:
    answer = server.command("health", "--url", url)
    assert answer.returncode == 2
    assert answer.stdout == ""
    assert answer.stderr.startswith("no answer from ") or answer.stderr.startswith("sumu-dav: ")
    assert answer.stderr.count("\n") == 1


def test_a_server_over_tls_is_asked_on_this_machine_whatever_its_certificate_says(
    start_server: Callable[..., Server], needs: Callable[..., None], tmp_path: Path
) -> None:
    needs("openssl")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
            *("-subj", "/CN=photos.example.org", "-keyout", str(key), "-out", str(certificate)),
        ],
        check=True,
        capture_output=True,
    )
    server = start_server(options=("--certificate", str(certificate), "--private-key", str(key)))
    assert server.url.startswith("https://")
    assert server.command("health", "--url", server.url).returncode == 0


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("0.0.0.0", "http://127.0.0.1:8080/"),
        ("::", "http://[::1]:8080/"),
        ("192.0.2.1", "http://192.0.2.1:8080/"),
    ],
)
def test_without_a_url_the_configured_server_is_asked(host: str, url: str) -> None:
    assert local_url(from_document({"host": host, "port": 8080}, None)) == url
