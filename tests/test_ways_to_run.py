"""Each way to run the server that can be tried here: from a fresh clone with make, installed by pip, and by WsgiDAV's
own launcher. The systemd unit, the container's script, the cron script and the proxies are tried in tests/config/.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from support.checkout import clone
from support.dav import SUMU, Dav
from support.samples import jpeg
from support.server import ROOT, password_of

PATIENCE = 60.0
"""Seconds until a test gives up on a start."""

STOP = 20.0
"""Seconds that a server may take to end."""


@contextmanager
def running(
    command: Sequence[str], url: str, *, log: Path, end: int = signal.SIGINT, **options: object
) -> Iterator[subprocess.Popen[bytes]]:
    """The command, once something answers at the URL; asked to end (as Ctrl-C does) when the block is left."""
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True, **options)  # type: ignore[call-overload]
    try:
        deadline = time.monotonic() + PATIENCE
        while not answers(url):
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.1)
        yield process
        os.killpg(process.pid, end)
        process.wait(STOP)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).status_code > 0
    except requests.ConnectionError:
        return False


def a_day_of_use(client: Dav) -> None:
    """Upload, list, make a favourite, read, rename, delete."""
    photo = jpeg(taken="2024:05:17 10:11:12")
    user = client.user
    stored = client.put(f"/{user}/IMG_1.jpg", photo)
    assert stored.status_code == 201, stored.text
    assert stored.headers["ETag"]
    assert client.proppatch(f"/{user}/IMG_1.jpg", {SUMU + "isFavorite": "1"}).status_code == 207
    assert client.names(f"/{user}/") == {"IMG_1.jpg", "24-05/", "favorites/"}
    assert client.get(f"/{user}/favorites/IMG_1.jpg").content == photo
    assert client.properties(f"/{user}/24-05/IMG_1.jpg", SUMU + "isFavorite") == {SUMU + "isFavorite": "1"}
    assert client.mkcol(f"/{user}/trip/").status_code == 201
    assert client.move(f"/{user}/IMG_1.jpg", f"/{user}/trip/IMG_1.jpg").status_code == 201
    assert client.put(f"/{user}/trip/2.jpg", jpeg()).status_code == 201
    assert client.delete(f"/{user}/trip/2.jpg").status_code == 204
    assert client.names(f"/{user}/trip/") == {"IMG_1.jpg"}
    lock = client.lock(f"/{user}/trip/IMG_1.jpg")
    assert lock.status_code == 200
    assert client.put(f"/{user}/trip/IMG_1.jpg", jpeg()).status_code == 423


def test_wsgidavs_own_launcher_serves_the_same_tree(tmp_path: Path, accounts: Path, free_port: int) -> None:
    launcher = Path(sys.executable).with_name("wsgidav")
    assert launcher.exists()
    state = tmp_path / "data" / "state"
    state.mkdir(parents=True, mode=0o700)
    shutil.copy2(accounts, state / "accounts.json")
    shutil.copy2(ROOT / "wsgidav.yaml", tmp_path / "wsgidav.yaml")
    url = f"http://127.0.0.1:{free_port}/"
    command = [
        str(launcher),
        "--config",
        str(tmp_path / "wsgidav.yaml"),
        "--port",
        str(free_port),
        "--host",
        "127.0.0.1",
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}

    # Ctrl-C while cheroot hands a connection to a worker can lose a wake-up (threading.Condition.notify is interrupted
    # behind its release): that launcher then waits for a second Ctrl-C. SIGTERM ends it at once.
    with running(command, url + "-/health", log=tmp_path / "log", end=signal.SIGTERM, cwd=tmp_path, env=environment):
        alice = Dav(url, "alice", password_of("alice"))
        a_day_of_use(alice)
        assert requests.get(url + "-/health", timeout=10).json() == {"healthy": True, "problems": []}
        assert requests.request("PROPFIND", url + "alice/", timeout=10).status_code == 401
        assert Dav(url, "bob", password_of("bob")).propfind("/alice/").status_code == 404
        alice.close()

    def ours(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "sumu_dav", *words, "--config", str(tmp_path / "wsgidav.yaml")],
            env=environment, capture_output=True, text=True, check=False,
        )  # fmt: skip

    assert (tmp_path / "data/plex/alice/trip/IMG_1.jpg").is_file()
    checked = ours("check", "--hash")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    found = ours("search", "--favorite", "--json")
    assert '"IMG_1.jpg"' in found.stdout


def environment_of_a_newcomer(home: Path) -> Mapping[str, str]:
    """One's own home and temporary folder, new and empty; the package index stays the one of this machine."""
    for name in ("home", "tmp"):
        (home / name).mkdir(parents=True)
    index = {name: value for name, value in os.environ.items() if name.startswith("PIP_") or name.endswith("_proxy")}
    configured = Path.home() / ".config" / "pip" / "pip.conf"
    if configured.exists():
        index.setdefault("PIP_CONFIG_FILE", str(configured))
    return {
        **index,
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "HOME": str(home / "home"),
        "TMPDIR": str(home / "tmp"),
        "USER": "alice",
        "LOGNAME": "alice",
        "PYTHON": sys.executable,
    }


def first_account(log: Path) -> tuple[str, str]:
    """Name and password, as a first start prints them."""
    (words,) = (line.split() for line in log.read_text().splitlines() if line.startswith("account "))
    assert (words[0], words[2]) == ("account", "password")
    return words[1], words[3]


@pytest.mark.slow  # it installs all dependencies anew
def test_make_serve_on_a_fresh_clone_writes_nothing_outside_of_it(
    tmp_path: Path, free_port: int, needs: Callable[..., None]
) -> None:
    needs("make", "git")
    checkout = clone(tmp_path / "checkout")
    environment = environment_of_a_newcomer(tmp_path)
    url = f"http://127.0.0.1:{free_port}/"

    command = ["make", "serve", f"PORT={free_port}"]
    with running(command, url, log=tmp_path / "log", cwd=checkout, env=environment):
        assert f"serving {url}\n" in (tmp_path / "log").read_text()
        client = Dav(url, *first_account(tmp_path / "log"))
        a_day_of_use(client)
        client.close()

    assert sorted(path.name for path in tmp_path.iterdir()) == ["checkout", "home", "log", "tmp"]
    assert list((tmp_path / "home").iterdir()) == []
    assert list((tmp_path / "tmp").iterdir()) == []
    assert (checkout / "data" / "plex").is_dir()


@pytest.mark.slow  # it installs all dependencies anew
def test_installed_by_pip_it_serves_from_anywhere(tmp_path: Path, free_port: int, needs: Callable[..., None]) -> None:
    needs("git")
    checkout = clone(tmp_path / "checkout")
    environment = environment_of_a_newcomer(tmp_path)
    where = tmp_path / "elsewhere"
    where.mkdir()

    def run(*command: str) -> None:
        subprocess.run(command, check=True, cwd=where, env=environment, stdout=subprocess.DEVNULL)

    run(sys.executable, "-m", "venv", "installed")
    run("installed/bin/pip", "--no-cache-dir", "install", "--quiet", str(checkout))
    url = f"http://127.0.0.1:{free_port}/"
    command = ["installed/bin/sumu-dav", "serve", "--port", str(free_port), "--plex", "photos", "--state", "state"]
    with running(command, url, log=tmp_path / "log", cwd=where, env=environment):
        name, password = first_account(tmp_path / "log")
        run("installed/bin/sumu-dav", "health", "--url", url)
        client = Dav(url, name, password)
        a_day_of_use(client)
        client.close()
    assert sorted(path.name for path in where.iterdir()) == ["installed", "photos", "state"]
