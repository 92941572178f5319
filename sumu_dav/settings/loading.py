"""Reading the settings: wsgidav.yaml, then the environment, then the command line, checked and made one value.

Knows nothing of what the settings are for. WsgiDAV's own keys are passed on unread but for the four that say where to
listen; that none of them is misspelt is checked here, since WsgiDAV itself takes any.
"""

from __future__ import annotations

import dataclasses
import difflib
import os
import typing
from collections.abc import Hashable, Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from sumu_dav.errors import SettingRefused
from sumu_dav.settings import kinds
from sumu_dav.settings.fields import Settings
from sumu_dav.settings.kinds import Kind, KindError

DEFAULT_CONFIG = Path("wsgidav.yaml")
"""The file that is read where no other is named, if it exists: WsgiDAV looks for the same."""

BLOCK = "sumu"
"""The key of wsgidav.yaml whose block is ours."""

PLEX_TOKEN_VARIABLE = "SUMU_PLEX_TOKEN"  # noqa: S105 - the name of a variable, not a token
"""The environment variable that holds Plex's token where the file does not."""

LISTENING: dict[str, tuple[str, Kind[Any]]] = {
    "host": ("host", kinds.text()),
    "port": ("port", kinds.integer(0, 65535)),
    "ssl_certificate": ("certificate", kinds.path().or_none()),
    "ssl_private_key": ("private_key", kinds.path().or_none()),
}
"""Those of WsgiDAV's keys that are read: the field of `Settings` and the kind of each. Port 0 is any free one."""

WSGIDAV_KEYS = frozenset(
    {
        *LISTENING,
        *("server", "server_args", "mount_path", "provider_mapping", "fs_dav_provider", "honor_mtime_header"),
        *("add_header_MS_Author_Via", "default_charset", "hotfixes", "property_manager", "mutable_live_props"),
        *("lock_storage", "middleware_stack", "http_authenticator", "simple_dc", "nt_dc", "pam_dc", "cors", "verbose"),
        *("suppress_version_info", "logging", "dir_browser", "ssl_adapter", "ssl_certificate_chain", "error_printer"),
        *("block_size", "unquote_path_info", "re_encode_path_info", "trusted_auth_header"),
    }
)
"""The keys that WsgiDAV 4.4.0 knows (its default_conf.py, sample file and middleware)."""


def load(config: Path | None = None, overrides: Mapping[str, object] | None = None) -> Settings:
    """The settings of a file (None: wsgidav.yaml of the working folder, if there is one) and of the command line.

    `overrides` has the file's keys, with dots (`port`, `sumu.plex`, `sumu.plex_server.url`), and wins over it. Relative
    paths of the file are relative to its folder, those of `overrides` to the working folder. Raises SettingRefused.
    """
    if config is None:
        config = DEFAULT_CONFIG if DEFAULT_CONFIG.is_file() else None
    if config is None:
        return from_document({}, None, overrides)
    return from_document(_read(config), config.absolute(), overrides)


def from_document(
    document: Mapping[str, Any], config: Path | None, overrides: Mapping[str, object] | None = None
) -> Settings:
    """The settings of a parsed file that was read at `config`. Raises SettingRefused."""
    folder = config.parent if config is not None else Path.cwd()
    own = {key: value for key, value in document.items() if not str(key).startswith("_")}
    block = own.pop(BLOCK, None)
    _refuse_unknown("", own, {*WSGIDAV_KEYS, BLOCK})
    given = _group_of(Settings, BLOCK, block, folder)
    for key, (field, kind) in LISTENING.items():
        if key in own:
            given[field] = _checked(key, kind, own[key], folder)
    settings = Settings(**{"plex": folder / "data/plex", "state": folder / "data/state"} | given)
    for key, value in (overrides or {}).items():
        settings = _overridden(settings, key, value)
    if settings.plex_server.token is None and os.environ.get(PLEX_TOKEN_VARIABLE):
        settings = _overridden(settings, f"{BLOCK}.plex_server.token", os.environ[PLEX_TOKEN_VARIABLE])
    _check_together(settings)
    return dataclasses.replace(settings, config=config, wsgidav=own)


class _Loader(yaml.SafeLoader):
    """YAML as PyYAML's safe loader has it, except that a key that stands twice is an error and not a silent choice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Refuse the second of two equal keys."""
        seen: set[str] = set()
        for key, _ in node.value:
            if key.value in seen and isinstance(key, yaml.ScalarNode):
                raise yaml.constructor.ConstructorError(None, None, f"the key {key.value} stands twice", key.start_mark)
            if isinstance(key, yaml.ScalarNode):
                seen.add(key.value)
        return super().construct_mapping(node, deep)


def _read(config: Path) -> dict[str, Any]:
    try:
        text = config.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no UTF-8"
        raise SettingRefused("--config", f"{config}: {reason}", "a YAML file that can be read") from error
    try:
        document = yaml.load(text, _Loader)  # noqa: S506 - a SafeLoader
    except yaml.YAMLError as error:
        where, problem = "", type(error).__name__
        if isinstance(error, yaml.MarkedYAMLError):
            problem = error.problem or problem
            where = f", line {error.problem_mark.line + 1}" if error.problem_mark else ""
        raise SettingRefused(f"{config}{where}", problem, "YAML (quote what begins with % @ ` or *)") from error
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise SettingRefused(str(config), document, "lines of the form key: value")
    return document


def _group_of(group: type[Any], key: str, block: object, folder: Path) -> dict[str, Any]:
    """The checked values of a block, by field, for the constructor of `group`."""
    if block is None:
        return {}
    if not isinstance(block, dict):
        raise SettingRefused(key, block, "a block of keys")
    hints = typing.get_type_hints(group, include_extras=True)
    shapes = {name: shape for name, hint in hints.items() if (shape := _shape(hint)) is not None}
    _refuse_unknown(f"{key}.", block, shapes)
    values: dict[str, Any] = {}
    for name, value in block.items():
        shape = shapes[name]
        if isinstance(shape, Kind):
            values[name] = _checked(f"{key}.{name}", shape, value, folder)
        else:
            values[name] = shape(**_group_of(shape, f"{key}.{name}", value, folder))
    return values


def _shape(hint: Any) -> Kind[Any] | type[Any] | None:
    """What a field takes from the block: a value of a kind, a block of its own, or nothing."""
    if typing.get_origin(hint) is typing.Annotated:
        return typing.cast("Kind[Any]", hint.__metadata__[0])
    return hint if dataclasses.is_dataclass(hint) and isinstance(hint, type) else None


def _overridden(settings: Settings, key: str, value: object) -> Settings:
    if key in LISTENING:
        field, kind = LISTENING[key]
        return dataclasses.replace(settings, **{field: _checked(key, kind, value, Path.cwd())})
    first, _, rest = key.removeprefix(f"{BLOCK}.").partition(".")
    block = {first: {rest: value} if rest else value}
    values = _group_of(Settings, BLOCK, block, Path.cwd())
    if rest:
        values = {first: dataclasses.replace(getattr(settings, first), **{rest: getattr(values[first], rest)})}
    return dataclasses.replace(settings, **values)


def _checked(key: str, kind: Kind[Any], value: object, folder: Path) -> Any:
    try:
        parsed = kind.parse(value)
    except KindError as error:
        raise SettingRefused(key, "(not shown)" if kind.secret else value, kind.allowed) from error
    # normpath: a message or a derived path should not carry "./"; unlike resolve() it leaves symbolic links alone.
    return Path(os.path.normpath(folder / parsed)) if isinstance(parsed, Path) else parsed


def _refuse_unknown(prefix: str, block: Mapping[Any, object], known: Iterable[str]) -> None:
    known = sorted(known)
    for key in block:
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1)
            allowed = f"did you mean {prefix}{near[0]}?" if near else ", ".join(known)
            raise SettingRefused(f"{prefix}{key}", "a key that is not known", allowed)


def _check_together(settings: Settings) -> None:
    """What each value alone does not show."""
    if (settings.certificate is None) != (settings.private_key is None):
        missing = "ssl_certificate" if settings.certificate is None else "ssl_private_key"
        raise SettingRefused(missing, None, "ssl_certificate and ssl_private_key together, or neither")
    # Plex would index what lies in its tree, and a user's name could collide with the state's.
    plex, state = settings.plex.resolve(), settings.state.resolve()
    if state == plex or plex in state.parents:
        raise SettingRefused(
            f"{BLOCK}.state", str(settings.state), f"a folder outside of {settings.plex} ({BLOCK}.plex)"
        )
