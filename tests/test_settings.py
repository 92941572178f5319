"""The configuration: what is taken from where, and the one line that refuses what is wrong."""

from __future__ import annotations

from ipaddress import ip_network
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from wsgidav.default_conf import DEFAULT_CONFIG

from sumu_dav.errors import SettingRefused
from sumu_dav.settings import KindError, Settings, from_document, load, parse_size

ROOT = Path(__file__).parent.parent


@pytest.fixture(autouse=True)
def _no_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SUMU_PLEX_TOKEN", raising=False)
    monkeypatch.chdir(tmp_path)


def written(tmp_path: Path, text: str) -> Settings:
    config = tmp_path / "wsgidav.yaml"
    config.write_text(text)
    return load(config)


def refusal(tmp_path: Path, text: str) -> str:
    with pytest.raises(SettingRefused) as refused:
        written(tmp_path, text)
    message = str(refused.value)
    assert "\n" not in message
    return message


def test_without_a_file_everything_has_a_default(tmp_path: Path) -> None:
    settings = load()

    assert (settings.host, settings.port) == ("127.0.0.1", 8080)
    assert settings.plex == tmp_path / "data/plex"
    assert settings.state == tmp_path / "data/state"
    assert settings.base_url == "http://127.0.0.1:8080/"
    assert settings.config is None


def test_the_file_of_the_project_says_the_defaults(tmp_path: Path) -> None:
    shipped = load(ROOT / "wsgidav.yaml")

    assert shipped.plex == ROOT / "data/plex"
    assert shipped.state == ROOT / "data/state"
    assert (shipped.host, shipped.port) == ("127.0.0.1", 8080)
    assert shipped.filing == Settings().filing
    assert shipped.wsgidav["middleware_stack"][-1] == "sumu_dav.dav.resolver.Resolver"


def test_the_comments_of_the_project_s_file_name_every_setting_with_its_default() -> None:
    text = (ROOT / "wsgidav.yaml").read_text()
    block = text[text.index("\nsumu:") : text.index("\n# ----", text.index("\nsumu:"))]
    lines = [
        line.replace("#", "", 1) if line.lstrip().startswith("#") and is_key(line) else line
        for line in block.splitlines()
    ]
    examples = (
        "public_url",
        "timezone",
        "trusted_proxies",
        "cors",
        "extensions",
        "max_bytes",
        "url",
        "token",
        "path_map",
    )

    uncommented = [line for line in lines if not line.strip().startswith(examples) and "/srv/photos" not in line]
    settings = load_text("\n".join(uncommented))

    assert settings.server == Settings().server
    assert settings.trash == Settings().trash
    assert settings.uploads == Settings().uploads
    assert settings.listing == Settings().listing
    assert settings.health == Settings().health
    assert settings.plex_server == Settings().plex_server


def is_key(line: str) -> bool:
    return not line.lstrip().startswith("# ")


def load_text(text: str) -> Settings:
    config = Path("wsgidav.yaml")
    config.write_text(text)
    return load(config)


def test_the_working_folder_s_file_is_read_where_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "wsgidav.yaml").write_text("port: 9000\n")

    assert load().port == 9000


def test_values_are_read_in_their_units(tmp_path: Path) -> None:
    settings = written(
        tmp_path,
        """
host: 0.0.0.0
port: 9090
ssl_certificate: tls/cert.pem
ssl_private_key: /etc/key.pem
sumu:
  plex: photos
  state: ~/state
  public_url: https://photos.example.org
  timezone: Europe/Berlin
  trusted_proxies: [127.0.0.1, "fd00::/8"]
  watch: off
  media: {extensions: [.JPG, heic]}
  filing: {album: "%Y/%m"}
  trash: {days: 7, max_bytes: 50G}
  health: {min_free: 500M}
  plex_server: {url: "http://plex:32400", path_map: {/srv: /data, /srv/photos/: /media}}
  cors: ["https://gallery.example.org/"]
""",
    )

    assert settings.certificate == tmp_path / "tls/cert.pem"
    assert settings.private_key == Path("/etc/key.pem")
    assert settings.plex == tmp_path / "photos"
    assert settings.state == Path.home() / "state"
    assert settings.base_url == "https://photos.example.org/"
    assert settings.timezone == ZoneInfo("Europe/Berlin")
    assert settings.trusted_proxies == (ip_network("127.0.0.1"), ip_network("fd00::/8"))
    assert settings.watch == "off"
    assert settings.media.extensions == ("jpg", "heic")
    assert settings.filing.album == "%Y/%m"
    assert (settings.trash.days, settings.trash.max_bytes) == (7.0, 50 * 1024**3)
    assert settings.health.min_free == 500 * 1024**2
    assert settings.plex_server.url == "http://plex:32400/"
    assert settings.plex_server.path_map == (("/srv/photos", "/media"), ("/srv", "/data"))
    assert settings.cors == ("https://gallery.example.org",)


def test_the_command_line_wins_over_the_file(tmp_path: Path) -> None:
    (tmp_path / "conf").mkdir()
    config = tmp_path / "conf" / "wsgidav.yaml"
    config.write_text("port: 9000\nsumu:\n  plex: a\n  plex_server: {url: 'http://one/', delay_seconds: 3}\n")

    settings = load(config, {"port": "9001", "sumu.plex": "b", "sumu.plex_server.url": "http://two/"})

    assert settings.port == 9001
    assert settings.plex == tmp_path / "b"
    assert settings.state == tmp_path / "conf/data/state"
    assert settings.plex_server.url == "http://two/"
    assert settings.plex_server.delay_seconds == 3.0


def test_an_override_is_checked_as_the_file_is() -> None:
    with pytest.raises(SettingRefused, match=r"^port: found '70000', allowed: a whole number from 0 to 65535$"):
        load(None, {"port": "70000"})


def test_plex_s_token_comes_from_the_environment_and_is_never_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SUMU_PLEX_TOKEN", "of-the-environment")

    assert load().plex_server.token == "of-the-environment"
    assert "of-the-environment" not in repr(load())
    assert written(tmp_path, "sumu: {plex_server: {token: of-the-file}}").plex_server.token == "of-the-file"
    assert "12345" not in refusal(tmp_path, "sumu: {plex_server: {token: 12345}}")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("prot: 80", "prot: found 'a key that is not known', allowed: did you mean port?"),
        ("sumu: {trahs: {days: 1}}", "sumu.trahs: found 'a key that is not known', allowed: did you mean sumu.trash?"),
        (
            "sumu: {trash: {day: 1}}",
            "sumu.trash.day: found 'a key that is not known', allowed: did you mean sumu.trash.days?",
        ),
        ("sumu: {host: x}", "sumu.host: found 'a key that is not known', allowed: "),
        ("sumu: 3", "sumu: found 3, allowed: a block of keys"),
        ("sumu: {trash: 30}", "sumu.trash: found 30, allowed: a block of keys"),
        ("sumu: {trash: {days: -1}}", "sumu.trash.days: found -1, allowed: a number of days from 0 to 36500"),
        ("sumu: {trash: {days: .nan}}", "sumu.trash.days: found nan"),
        ("sumu: {trash: {days: yes}}", "sumu.trash.days: found True"),
        (
            "sumu: {trash: {max_bytes: 5 apples}}",
            "sumu.trash.max_bytes: found '5 apples', allowed: a size such as 500M",
        ),
        ("sumu: {watch: sometimes}", "sumu.watch: found 'sometimes', allowed: auto or events or poll or off"),
        ("sumu: {timezone: Mars/Base}", "sumu.timezone: found 'Mars/Base'"),
        ("sumu: {timezone: ../../etc/passwd}", "sumu.timezone: found '../../etc/passwd'"),
        ("sumu: {timezone: Europe}", "sumu.timezone: found 'Europe'"),
        ("sumu: {public_url: photos.example.org}", "sumu.public_url: found 'photos.example.org'"),
        ("sumu: {public_url: 'https://x/dav/'}", "sumu.public_url: found 'https://x/dav/'"),
        ("sumu: {public_url: 'https://x:99999/'}", "sumu.public_url: found 'https://x:99999/'"),
        ("sumu: {trusted_proxies: [everyone]}", "sumu.trusted_proxies: found ['everyone']"),
        ("sumu: {trusted_proxies: 10.0.0.1}", "sumu.trusted_proxies: found '10.0.0.1', allowed: a list"),
        ("sumu: {require_tls: 1}", "sumu.require_tls: found 1, allowed: true or false"),
        ("sumu: {media: {extensions: []}}", "sumu.media.extensions: found []"),
        ("sumu: {media: {extensions: ['*.jpg']}}", "sumu.media.extensions: found ['*.jpg']"),
        ("sumu: {server: {threads: 0}}", "sumu.server.threads: found 0, allowed: a whole number from 1 to 1000"),
        ("sumu: {plex_server: {path_map: {photos: /data}}}", "sumu.plex_server.path_map: found {'photos': '/data'}"),
        ("sumu: {plex: }", "sumu.plex: found None, allowed: a path"),
        ("port: http", "port: found 'http', allowed: a whole number from 0 to 65535"),
        ("port: true", "port: found True"),
        (
            "ssl_certificate: a.pem",
            "ssl_private_key: found None, allowed: ssl_certificate and ssl_private_key together",
        ),
        (
            "sumu: {plex: /a, state: /a/state}",
            "sumu.state: found '/a/state', allowed: a folder outside of /a (sumu.plex)",
        ),
        ("sumu: {plex: /a, state: /b/../a}", "sumu.state: found '/a'"),
        ("- a list", "allowed: lines of the form key: value"),
        ("sumu: {filing: {album: %y-%m}}", "line 1: found "),
        ("port: 1\nport: 2", "line 2: found 'the key port stands twice'"),
    ],
)
def test_what_is_wrong_is_named_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    assert message in refusal(tmp_path, text)


@pytest.mark.parametrize(
    "album", ["", "/%y", "%y/", "%Y//%m", ".%y", "%y/../x", "%q", "%y%", "favorites", "a\\b", " %y", "%y\t", "x" * 256]
)
def test_an_album_pattern_that_names_no_album_is_refused(tmp_path: Path, album: str) -> None:
    config = tmp_path / "wsgidav.yaml"
    config.write_text("")

    with pytest.raises(SettingRefused, match=r"^sumu\.filing\.album: "):
        load(config, {"sumu.filing.album": album})


@pytest.mark.parametrize("album", ["%y-%m", "%Y/%m", "%Y/%Y-%m-%d", "Fotos %Y", "%B %Y", "100%% %Y"])
def test_an_album_pattern_that_names_one_is_taken(album: str) -> None:
    assert load(None, {"sumu.filing.album": album}).filing.album == album


def test_a_file_that_is_not_there_or_no_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingRefused, match=r"--config: .*No such file"):
        load(tmp_path / "absent.yaml")
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingRefused, match=r"--config: .*no UTF-8"):
        load(tmp_path / "binary.yaml")


@pytest.mark.parametrize(
    ("text", "size"),
    [("0", 0), ("512", 512), ("64K", 65536), ("1.5G", 3 << 29), ("2 TiB", 2 << 40), ("50gb", 50 << 30)],
)
def test_sizes(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "G", "-1", "1e9", "5P", "1 2", "inf"])
def test_no_sizes(text: str) -> None:
    with pytest.raises(KindError):
        parse_size(text)


def test_the_configuration_that_wsgidav_s_own_launcher_completes_is_understood(tmp_path: Path) -> None:
    completed = {**DEFAULT_CONFIG, "_config_file": "wsgidav.yaml", "_config_root": ".", "sumu": {"plex": "photos"}}

    settings = from_document(completed, tmp_path / "wsgidav.yaml")

    assert settings.plex == tmp_path / "photos"
    assert set(settings.wsgidav) == set(DEFAULT_CONFIG)
