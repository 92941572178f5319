"""nginx and Caddy in front of the server, by the files in config/: real clients pass, and nothing is changed."""

from __future__ import annotations

import os
import random
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from support.dav import Dav, members
from support.programs import needs
from support.samples import jpeg
from support.server import ROOT, Server, password_of

START_SECONDS = 20.0
"""For a proxy to accept its first connection, on a busy machine."""

NGINX = """
daemon off; master_process off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    include {folder}/site.conf;
}}
"""
"""What Debian's nginx.conf does around a file in conf.d/, with nothing outside of the test's folder."""


class Front:
    """A proxy in front of a server: the same site over TLS and, for clients that can't skip checks, over plain HTTP."""

    def __init__(self, server: Server, folder: Path, plain: int, tls: int) -> None:
        self.server = server
        self.folder = folder
        self.url = f"http://localhost:{plain}/"
        self.secure_url = f"https://localhost:{tls}/"


@pytest.fixture(scope="module", params=["nginx", "caddy"])
def front(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, accounts: Path) -> Iterator[Front]:
    program = str(request.param)
    needs(program, "openssl")
    folder = tmp_path_factory.mktemp(program)
    plain, tls = free_ports(2)
    settings = {"trusted_proxies": ["127.0.0.1"], "public_url": f"https://localhost:{tls}/"}
    server = Server(folder / "server", accounts=accounts, sumu=settings)
    make_certificate(folder)
    command = (nginx if program == "nginx" else caddy)(folder, plain, tls, server.port)
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    try:
        server.start()
        with (folder / "proxy.log").open("w") as log:
            proxy = subprocess.Popen(command, stdout=log, stderr=log, env=environment, cwd=folder)
        try:
            for port in (plain, tls):
                wait_for(port, proxy, folder / "proxy.log")
            yield Front(server, folder, plain, tls)
            assert proxy.poll() is None, (folder / "proxy.log").read_text()
        finally:
            proxy.terminate()
            proxy.wait(20)
        assert "Traceback" not in server.log()
    finally:
        server.close()


def nginx(folder: Path, plain: int, tls: int, behind: int) -> list[str]:
    site = (ROOT / "config" / "nginx.conf").read_text()
    site = replaced(
        site,
        {
            "    listen [::]:80;\n": "",
            "    listen [::]:443 ssl http2;\n": f"    listen 127.0.0.1:{plain};\n",
            "    listen 80;\n": f"    listen 127.0.0.1:{free_ports(1)[0]};\n",
            "    listen 443 ssl http2;\n": f"    listen 127.0.0.1:{tls} ssl http2;\n",
            "photos.example.org;": "localhost;",
            "127.0.0.1:8080": f"127.0.0.1:{behind}",
            "/etc/letsencrypt/live/photos.example.org/fullchain.pem": f"{folder}/certificate.pem",
            "/etc/letsencrypt/live/photos.example.org/privkey.pem": f"{folder}/key.pem",
        },
    )
    (folder / "site.conf").write_text(site)
    (folder / "nginx.conf").write_text(NGINX.format(folder=folder))
    return ["nginx", "-e", f"{folder}/error.log", "-c", f"{folder}/nginx.conf"]


def caddy(folder: Path, plain: int, tls: int, behind: int) -> list[str]:
    site = replaced((ROOT / "config" / "Caddyfile").read_text(), {"127.0.0.1:8080": f"127.0.0.1:{behind}"})
    certificate = f"\ttls {folder}/certificate.pem {folder}/key.pem\n"
    written = [
        f"{{\n\tadmin off\n\tauto_https off\n\tstorage file_system {folder}/storage\n}}\n",
        replaced(site, {"photos.example.org {\n": f"http://localhost:{plain} {{\n"}),
        replaced(site, {"photos.example.org {\n": f"https://localhost:{tls} {{\n{certificate}"}),
    ]
    (folder / "Caddyfile").write_text("".join(written))
    return ["caddy", "run", "--config", f"{folder}/Caddyfile", "--adapter", "caddyfile"]


def replaced(text: str, changes: dict[str, str]) -> str:
    """The file with names and ports of the test in it; each must be there, so that the file and this stay together."""
    for old, new in changes.items():
        assert old in text, f"{old!r} is no longer in the file"
        text = text.replace(old, new)
    return text


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def make_certificate(folder: Path) -> None:
    subprocess.run(
        [
            *(
                "openssl",
                "req",
                "-x509",
                "-newkey",
                "ec",
                "-pkeyopt",
                "ec_paramgen_curve:P-256",
                "-nodes",
                "-days",
                "2",
            ),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
            *("-keyout", str(folder / "key.pem"), "-out", str(folder / "certificate.pem")),
        ],
        check=True,
        capture_output=True,
    )


def wait_for(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1.0).close()
        except ConnectionRefusedError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        else:
            return


@pytest.fixture
def alice(front: Front) -> Iterator[Dav]:
    """Over TLS, with the proxy's certificate checked."""
    client = Dav(front.secure_url, "alice", password_of("alice"))
    client._session.verify = str(front.folder / "certificate.pem")
    yield client
    client.close()


def test_litmus_passes(front: Front, needs: Callable[..., None]) -> None:
    needs("litmus")
    run = subprocess.run(
        ["litmus", "--keep-going", f"{front.url}alice/", "alice", password_of("alice")],
        capture_output=True,
        text=True,
        cwd=front.folder,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stdout
    assert "WARNING" not in run.stdout, run.stdout
    assert run.stdout.count("100.0%") == 5, run.stdout


def test_rclone_copies_and_finds_nothing_left_to_do(front: Front, needs: Callable[..., None], tmp_path: Path) -> None:
    needs("rclone")
    print("seed", 5)
    source = tmp_path / "source"
    source.mkdir()
    for number, name in enumerate(["plain.jpg", "ü 1.jpg", "50% & more;x.jpg", "写真.jpg", "#1+1.jpg", "a'b.jpg"]):
        (source / name).write_bytes(jpeg(seed=number))
    (source / "large.mov").write_bytes(random.Random(5).randbytes(12_000_000))
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "SSL_CERT_FILE": str(front.folder / "certificate.pem"),
        "RCLONE_CONFIG_SUMU_TYPE": "webdav",
        "RCLONE_CONFIG_SUMU_VENDOR": "owncloud",
        "RCLONE_CONFIG_SUMU_URL": f"{front.secure_url}alice",
        "RCLONE_CONFIG_SUMU_USER": "alice",
    }
    environment["RCLONE_CONFIG_SUMU_PASS"] = subprocess.run(
        ["rclone", "obscure", password_of("alice")], capture_output=True, text=True, check=True, env=environment
    ).stdout.strip()

    def rclone(*arguments: str) -> str:
        run = subprocess.run(
            ["rclone", "--retries", "1", "--low-level-retries", "1", "-v", *arguments],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            env=environment,
        )
        assert run.returncode == 0, run.stderr
        return run.stderr

    rclone("copy", str(source), "sumu:rclone")
    rclone("check", "--download", str(source), "sumu:rclone")
    assert "There was nothing to transfer" in rclone("copy", str(source), "sumu:rclone")


@pytest.mark.parametrize("name", ["50%25.txt", "a%23b.txt", "a%3Bb.txt", "%C3%BC%20%2B.txt", "~(x)'!.txt"])
def test_names_and_destination_reach_the_server_as_they_were_sent(front: Front, alice: Dav, name: str) -> None:
    top = f"{front.secure_url}alice/names/"
    alice.mkcol("/alice/names/")
    send = alice._session.request
    assert send("PUT", f"{top}from-{name}", data=name.encode()).status_code in (201, 204)
    moved = send("MOVE", f"{top}from-{name}", headers={"Destination": f"{top}to-{name}", "Overwrite": "T"})
    assert moved.status_code in (201, 204), moved.text
    assert send("GET", f"{top}to-{name}").content == name.encode()
    (listed,) = members(send("PROPFIND", f"{top}to-{name}", headers={"Depth": "0"}))
    assert listed.href == urlsplit(f"{top}to-{name}").path


def test_a_large_body_is_streamed_and_kept_nowhere_else(front: Front, alice: Dav) -> None:
    """The server has most of the first half on its disk before the client has sent the second."""
    half = bytes(3_000_000)
    waiting = front.server.plex / ".sumu"
    arrived: list[bool] = []

    def body() -> Iterator[bytes]:
        yield half
        deadline = time.monotonic() + 10
        while not (there := descriptors_hold(front.server, waiting) > len(half) // 2) and time.monotonic() < deadline:
            time.sleep(0.02)
        arrived.append(there)
        yield half

    assert alice.put("/alice/large.bin", body()).status_code == 201
    assert arrived == [True]
    assert alice.get("/alice/large.bin").content == half + half


def descriptors_hold(server: Server, below: Path) -> int:
    """The size of the largest file that the server has open below a folder, with a name or without."""
    assert server.process is not None
    largest = 0
    folder = Path(f"/proc/{server.process.pid}/fd")
    for descriptor in folder.iterdir():
        try:
            if os.readlink(descriptor).startswith(str(below)):
                largest = max(largest, descriptor.stat().st_size)
        except FileNotFoundError:
            continue
    return largest


def test_the_log_has_the_clients_address_and_not_what_it_claims(front: Front, alice: Dav) -> None:
    alice.request(
        "PROPFIND",
        "/alice/claims",
        headers={"Depth": "0", "X-Forwarded-For": "203.0.113.9", "Forwarded": "for=203.0.113.9"},
    )
    front.server.stop()
    assert "/alice/claims" in front.server.log()
    assert "203.0.113.9" not in front.server.log()
    front.server.start()
