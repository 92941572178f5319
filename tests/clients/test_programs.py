"""Programs and libraries that speak WebDAV: litmus, cadaver, curl, Python's webdav4, npm's webdav."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from webdav4.client import Client, ResourceAlreadyExists, ResourceConflict

from support.clients import contents, home_with_netrc, run, written
from support.samples import jpeg
from support.server import ROOT, Server, password_of

JAVASCRIPT = ROOT / "tests" / "clients" / "javascript"


@pytest.mark.parametrize("where", ["/alice/", "/alice/an album/", "/remote.php/dav/files/alice/"])
def test_litmus_passes_whole_and_without_a_warning(
    own_server: Server, tmp_path: Path, needs: Callable[..., None], where: str
) -> None:
    needs("litmus")
    own_server.session().mkcol("/alice/an album/")
    url = own_server.url.rstrip("/") + where.replace(" ", "%20")

    said = run("litmus", "-k", url, "alice", password_of("alice"), folder=tmp_path)

    assert "FAIL" not in said
    assert "WARNING" not in said
    assert said.count("100.0%") == 5, said


CADAVER_DAY = """
mkcol day
cd day
mput *
ls
mput *
move {first} renamed.bin
copy {second} /alice/favorites/{second}
delete {third}
propset renamed.bin mood fine
propget renamed.bin mood
lock renamed.bin
unlock renamed.bin
get renamed.bin {back}
cd ..
mkcol empty
rmcol empty
quit
"""


def test_cadaver(server: Server, photos: Path, tmp_path: Path, needs: Callable[..., None]) -> None:
    needs("cadaver")
    plain = tmp_path / "plain"  # its command line splits names at spaces
    plain.mkdir()
    for path in photos.iterdir():
        if path.name.isascii() and not set(path.name) & set(" ()'"):
            shutil.copy2(path, plain)
    first, second, third = sorted(path.name for path in plain.iterdir())[:3]
    back = tmp_path / "back"
    script = CADAVER_DAY.format(first=first, second=second, third=third, back=back)

    said = run(
        "cadaver", f"{server.url}alice/", stdin=script, environment=home_with_netrc(tmp_path / "home"), folder=plain
    )

    assert "failed" not in said
    assert "Value of mood is: fine" in said
    expected = contents(plain)
    expected["renamed.bin"] = expected.pop(first)
    del expected[third]
    assert contents(server.plex / "alice" / "day") == expected
    assert back.read_bytes() == (photos / first).read_bytes()
    assert (server.plex / "alice" / "favorites" / second).read_bytes() == (photos / second).read_bytes()
    assert "empty/" not in server.session().names("/alice/")
    assert written(server, "day") == 2 * len(list(plain.iterdir())), "it can't know that all is there"
    trash = [line.split() for line in server.command("trash", "list").stdout.splitlines()[1:]]
    assert [words[3] for words in trash if words[2] == "day"] == [third], "a photo sent again replaces nothing"


def test_curl(server: Server, photos: Path, tmp_path: Path, needs: Callable[..., None]) -> None:
    """A script of cron's: upload, fetch a part, upload again only what is not there, fetch again only what is new."""
    needs("curl")
    environment = home_with_netrc(tmp_path / "home")
    names = sorted(path.name for path in photos.iterdir() if not set(path.name) & set(",{}[]"))
    first, second = names[:2]

    def curl(*words: str | Path) -> str:
        return run("curl", "--silent", "--show-error", "--netrc", "--path-as-is", *words, environment=environment)

    def url(path: str) -> str:
        return server.session().href(path)

    assert curl("--write-out", "%{http_code}", "-X", "MKCOL", url("/alice/curl/")) == "201"
    config = tmp_path / "upload.conf"
    config.write_text(
        "".join(
            f'upload-file = "{photos / name}"\nurl = "{url("/alice/curl/" + name)}"\noutput = "{os.devnull}"\n'
            for name in names
        )
    )
    codes = curl("--fail", "--write-out", "%{http_code}\n", "--config", config).split()
    assert codes == ["201"] * len(names)
    assert contents(server.plex / "alice" / "curl").keys() == set(names)

    assert curl("--upload-file", "-", "--write-out", "%{http_code}", url("/alice/curl/note.txt")) == "201", "in chunks"
    part = tmp_path / "part"
    curl("--range", "10-19", "--output", part, url(f"/alice/curl/{first}"))
    assert part.read_bytes() == (photos / first).read_bytes()[10:20]
    again = tmp_path / "again"
    again.write_bytes((photos / first).read_bytes()[:10])
    curl("--continue-at", "-", "--output", again, url(f"/alice/curl/{first}"))
    assert again.read_bytes() == (photos / first).read_bytes()

    sent = written(server, "curl")
    anew = ("-H", "If-None-Match: *", "-H", "Expect: 100-continue")
    taken = curl(*anew, "--write-out", "%{http_code} %{size_upload}\n", "--config", config).splitlines()
    assert taken == ["412 0"] * len(names), "nothing to do, and nothing sent"
    fetched = ("--write-out", "%{http_code} %{size_download}", "--output", tmp_path / "fetched")
    etag = tmp_path / "etag"
    size = (photos / second).stat().st_size
    assert curl(*fetched, "--etag-save", etag, "--remote-time", url(f"/alice/curl/{second}")) == f"200 {size}"
    assert curl(*fetched, "--etag-compare", etag, url(f"/alice/curl/{second}")) == "304 0"
    assert curl(*fetched, "--time-cond", tmp_path / "fetched", url(f"/alice/curl/{second}")) == "304 0"
    assert written(server, "curl") == sent

    status = ("--write-out", "%{http_code}", "--output", os.devnull)
    moved = (*status, "-X", "MOVE", "-H", f"Destination: {url('/alice/curl/renamed.jpg')}")
    assert curl(*moved, url(f"/alice/curl/{first}")) == "201"
    assert curl(*status, "-X", "DELETE", url(f"/alice/curl/{second}")) == "204"
    assert {"renamed.jpg", "note.txt", *names[2:]} == server.session().names("/alice/curl/")


def test_curl_makes_favorites_in_each_way(
    server: Server, album: str, tmp_path: Path, needs: Callable[..., None]
) -> None:
    needs("curl")
    environment = home_with_netrc(tmp_path / "home")
    for name in ("put.jpg", "copied.jpg", "moved.jpg", "property.jpg", "owncloud.jpg", "none.jpg"):
        (tmp_path / name).write_bytes(jpeg())

    def curl(*words: str | Path) -> int:
        status = ("--write-out", "%{http_code}", "--output", os.devnull)
        return int(run("curl", "--silent", "--show-error", "--netrc", *status, *words, environment=environment))

    def url(name: str, folder: str = album) -> str:
        return server.session().href(folder + name)

    assert curl("-H", "X-Favorite: 1", "--upload-file", tmp_path / "put.jpg", url("put.jpg")) == 201
    for name in ("copied.jpg", "moved.jpg", "property.jpg", "owncloud.jpg", "none.jpg"):
        assert curl("--upload-file", tmp_path / name, url(name)) == 201
    for verb, name in (("COPY", "copied.jpg"), ("MOVE", "moved.jpg")):
        assert curl("-X", verb, "-H", f"Destination: {url(name, '/alice/favorites/')}", url(name)) == 201
    for name, space, local in (
        ("property.jpg", "urn:sumu", "isFavorite"),
        ("owncloud.jpg", "http://owncloud.org/ns", "favorite"),
    ):
        change = f'<set><prop><{local} xmlns="{space}">1</{local}></prop></set>'
        body = f'<propertyupdate xmlns="DAV:">{change}</propertyupdate>'
        assert curl("-X", "PROPPATCH", "--data", body, url(name)) == 207

    favorites = {"put.jpg", "copied.jpg", "moved.jpg", "property.jpg", "owncloud.jpg"}
    copies = contents(server.plex / "alice" / "favorites")
    for name in sorted(favorites | {"none.jpg"}):
        record = server.record("alice", album.split("/")[2], name)
        assert record is not None
        assert record["isFavorite"] is (name in favorites)
        assert ((tmp_path / name).read_bytes() in copies.values()) is (name in favorites)


def test_pythons_webdav4(server: Server, photos: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    names = sorted(path.name for path in photos.iterdir())
    first, second, third = names[:3]
    client = Client(f"{server.url}alice", auth=("alice", password_of("alice")), timeout=60)
    request.addfinalizer(client.http.close)

    client.mkdir("webdav4")
    for name in names:
        client.upload_file(photos / name, f"webdav4/{name}")
    listed = client.ls("webdav4", detail=True)
    sizes = {Path(str(entry["name"])).name: entry["content_length"] for entry in listed if isinstance(entry, dict)}
    assert sizes == {name: (photos / name).stat().st_size for name in names}

    with pytest.raises(ResourceAlreadyExists):
        client.upload_file(photos / first, f"webdav4/{first}")
    client.move(f"webdav4/{first}", f"webdav4/renamed {first}")
    client.copy(f"webdav4/{second}", f"favorites/{second}")
    client.remove(f"webdav4/{third}")
    back = tmp_path / "back"
    client.download_file(f"webdav4/renamed {first}", back)
    with client.open(f"webdav4/{second}", mode="rb") as file:
        file.seek(100)
        part = file.read(50)

    assert back.read_bytes() == (photos / first).read_bytes()
    assert part == (photos / second).read_bytes()[100:150]
    assert client.etag(f"webdav4/{second}")
    assert client.modified(f"webdav4/{second}") is not None
    missing = [name for name in names if not client.exists(f"webdav4/{name}")]
    assert missing == [first, third]
    with pytest.raises(ResourceConflict):
        client.mkdir("webdav4/none/deeper")
    expected = {name: data for name, data in contents(photos).items() if name not in (first, third)}
    assert contents(server.plex / "alice" / "webdav4") == expected | {f"renamed {first}": back.read_bytes()}


def test_npms_webdav(server: Server, photos: Path, tmp_path: Path, needs: Callable[..., None]) -> None:
    needs("node", "npm")
    program = shutil.copytree(JAVASCRIPT, tmp_path / "javascript")
    if os.environ.get("CI") is None and "added" not in run("npm", "ci", folder=program, statuses=range(256)):
        pytest.skip("npm can't fetch its packages here")
    elif os.environ.get("CI"):
        run("npm", "ci", folder=program)
    names = sorted(path.name for path in photos.iterdir())
    first, second, third = names[:3]

    told = json.loads(
        run(
            "node", "day.js", f"{server.url}alice", "alice", password_of("alice"), photos, "/javascript", folder=program
        )
    )

    assert dict(told["listed"]) == {name: (photos / name).stat().st_size for name in names}
    assert set(told["left"]) == set(names) - {first, third} | {f"renamed {first}"}
    assert told["again"] == [first, third]
    assert told["refused"] == 423
    assert told["part"] == 100
    assert told["whole"] == told["stat"] == (photos / second).stat().st_size
    assert (server.plex / "alice" / "favorites" / second).read_bytes() == (photos / second).read_bytes()
