"""Accounts over HTTP: who gets in, by which password, how often one may guess, and what is written down of it."""

from __future__ import annotations

import base64
import itertools
import json
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from support.dav import Dav
from support.samples import jpeg
from support.server import Server, password_of
from support.toy import eventually

VERBS = (
    *("GET", "HEAD", "OPTIONS", "PUT", "DELETE", "MKCOL", "PROPFIND", "PROPPATCH", "LOCK", "UNLOCK", "COPY", "MOVE"),
    *("REPORT", "SEARCH", "POST", "PATCH", "BREW"),
)
CHALLENGE = 'Basic realm="sumu_dav", charset="UTF-8"'


@pytest.fixture(scope="module")
def family(tmp_path_factory: pytest.TempPathFactory, accounts: Path) -> Iterator[Server]:
    """A server behind a trusted proxy on this machine, so that a test's requests come from addresses of its own."""
    server = Server(
        tmp_path_factory.mktemp("family"),
        accounts=accounts,
        sumu={"trusted_proxies": ["127.0.0.1"], "metrics": {"token": "counted"}},
    )
    server.start()
    try:
        yield server
        assert server.stop() == 0
        assert "Traceback" not in server.log(), server.log()
    finally:
        server.close()


def ask(
    server: Server, user: str, password: str, address: str, verb: str = "PROPFIND", path: str | None = None
) -> requests.Response:
    """One request of somebody at an address."""
    headers = {"X-Forwarded-For": address, "Depth": "0"}
    return server.session(user, password).request(verb, path or f"/{user}/", headers=headers)


_guesses = itertools.count()
"""No guess is made twice: the server knows one that was wrong before, and refuses it whatever the brake says."""


def wait_to_be_refused_for_long(server: Server, user: str, address: str) -> None:
    """Guess on until the wait is longer than the next few requests take, on a busy machine too."""

    def is_refused_for_long() -> bool:
        answer = ask(server, user, f"another guess {next(_guesses)}", address)
        return int(answer.headers.get("Retry-After", 0)) > 3

    assert eventually(is_refused_for_long, 30)


def add_device(server: Server, user: str, device: str) -> str:
    """The password that `device add` shows."""
    added = server.command("device", "add", user, device)
    assert added.returncode == 0, added.stderr
    return next(line.split()[1] for line in added.stdout.splitlines() if line.startswith("password"))


def verifications(server: Server) -> int:
    """How often the server ran argon2 to check a password since its start."""
    page = requests.get(server.url + "-/metrics", headers={"Authorization": "Bearer counted"}, timeout=20).text
    return int(float(next(li.split()[1] for li in page.splitlines() if li.startswith("sumu_password_checks_total"))))


def audit(server: Server) -> list[dict[str, object]]:
    """The lines of the audit log."""
    return [json.loads(line) for line in (server.state / "audit.log").read_text().splitlines()]


@pytest.mark.parametrize("path", ["/alice/", "/alice/x.jpg", "/", "/-/inbox/alice/", "/remote.php/dav/", "/nobody/"])
def test_whoever_is_not_logged_in_is_asked_for_basic_on_every_verb(family: Server, path: str) -> None:
    for number, verb in enumerate(VERBS):
        for header in (None, "Basic", "Basic !", "Bearer x", "Digest x", "Basic " + base64.b64encode(b"x:y").decode()):
            headers = {"X-Forwarded-For": f"192.0.2.{number}"} | ({"Authorization": header} if header else {})
            answer = requests.request(verb, family.url.rstrip("/") + path, headers=headers, timeout=20)
            assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, CHALLENGE), (verb, header)


def test_passwords_and_names_are_utf8_in_either_form(family: Server) -> None:
    added = family.command("user", "add", "Jürgen", "--password-stdin", stdin="sésame ☂\n")
    assert added.returncode == 0, added.stderr
    for name in ("Jürgen", "Ju\u0308rgen", "JÜRGEN"):
        for password in ("sésame ☂", "se\u0301same ☂"):
            assert ask(family, name, password, "198.51.100.1", path="/Jürgen/").status_code == 207


def test_a_lost_phone_costs_one_revocation(family: Server) -> None:
    lost, kept = add_device(family, "alice", "lost phone"), add_device(family, "alice", "kept phone")
    assert ask(family, "alice", lost, "198.51.100.7").status_code == 207
    assert ask(family, "alice", kept, "198.51.100.8").status_code == 207
    listed = {each["device"]: each for each in json.loads(family.command("device", "list", "--json").stdout)}
    assert listed["lost phone"]["lastAddress"] == "198.51.100.7"
    assert listed["lost phone"]["lastUsed"] >= listed["lost phone"]["created"]

    assert family.command("device", "revoke", "alice", "lost phone").returncode == 0

    assert ask(family, "alice", lost, "198.51.100.7").status_code == 401
    assert ask(family, "alice", kept, "198.51.100.8").status_code == 207
    assert ask(family, "alice", password_of("alice"), "198.51.100.8").status_code == 207
    assert ask(family, "bob", kept, "198.51.100.8").status_code == 401


def test_a_new_password_holds_at_once_and_devices_keep_theirs(own_server: Server) -> None:
    old, device = own_server.session(), own_server.session("alice", add_device(own_server, "alice", "phone"))
    assert (old.propfind("/alice/").status_code, device.propfind("/alice/").status_code) == (207, 207)

    assert own_server.command("user", "password", "alice", "--password-stdin", stdin="another one\n").returncode == 0

    assert old.propfind("/alice/").status_code == 401
    assert own_server.session("alice", "another one").propfind("/alice/").status_code == 207
    assert device.propfind("/alice/").status_code == 207
    assert (own_server.state / "accounts.json").stat().st_mode & 0o777 == 0o600


def test_the_photos_of_a_removed_user_stay_and_nobody_sees_them(own_server: Server) -> None:
    bob, alice, photo = own_server.session("bob"), own_server.session(), jpeg()
    bob.mkcol("/bob/trip/")
    bob.put("/bob/trip/x.jpg", photo)
    assert own_server.command("user", "share", "bob", "alice").returncode == 0
    assert alice.get("/bob/trip/x.jpg").status_code == 200

    assert own_server.command("user", "remove", "bob").returncode == 0

    assert (own_server.plex / "bob" / "trip" / "x.jpg").read_bytes() == photo
    assert bob.get("/bob/trip/x.jpg").status_code == 401
    assert alice.get("/bob/trip/x.jpg").status_code == 404
    assert alice.names("/") == {"alice/"}
    assert own_server.command("user", "add", "bob", "--password-stdin", stdin="new\n").returncode == 0
    assert own_server.session("bob", "new").get("/bob/trip/x.jpg").content == photo
    assert alice.get("/bob/trip/x.jpg").status_code == 404


def test_guesses_are_slowed_down_and_nobody_else_is(family: Server) -> None:
    """Not the others at that address, not who is at another one, and not the phone that has been let in before."""
    assert family.command("user", "add", "dora", "--password-stdin", stdin=password_of("dora")).returncode == 0
    device = add_device(family, "dora", "remembered")
    assert ask(family, "dora", device, "203.0.113.5").status_code == 207

    first = [ask(family, "dora", f"guess {number}", "203.0.113.5").status_code for number in range(10)]
    assert first == [401] * 10
    wait_to_be_refused_for_long(family, "dora", "203.0.113.5")
    refused = ask(family, "dora", password_of("dora"), "203.0.113.5")
    assert (refused.status_code, "WWW-Authenticate" in refused.headers) == (429, False)
    assert 1 <= int(refused.headers["Retry-After"]) <= 900
    assert ask(family, "bob", password_of("bob"), "203.0.113.5").status_code == 207
    assert ask(family, "dora", device, "203.0.113.5").status_code == 207
    assert ask(family, "dora", password_of("dora"), "203.0.113.6").status_code == 207
    for verb in VERBS:
        wait_to_be_refused_for_long(family, "dora", "203.0.113.5")
        assert ask(family, "dora", "guess", "203.0.113.5", verb).status_code == 429, verb
    assert {line["status"] for line in audit(family) if line["address"] == "203.0.113.5"} >= {401, 429}


def test_one_household_of_ipv6_is_one_address(family: Server) -> None:
    first = [ask(family, "bob", f"guess {n}", f"2001:db8:1:2::{n:x}").status_code for n in range(10)]
    assert first == [401] * 10
    wait_to_be_refused_for_long(family, "bob", "2001:db8:1:2::a")
    assert ask(family, "bob", "a last guess", "2001:db8:1:2::b").status_code == 429
    assert ask(family, "bob", password_of("bob"), "2001:db8:1:3::1").status_code == 207


def test_a_thousand_requests_cost_a_few_verifications(family: Server) -> None:
    device = add_device(family, "alice", "syncing phone")
    clients = [family.session(), family.session("alice", device), family.session("bob")]
    before = verifications(family)
    for number in range(1_000):
        client = clients[number % len(clients)]
        assert client.propfind(f"/{client.user}/", "0").status_code == 207
    assert verifications(family) - before <= 5


def test_who_does_not_exist_costs_as_much_as_who_does(family: Server) -> None:
    """One verification a guess, whoever is guessed at: the time that an answer takes tells no names."""
    password = add_device(family, "alice", "told apart")
    one_letter_off = password[:-1] + ("b" if password.endswith("a") else "a")
    cases = (
        ("alice", "wrong"),
        ("nobody", "wrong"),
        ("bob", password),
        ("nobody", password),
        ("alice", one_letter_off),
        ("x" * 3_000, "wrong"),
    )
    answers = set()
    for user, guess in cases:
        before = verifications(family)
        answer = ask(family, user, guess, "203.0.113.77", path="/alice/")
        assert verifications(family) == before + 1, user
        answers.add((answer.status_code, answer.text))
    assert len(answers) == 1


def test_accounts_are_read_again_when_they_changed_and_a_hangup_does_no_harm(own_server: Server) -> None:
    path = own_server.state / "accounts.json"
    right = path.read_bytes()
    assert own_server.session().propfind("/alice/").status_code == 207

    path.write_bytes(b"{ damaged by an editor")
    assert own_server.session("bob").propfind("/bob/").status_code == 207
    assert "accounts" in own_server.log()

    path.write_bytes(right.replace(b'"bob"', b'"bert"'))
    assert own_server.process is not None
    own_server.process.send_signal(signal.SIGHUP)
    assert own_server.session("bob").propfind("/bob/").status_code == 401
    assert own_server.session("bert", password_of("bob")).propfind("/bert/").status_code == 207


def test_a_quota_given_with_the_account_holds(own_server: Server) -> None:
    added = own_server.command("user", "add", "carol", "--quota", "64K", "--password-stdin", stdin="carols\n")
    assert added.returncode == 0, added.stderr
    carol = own_server.session("carol", "carols")
    carol.mkcol("/carol/a/")
    assert carol.put("/carol/a/x.txt", b"x" * 60_000).status_code == 201
    assert carol.put("/carol/a/y.txt", b"y" * 60_000).status_code == 507
    assert own_server.command("user", "change", "carol", "--no-quota").returncode == 0
    assert carol.put("/carol/a/y.txt", b"y" * 60_000).status_code == 201


def test_no_password_is_taken_from_the_command_line(own_server: Server) -> None:
    for arguments in (("user", "add", "eve", "--password", "x"), ("user", "password", "alice", "new one")):
        assert own_server.command(*arguments).returncode == 2
    assert own_server.session().propfind("/alice/").status_code == 207


# -- the audit log ----------------------------------------------------------------------------------------------------


def test_the_audit_log_tells_who_did_what_to_which_path_from_where(family: Server) -> None:
    device = add_device(family, "alice", "audited phone")
    alice, begun = family.session("alice", device), len(audit(family))
    alice.put("/alice/tëst.txt", b"x", x_forwarded_for="198.51.100.20")
    target = f"http://alice:{device}@127.0.0.1:{family.port}/alice/moved.txt?{device}"
    alice.request("MOVE", "/alice/tëst.txt", headers={"Destination": target, "X-Forwarded-For": "198.51.100.20"})
    ask(family, "bob", password_of("bob"), "198.51.100.21", "DELETE", "/alice/moved.txt")
    ask(family, "mallory", "hunter2", "198.51.100.22", "GET", "/alice/moved.txt")
    family.raw(
        b"DELETE /bob/..%2falice/ HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 198.51.100.23\r\nConnection: close\r\n\r\n"
    )
    names = ("user", "device", "address", "verb", "path", "destination", "status")

    told = [tuple(line[name] for name in names) for line in audit(family)[begun:]]

    assert told == [
        ("alice", "audited phone", "198.51.100.20", "PUT", "/alice/t%C3%ABst.txt", None, 201),
        ("alice", "audited phone", "198.51.100.20", "MOVE", "/alice/t%C3%ABst.txt", "/alice/moved.txt", 201),
        ("bob", None, "198.51.100.21", "DELETE", "/alice/moved.txt", None, 404),
        ("mallory", None, "198.51.100.22", "GET", "/alice/moved.txt", None, 401),
        (None, None, "198.51.100.23", "DELETE", "/bob/..%2falice/", None, 403),
    ]
    assert (family.state / "audit.log").stat().st_mode & 0o777 == 0o600


def test_no_log_holds_a_password(family: Server) -> None:
    device = add_device(family, "alice", "secret phone")
    alice = family.session("alice", device)
    for verb in VERBS:
        alice.request(verb, "/alice/x.txt", headers={"Destination": f"http://alice:{device}@x/alice/y?token={device}"})
    ask(family, "alice", "a wrong secret", "198.51.100.30")
    family.raw(
        f"GET http://alice:{device}@x/ HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
        + f"GET /?password={device} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
    )
    everything = family.log() + (family.state / "audit.log").read_text()
    for secret in (
        device,
        password_of("alice"),
        "a wrong secret",
        base64.b64encode(b"alice:" + device.encode()).decode(),
    ):
        assert secret not in everything


def test_long_heads_do_not_push_the_rest_out_of_the_audit_log(family: Server) -> None:
    before = (family.state / "audit.log").stat().st_size
    for _ in range(10):
        headers = {"Destination": "/" + "x" * 50_000, "X-Forwarded-For": "198.51.100.40"}
        requests.request("MOVE", family.url + "y" * 5_000, headers=headers, timeout=20)
    assert (family.state / "audit.log").stat().st_size - before < 10 * 4_096


# -- the way that a password travels ----------------------------------------------------------------------------------


def test_the_address_is_taken_from_configured_proxies_alone(server: Server, family: Server) -> None:
    for headers in ({"X-Forwarded-For": "198.51.100.50"}, {"Forwarded": "for=198.51.100.50"}):
        for asked, address in ((server, "127.0.0.1"), (family, "198.51.100.50")):
            asked.session().request("PUT", "/alice/proxied.txt", headers=headers, data=b"x")
            assert audit(asked)[-1]["address"] == address
    both = {"X-Forwarded-For": "198.51.100.51", "Forwarded": "for=198.51.100.52"}
    family.session().request("PUT", "/alice/proxied.txt", headers=both, data=b"x")
    assert audit(family)[-1]["address"] == "127.0.0.1"  # one of them is the client's invention, and nobody knows which
    chain = {"X-Forwarded-For": "198.51.100.53, 198.51.100.54"}
    family.session().request("PUT", "/alice/proxied.txt", headers=chain, data=b"x")
    assert audit(family)[-1]["address"] == "198.51.100.54"


def test_plain_http_for_everyone_is_warned_of(start_server: Callable[..., Server], own_server: Server) -> None:
    assert "PASSWORDS" not in own_server.log()
    assert "PASSWORDS AND PHOTOS CAN BE READ" in start_server(options=("--host", "0.0.0.0")).log()


def test_where_tls_is_required_plain_http_is_not_served(tmp_path: Path, accounts: Path) -> None:
    server = Server(tmp_path / "refused", accounts=accounts, sumu={"require_tls": True})
    refused = server.command("serve", "--host", "0.0.0.0", "--port", "0")
    assert refused.returncode == 2
    assert "sumu.require_tls" in refused.stderr
    assert refused.stdout == ""


def test_where_tls_is_required_a_proxy_speaks_for_its_clients_alone(start_server: Callable[..., Server]) -> None:
    server = start_server(sumu={"require_tls": True, "trusted_proxies": ["127.0.0.1"]}, options=("--host", "0.0.0.0"))
    alice = server.session()
    for scheme, status in (("https", 207), ("http", 403)):
        headers = {"X-Forwarded-For": "198.51.100.60", "X-Forwarded-Proto": scheme, "Depth": "0"}
        assert alice.request("PROPFIND", "/alice/", headers=headers).status_code == status
    assert alice.propfind("/alice/", "0").status_code == 207  # from this machine, where nobody listens
    direct = Dav(f"http://{own_address()}:{server.port}/", "alice", password_of("alice"))
    refused = direct.request("PROPFIND", "/alice/", headers={"X-Forwarded-Proto": "https"})
    assert (refused.status_code, "HTTPS" in refused.text) == (403, True)
    direct.close()


def own_address() -> str:
    """An address of this machine that is not the loopback's; skips where it has none."""
    told = subprocess.run(["hostname", "-I"], capture_output=True, text=True, check=False).stdout.split()
    for address in told:
        if ":" not in address and socket.inet_aton(address)[0] != 127:
            return address
    pytest.skip("the machine has no address but the loopback's")
