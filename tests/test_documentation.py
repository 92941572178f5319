"""The README and every page of docs/ hold what they say: their commands are run, their links lead somewhere.

Each block of a page is code in a fence or indented by four spaces. Of a shell's block every line is either run, in the
order of the page, in a checkout with a server of its own; or it is listed below, with the reason why it is not.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from sumu_dav.settings import from_document
from support.checkout import clone, pretend_to_install
from support.programs import needs
from support.samples import jpeg
from support.server import ROOT, Server, password_of

PAGES = sorted(path.relative_to(ROOT).as_posix() for path in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")])

PROGRAMS = ("curl", "jq", "grep", "rclone", "python", ".venv/bin/sumu-dav", "make .venv/.installed")
"""What a line that is run begins with."""

NOT_RUN = {
    r"make (serve|test)": "serves, or is this; tests/test_ways_to_run.py tries it in a fresh clone",
    r"(\S+=\S+ )?(\S+/)?sumu-dav serve": "serves until it is ended: tests/test_ways_to_run.py, tests/server/",
    r"python3 -m venv|/opt/sumu-dav/.venv/bin/pip": "installs for minutes: tests/test_ways_to_run.py",
    r"git clone \. /opt|useradd|install -|systemctl|journalctl|runuser": "changes the machine: tests/config/",
    r"docker compose": "needs a Docker daemon: tests/config/test_docker.py",
    r"fail2ban-client": "changes the machine: tests/config/test_fail2ban.py",
    r"rsync": "tests/test_backup.py runs these very lines, while photos are uploaded",
    r"gio |mount |cadaver ": "a desktop, a mount, a prompt of its own: tests/clients/test_programs.py",
    r"git pull": "there is no remote to pull from",
    r"\.venv/bin/python benchmarks/": "takes minutes, and figures are for people to read",
}
"""Beginnings of lines that are commands and are not run here, and what tries them instead."""

SHOWN = {
    "README.md": ("account alice password", "serving http", "data/plex/", "data/state/"),
    "docs/storage-format.md": ('{"media"', '"1":', '"2":', '"3":', "}}", "[number,"),
    "docs/structure.md": (),
}
"""Beginnings of lines that show something and are no commands: what is printed, what lies where, formats."""

ELSEWHERE = {
    "cron": "tests/config/test_keep_running.py runs the script of these lines",
    "js": "tests/clients/ runs that program",
}
"""Languages of fences that are not run here, and what tries them instead."""

ANSWERS = ("jq", "grep", ".venv/bin/sumu-dav search", ".venv/bin/sumu-dav user list")
"""What is to print something, with the photos that are there."""

MADE_UP = "b49p-wqyi-fs6s-idrp-vgx3"
"""A password as the first start makes them: rclone takes it for one that was obscured, unless it is told otherwise."""


@dataclass(frozen=True)
class Block:
    """Code on a page: the language of its fence ("" where it is indented), and its lines."""

    number: int
    language: str
    lines: tuple[str, ...]


def blocks(text: str) -> Iterator[Block]:
    """The blocks of a page in Markdown."""
    lines = [*text.splitlines(), ""]
    number = 0
    while number < len(lines):
        begun, line = number, lines[number]
        number += 1
        if line.startswith("```"):
            while not lines[number].startswith("```"):
                number += 1
            yield Block(begun + 1, line[3:], tuple(filter(None, lines[begun + 1 : number])))
            number += 1
        elif line.startswith("    ") and begun and (not lines[begun - 1].strip() or lines[begun - 1].startswith("#")):
            while lines[number].startswith("    ") or (not lines[number] and lines[number + 1 :][:1] > ["    "]):
                number += 1
            yield Block(begun + 1, "", tuple(each.strip() for each in lines[begun:number] if each.strip()))


class Reader:
    """Someone who types what a page says, in a checkout, while the server runs there."""

    def __init__(self, folder: Path, accounts: Path, port: int) -> None:
        self.checkout = clone(folder / "checkout")
        pretend_to_install(self.checkout)
        self.server = Server(folder / "server", accounts=accounts)
        self._home = folder / "home"
        (self._home / "Pictures").mkdir(parents=True)
        for number in range(3):
            (self._home / "Pictures" / f"{number}.jpg").write_bytes(jpeg())
        photo = jpeg(taken="2024:05:17 10:11:12", gps=(33.83, -118.3), make="Apple", model="iPhone 11")
        (self.checkout / "IMG_1.jpg").write_bytes(photo)
        (self.checkout / "IMG_2.jpg").write_bytes(jpeg())
        data = self.checkout / "data"
        data.mkdir()
        (data / "plex").symlink_to(self.server.plex)
        (data / "state").symlink_to(self.server.state)
        self.server.start()
        self.server.command("user", "remove", "bob")  # whom the README adds
        self.server.command("user", "password", "alice", "--password-stdin", stdin=MADE_UP)
        config = self.checkout / "wsgidav.yaml"
        config.write_text(config.read_text().replace("port: 8080", f"port: {self.server.port}"))
        # what the pages begin with: a favourite, and something in the audit log's and the trash's lists
        alice = self.server.session("alice", MADE_UP)
        alice.mkcol("/alice/trip/")
        alice.put("/alice/IMG_0.jpg", jpeg(taken="2024:05:16 10:11:12"), x_favorite="1")
        alice.put("/alice/gone.jpg", jpeg(taken="2024:05:16 10:11:12"))
        alice.put("/alice/IMG_2.jpg", photo)
        alice.delete("/alice/24-05/gone.jpg")
        alice.put(
            "/alice/24-05/by hand.jpg", jpeg(gps=(33.83, -118.3), make="Apple", model="iPhone 11"), x_favorite="1"
        )

    def types(self, line: str, folder: str = ".") -> subprocess.CompletedProcess[str]:
        """Run a line, with the names of this test in place of those of the page."""
        for said, meant in (
            ("http://127.0.0.1:8080/", self.server.url),
            ("https://photos.example.org/", self.server.url),
            ("/phone/DCIM", "~/Pictures"),
            ("curl -u alice ", f"curl --fail --silent --show-error -u 'alice:{MADE_UP}' "),
            ("curl -u root ", f"curl --fail --silent --show-error -u 'root:{password_of('root')}' "),
            ("pass=PASSWORD", f"pass='{MADE_UP}'"),
            ('"PASSWORD"', repr(MADE_UP)),
        ):
            line = line.replace(said, meant)
        asks = re.match(r"\.venv/bin/sumu-dav user (add|password) ", line)  # in a terminal, which is not here
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", line + (" --password-stdin" if asks else "")],
            cwd=self.checkout / folder,
            env={
                "PATH": f"{self.checkout}/.venv/bin:{os.environ['PATH']}",
                "HOME": str(self._home),
                "LANG": "C.UTF-8",
                "NO_PROXY": "127.0.0.1",
            },
            input="open sesame somebody\n",
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@pytest.fixture
def reader(tmp_path: Path, accounts: Path, free_port: int) -> Iterator[Reader]:
    reader = Reader(tmp_path, accounts, free_port)
    yield reader
    reader.server.close()


def is_not_run(line: str) -> bool:
    return any(re.match(beginning, line) for beginning in NOT_RUN)


@pytest.mark.parametrize("page", [page for page in PAGES if any(blocks((ROOT / page).read_text()))])
def test_its_commands_do_what_they_are_there_for(page: str, reader: Reader) -> None:
    needs("curl", "jq", "rclone")
    folder = "data" if page == "docs/storage-format.md" else "."  # the page says: where state/ is
    for block in blocks((ROOT / page).read_text()):
        for line in shell_lines(page, block):
            answer = reader.types(line, folder)
            where = f"{page}, the block at line {block.number}: {line}"
            assert answer.returncode == 0, f"{where}\n{answer.stdout}{answer.stderr}"
            assert answer.stdout or not line.startswith(ANSWERS), f"{where}\nprinted nothing"
        if block.language == "python":
            answer = reader.types("python - <<'EOF'\n" + "\n".join(block.lines) + "\nEOF")
            assert answer.returncode == 0, answer.stderr
        if block.language == "yaml":
            document = yaml.safe_load("\n".join(block.lines))
            if "sumu" in document:
                from_document(document, None)


def shell_lines(page: str, block: Block) -> list[str]:
    """The lines of the block that are to be run. Fails for one that is neither run nor accounted for."""
    if block.language not in ("", "sh"):
        assert block.language in ("python", "yaml", *ELSEWHERE), f"{page}, line {block.number}: {block.language}?"
        return []
    lines = []
    joined = re.sub(r"\\\n\s*", " ", "\n".join(block.lines)).splitlines()
    for line in (line.partition("      #")[0].strip() for line in joined):
        if is_not_run(line) or line.startswith(SHOWN.get(page, ())):
            continue
        assert line.startswith(PROGRAMS), f"{page}, line {block.number}: is {line!r} to be run?"
        lines.append(line)
    return lines


@pytest.mark.parametrize("page", PAGES)
def test_its_links_lead_somewhere(page: str) -> None:
    text = (ROOT / page).read_text()
    for target in re.findall(r"\]\(([^)#\s]+)\)", text):
        if "://" not in target:
            assert (ROOT / page).parent.joinpath(target).exists(), f"{page}: {target}"


def test_nothing_is_excused_that_no_page_says() -> None:
    said = [line for page in PAGES for block in blocks((ROOT / page).read_text()) for line in block.lines]
    for beginning in NOT_RUN:
        assert any(re.match(beginning, line) for line in said), beginning
