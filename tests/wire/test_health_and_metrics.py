"""`/-/health`, which anyone may ask, and `/-/metrics`, which admins and whoever has the token may."""

from __future__ import annotations

import base64
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import requests
from prometheus_client.parser import text_string_to_metric_families

from support.dav import SUMU
from support.programs import tmpfs
from support.samples import jpeg
from support.server import Server, password_of

PATIENCE = 20.0
"""Seconds until a test gives up; what it waits for comes within two."""


def health(server: Server) -> tuple[int, list[str]]:
    """Status and problems, asked without an account."""
    answer = requests.get(server.url + "-/health", timeout=10)
    assert answer.headers["Content-Type"] == "application/json"
    told = answer.json()
    assert told["healthy"] == (not told["problems"])
    return answer.status_code, told["problems"]


def metrics(server: Server, **labels: str) -> dict[str, float]:
    """The samples that have these labels, by name."""
    answer = server.session("root").get("/-/metrics")
    assert answer.status_code == 200
    families = text_string_to_metric_families(answer.text)
    return {
        sample.name: sample.value
        for family in families
        for sample in family.samples
        if labels.items() <= sample.labels.items()
    }


# Health


def test_a_server_that_is_well_says_so_to_anyone(server: Server) -> None:
    assert health(server) == (200, [])
    head = requests.head(server.url + "-/health", timeout=10)
    assert (head.status_code, head.content) == (200, b"")
    refused = requests.post(server.url + "-/health", timeout=10)
    assert (refused.status_code, refused.headers["Allow"]) == (405, "GET, HEAD")


def test_asking_leaves_nothing_behind(server: Server) -> None:
    def everything() -> set[Path]:
        return {path for top in (server.plex, server.state) for path in top.rglob("*")}

    server.session().mkcol("/alice/nothing-left/")
    before = everything()
    for _ in range(20):
        assert health(server)[0] == 200
    assert everything() - before <= {server.state / "audit.log"}


def test_too_little_space_is_told_of_each_disk(start_server: Callable[..., Server]) -> None:
    server = start_server(sumu={"health": {"min_free": "100000T"}})
    assert health(server) == (
        503,
        ["the disk of the Plex folder is nearly full", "the disk of the state is nearly full"],
    )


def test_a_folder_that_is_gone_is_told_and_comes_back(own_server: Server) -> None:
    own_server.session().put("/alice/a.jpg", jpeg(taken="2024:05:17 10:11:12"))
    aside = own_server.plex.with_name("elsewhere")

    own_server.plex.rename(aside)
    status, problems = health(own_server)
    assert status == 503
    assert problems[0].startswith("the Plex folder is not mounted")
    aside.rename(own_server.plex)
    assert health(own_server) == (200, [])

    (own_server.plex / "alice").rename(aside)
    assert health(own_server) == (
        503,
        ["the folder of a user who has photos is missing; their records wait for it"],
    )
    aside.rename(own_server.plex / "alice")
    assert health(own_server) == (200, [])
    assert own_server.record("alice", "24-05", "a.jpg") is not None


def test_a_disk_that_turned_read_only_is_told(tmp_path: Path, start_server: Callable[..., Server]) -> None:
    with tmpfs(tmp_path / "server-0" / "plex", "8m") as plex:
        server = start_server(sumu={"health": {"min_free": "1K"}})
        server.session().mkcol("/alice/trip/")
        assert health(server) == (200, [])
        subprocess.run(["mount", "-o", "remount,ro", str(plex)], check=True)
        status, problems = health(server)
        assert status == 503
        assert problems[0].startswith("the hidden tree can't be written: ")
        assert problems[1:] == ["the Plex folder can't be written"]
        assert server.session().put("/alice/trip/a.jpg", jpeg()).status_code >= 400
        server.stop()


def test_a_state_that_can_not_be_written_is_told(own_server: Server) -> None:
    shutil.move(own_server.state, own_server.state.with_name("elsewhere"))
    status, problems = health(own_server)
    assert (status, problems) == (503, ["the state can't be written: No such file or directory"])


def test_after_a_sync_that_failed_nothing_is_promised_and_health_says_why(
    start_server: Callable[..., Server], needs: Callable[..., None]
) -> None:
    """The kernel has dropped what it could not write; only a restart looks at what is there."""
    needs("strace")
    server = start_server()
    alice = server.session()
    assert alice.mkcol("/alice/trip/").status_code == 201
    assert server.process is not None
    breaking = subprocess.Popen(
        ["strace", "-f", "-q", "-o", "/dev/null", "-e", "inject=fsync:error=EIO", "-p", str(server.process.pid)],
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        wait_until_traced(server.process.pid)
        assert alice.put("/alice/trip/a.jpg", jpeg()).status_code == 503
    finally:
        breaking.terminate()
        breaking.communicate()
    status, problems = health(server)
    assert status == 503
    assert problems[0].startswith("writing is suspended: a sync to disk failed")
    assert alice.put("/alice/trip/b.jpg", jpeg()).status_code == 503
    assert alice.names("/alice/trip/") == set()

    server.restart()

    assert health(server) == (200, [])
    assert server.session().put("/alice/trip/a.jpg", jpeg()).status_code == 201


def wait_until_traced(process: int) -> None:
    """Until strace holds every thread."""
    deadline = time.monotonic() + PATIENCE
    while any("TracerPid:\t0\n" in status.read_text() for status in Path(f"/proc/{process}/task").glob("*/status")):
        assert time.monotonic() < deadline, "strace is not allowed to look at another process"
        time.sleep(0.01)


# Metrics


def test_only_admins_and_the_token_see_the_metrics(start_server: Callable[..., Server]) -> None:
    server = start_server(sumu={"metrics": {"token": "sesame-sesame-sesame"}})

    def status(authorization: str | None) -> int:
        headers = {"Authorization": authorization} if authorization else {}
        return requests.get(server.url + "-/metrics", headers=headers, timeout=10).status_code

    assert status(None) == 401
    assert status("Bearer wrong") == 401
    assert status("Bearer sesame-sesame-sesame") == 200
    assert server.session("root").get("/-/metrics").status_code == 200
    assert server.session("alice").get("/-/metrics").status_code == 404


def test_without_a_token_no_token_is_the_right_one(server: Server) -> None:
    for sent in ("Bearer ", "Bearer None", "Bearer"):
        answer = requests.get(server.url + "-/metrics", headers={"Authorization": sent}, timeout=10)
        assert answer.status_code == 401


def test_they_are_what_prometheus_reads(server: Server) -> None:
    answer = server.session("root").get("/-/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    types = {family.name: family.type for family in text_string_to_metric_families(answer.text)}
    assert types["sumu_requests"] == types["sumu_logins_refused"] == "counter"
    assert types["sumu_request_seconds"] == types["sumu_fsync_seconds"] == "histogram"
    assert types["sumu_photos"] == types["sumu_outside_waiting"] == "gauge"


def test_requests_bytes_and_syncs_are_counted(own_server: Server) -> None:
    alice = own_server.session()
    photo = jpeg(taken="2024:05:17 10:11:12", pad=50_000)
    alice.put("/alice/a.jpg", photo)
    alice.get("/alice/a.jpg")
    alice.request("BREW", "/alice/a.jpg")

    now = metrics(own_server)

    assert metrics(own_server, method="PUT", status="201")["sumu_requests_total"] == 1
    assert metrics(own_server, method="other")["sumu_requests_total"] == 1
    assert metrics(own_server, method="GET")["sumu_request_seconds_count"] >= 1
    assert now["sumu_received_bytes_total"] == len(photo)
    assert now["sumu_sent_bytes_total"] >= len(photo)
    assert metrics(own_server, of="tree")["sumu_fsync_seconds_count"] >= 2  # the file, and the folder
    assert metrics(own_server, of="catalog")["sumu_fsync_seconds_count"] >= 1
    assert now["sumu_free_bytes"] > 0


def test_uploads_are_counted_by_what_became_of_them(start_server: Callable[..., Server]) -> None:
    server = start_server()
    alice = server.session()
    server.command("user", "change", "alice", "--quota", "100K")

    alice.put("/alice/a.jpg", jpeg())
    alice.put("/alice/nowhere/a.jpg", jpeg())
    alice.put("/alice/b.jpg", jpeg(pad=200_000))
    cut_upload(server)

    def count(outcome: str) -> float:
        return metrics(server, outcome=outcome).get("sumu_uploads_total", 0)

    assert wait_for(lambda: count("broken") == 1)
    assert (count("stored"), count("refused"), count("full"), count("failed")) == (1, 1, 1, 0)


def cut_upload(server: Server) -> None:
    """A phone that leaves the house in mid-upload: of more than the server waits for before it begins."""
    login = base64.b64encode(f"alice:{password_of('alice')}".encode()).decode()
    head = f"PUT /alice/c.jpg HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {login}\r\nContent-Length: 90000\r\n\r\n"
    with server.connection() as connection:
        connection.sendall(head.encode() + b"x" * 70_000)
        connection.shutdown(socket.SHUT_RDWR)


def wait_for(is_so: Callable[[], bool]) -> bool:
    """Ask until it is so, for as long as patience lasts."""
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_records_favorites_trash_locks_and_refused_logins(own_server: Server) -> None:
    alice = own_server.session()
    photo = jpeg(taken="2024:05:17 10:11:12")
    alice.put("/alice/a.jpg", photo)
    alice.put("/alice/b.jpg", jpeg(taken="2024:05:17 10:11:13"))
    alice.proppatch("/alice/b.jpg", {SUMU + "isFavorite": "1"})
    alice.lock("/alice/b.jpg")
    alice.delete("/alice/24-05/a.jpg")
    own_server.session("alice", "wrong").propfind("/alice/")

    now = metrics(own_server)

    assert (now["sumu_photos"], now["sumu_favorites"], now["sumu_locks"]) == (1, 1, 1)
    assert (now["sumu_trash_entries"], now["sumu_trash_bytes"]) == (1, len(photo))
    assert (now["sumu_logins_refused_total"], now["sumu_logins_delayed_total"]) == (1, 0)
    assert now["sumu_password_checks_total"] >= 3


def test_the_trash_of_a_user_without_photos_counts(own_server: Server) -> None:
    alice = own_server.session()
    alice.put("/alice/a.jpg", jpeg(taken="2024:05:17 10:11:12"))
    alice.delete("/alice/24-05/a.jpg")
    now = metrics(own_server)
    assert now["sumu_photos"] == 0
    assert now["sumu_trash_bytes"] > 0


def test_the_queue_of_what_other_programs_do_is_shown(own_server: Server) -> None:
    assert metrics(own_server)["sumu_outside_alive"] == 1
    album = own_server.plex / "alice" / "by hand"
    album.mkdir(parents=True)
    for number in range(5):
        (album / f"{number}.jpg").write_bytes(jpeg(taken="2024:05:17 10:11:12"))

    def waits_while_it_is_written() -> bool:
        (album / "0.jpg").touch()
        return metrics(own_server)["sumu_outside_waiting"] > 0

    assert wait_for(waits_while_it_is_written)
    assert wait_for(lambda: metrics(own_server)["sumu_photos"] == 5)
    assert wait_for(lambda: metrics(own_server)["sumu_outside_waiting"] == 0)


def test_no_name_of_a_user_or_album_is_in_them(own_server: Server) -> None:
    alice = own_server.session()
    alice.mkcol("/alice/secret plans/")
    alice.put("/alice/secret plans/a.jpg", jpeg())
    page = own_server.session("root").get("/-/metrics").text
    assert "alice" not in page
    assert "secret" not in page


def test_a_doubled_slash_is_the_same_page(server: Server) -> None:
    assert server.session("bob").get("//-/health").json() == {"healthy": True, "problems": []}
