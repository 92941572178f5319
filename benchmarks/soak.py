"""Fifteen minutes of a family's life at once: growth of memory, descriptors and threads, and wrong bytes.

    .venv/bin/python benchmarks/soak.py [--minutes 15] [--seed 1]

Eight clients upload, read, list, rename, favourite and delete, each in an album of its own whose contents it knows
byte by byte. Every few seconds the server's own figures are noted; the end compares the last third with the second.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import http.client
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PASSWORD = "for a soak test"
CLIENTS = 8
NAMES = 60
"""Photos that a client juggles with."""

LARGEST = 400_000
"""Bytes of the largest of them; every hundredth is fifty times as large."""

GROWTH = 1.10
"""How much more the last third may hold than the second."""

CONFIGURATION = "sumu:\n  trash:\n    max_bytes: 50M\n"
"""Every replaced photo goes to the trash, and its record is held in memory: without a limit that is what would grow."""


class Client(threading.Thread):
    """One phone: it knows what it stored, and finds nothing else."""

    def __init__(self, number: int, port: int, seed: int, until: float) -> None:
        super().__init__(name=f"client {number}")
        self.random = random.Random(f"{seed}-{number}")
        self.album = f"/alice/album{number}"
        self.until = until
        self.port = port
        self.known: dict[str, str] = {}
        self.done = 0
        self.wrong: list[str] = []
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)

    def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, bytes]:
        """One request on the kept connection."""
        token = base64.b64encode(f"alice:{PASSWORD}".encode()).decode()
        self._connection.request(method, path, body, {"Authorization": f"Basic {token}", **headers})
        answer = self._connection.getresponse()
        self.done += 1
        return answer.status, answer.read()

    def expect(self, what: str, status: int, *allowed: int) -> None:
        """Note an answer that should not have been."""
        if status not in allowed:
            self.wrong.append(f"{self.name}: {what}: {status}")

    def run(self) -> None:
        """Live until the time is over, then compare everything."""
        self.ask("MKCOL", self.album + "/")
        acts = (self.upload, self.upload, self.read, self.read, self.list, self.rename, self.favorite, self.delete)
        while time.time() < self.until and not self.wrong:
            self.random.choice(acts)()
        for name in list(self.known):
            self.compare(name)
        self._connection.close()

    def upload(self) -> None:
        """A new photo, or other bytes for an old one."""
        size = self.random.randrange(1, LARGEST) * (50 if self.random.randrange(100) == 0 else 1)
        body = b"\xff\xd8\xff\xe0" + self.random.randbytes(min(size, 4096)) + bytes(size)
        name = f"IMG_{self.random.randrange(NAMES)}.jpg"
        status, _ = self.ask("PUT", f"{self.album}/{name}", body)
        self.expect(f"PUT {name}", status, 201, 204)
        self.known[name] = hashlib.sha256(body).hexdigest()

    def some(self) -> str | None:
        """One of the photos that are there."""
        return self.random.choice(sorted(self.known)) if self.known else None

    def compare(self, name: str) -> None:
        """Read a photo and look whether it is what was stored."""
        status, body = self.ask("GET", f"{self.album}/{name}")
        self.expect(f"GET {name}", status, 200)
        if hashlib.sha256(body).hexdigest() != self.known[name]:
            self.wrong.append(f"{self.name}: {name} has other bytes")

    def read(self) -> None:
        """Read one of them."""
        name = self.some()
        if name is not None:
            self.compare(name)

    def list(self) -> None:
        """List the album: every photo once, and no other."""
        status, body = self.ask("PROPFIND", self.album + "/", Depth="1")
        self.expect("PROPFIND", status, 207)
        shown = body.count(b"<d:response>") - 1
        if shown != len(self.known):
            self.wrong.append(f"{self.name}: {shown} listed, {len(self.known)} stored")

    def rename(self) -> None:
        """Give one another name, perhaps over another."""
        name = self.some()
        target = f"IMG_{self.random.randrange(NAMES)}.jpg"
        if name is None or name == target:
            return
        status, _ = self.ask("MOVE", f"{self.album}/{name}", Destination=f"{self.album}/{target}")
        self.expect(f"MOVE {name} {target}", status, 201, 204)
        self.known[target] = self.known.pop(name)

    def favorite(self) -> None:
        """Set or clear a flag."""
        name = self.some()
        if name is None:
            return
        body = (
            '<propertyupdate xmlns="DAV:"><set><prop><isFavorite xmlns="urn:sumu">'
            f"{self.random.randrange(2)}</isFavorite></prop></set></propertyupdate>"
        )
        status, _ = self.ask("PROPPATCH", f"{self.album}/{name}", body.encode())
        self.expect(f"PROPPATCH {name}", status, 207)

    def delete(self) -> None:
        """Delete one."""
        name = self.some()
        if name is None:
            return
        status, _ = self.ask("DELETE", f"{self.album}/{name}")
        self.expect(f"DELETE {name}", status, 204)
        del self.known[name]


def figures(pid: int) -> tuple[int, int, int]:
    """Resident KiB, open descriptors, threads of a process."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return int(status["VmRSS"].split()[0]), len(os.listdir(f"/proc/{pid}/fd")), int(status["Threads"])


def main() -> int:
    """Run; 1 where something grew or was wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        Path(f"{folder}/sumu.yaml").write_text(CONFIGURATION)
        places = ["--config", f"{folder}/sumu.yaml", "--plex", f"{folder}/plex", "--state", f"{folder}/state"]
        program = [sys.executable, "-m", "sumu_dav"]
        add = [*program, "user", "add", "alice", "--password-stdin", *places]
        subprocess.run(add, input=PASSWORD, text=True, check=True, cwd=ROOT)
        with open(f"{folder}/log", "wb") as log:
            server = subprocess.Popen(
                [*program, "serve", "--port", "0", *places], stdout=subprocess.PIPE, stderr=log, cwd=ROOT, text=True
            )
        assert server.stdout is not None
        port = int(server.stdout.readline().rstrip("/\n").rpartition(":")[2])
        seen, clients = soak(server.pid, port, arguments.minutes * 60, arguments.seed)
        server.send_signal(signal.SIGTERM)
        code = server.wait(20)
        tracebacks = Path(f"{folder}/log").read_text(errors="replace").count("Traceback")
    return verdict(seen, clients, code, tracebacks)


def soak(pid: int, port: int, seconds: float, seed: int) -> tuple[list[tuple[int, int, int]], list[Client]]:
    """Let the clients live, and look at the server meanwhile."""
    until = time.time() + seconds
    clients = [Client(number, port, seed, until) for number in range(CLIENTS)]
    for client in clients:
        client.start()
    seen: list[tuple[int, int, int]] = []
    while any(client.is_alive() for client in clients):
        time.sleep(min(5.0, seconds / 30))
        if time.time() < until:
            seen.append(figures(pid))
    return seen, clients


def verdict(seen: list[tuple[int, int, int]], clients: list[Client], code: int, tracebacks: int) -> int:
    """Print what was seen, and judge it."""
    wrong = [line for client in clients for line in client.wrong]
    third = len(seen) // 3
    bad = bool(wrong) or code != 0 or tracebacks > 0
    for position, name in enumerate(("memory, KiB", "descriptors", "threads")):
        second = statistics.median(each[position] for each in seen[third : 2 * third])
        last = statistics.median(each[position] for each in seen[2 * third :])
        grew = last > second * GROWTH + 8
        bad |= grew
        print(f"{name:12} second third {second:10.0f}   last third {last:10.0f}   {'GREW' if grew else 'steady'}")
    print(
        f"{sum(client.done for client in clients)} requests, {len(wrong)} wrong, {tracebacks} tracebacks, exit {code}"
    )
    for line in wrong[:10]:
        print(line)
    return int(bad)


if __name__ == "__main__":
    sys.exit(main())
