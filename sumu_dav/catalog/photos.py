"""A photo's record as JSON: the names, the order and the kinds of the fields of `catalog.json`.

Knows the record and nothing of files, lines or indexes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields as dataclass_fields
from datetime import datetime
from math import isfinite
from operator import attrgetter, itemgetter
from sys import intern
from typing import Any, NamedTuple

from sumu_dav.catalog.records import Codec
from sumu_dav.model import Photo

TABLE = "media"
"""TinyDB's name for the table of photos."""


class _Kind(NamedTuple):
    """`fits` is asked only of values of the right type; None where the type says it all."""

    words: str
    types: frozenset[type]
    fits: Callable[[Any], bool] | None = None

    def allows(self, value: object) -> bool:
        return type(value) in self.types and (value is None or self.fits is None or self.fits(value))


def _is_time(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def _is_name(value: object) -> bool:
    return type(value) is str and value not in ("", ".", "..") and "/" not in value and "\0" not in value


def _is_album(value: str) -> bool:
    return value == "" or _is_name(value) or all(map(_is_name, value.split("/")))


def _are_names(value: list[object]) -> bool:
    return not value or all(map(_is_name, value))


def _are_texts(value: dict[str, object]) -> bool:
    return not value or all(type(text) is str for text in value.values())


def _or_null(kind: _Kind) -> _Kind:
    return _Kind(f"{kind.words} or null", kind.types | {type(None)}, kind.fits)


_FLAG = _Kind("true or false", frozenset({bool}))
_TEXT = _Kind("a text", frozenset({str}))
_SOME_TEXT = _Kind("a text that is not empty", frozenset({str}), bool)
_NAME = _Kind("a file or folder name", frozenset({str}), _is_name)
_ALBUM = _Kind('folder names with "/" between them', frozenset({str}), _is_album)
_COUNT = _Kind("a whole number", frozenset({int}))
_NUMBER = _Kind("a number", frozenset({int, float}), isfinite)
_TIME = _Kind("an ISO 8601 time", frozenset({str}), _is_time)
_LATITUDE = _Kind("degrees from -90 to 90", frozenset({int, float}), lambda degrees: -90 <= degrees <= 90)
_LONGITUDE = _Kind("degrees from -180 to 180", frozenset({int, float}), lambda degrees: -180 <= degrees <= 180)
_NAMES = _Kind("a list of names", frozenset({list}), _are_names)
_TEXTS = _Kind("an object of texts", frozenset({dict}), _are_texts)

_NEEDED = object()


class _Field(NamedTuple):
    """`default` stands for a field that is missing, as in a record that a person made."""

    name: str
    attribute: str
    kind: _Kind
    default: object = None


_FIELDS = (
    _Field("id", "id", _SOME_TEXT, _NEEDED),
    _Field("user", "user", _NAME, _NEEDED),
    _Field("album", "album", _ALBUM, _NEEDED),
    _Field("name", "name", _NAME, _NEEDED),
    _Field("isFavorite", "is_favorite", _FLAG, False),
    _Field("favoriteName", "favorite_name", _or_null(_NAME)),
    _Field("latitude", "latitude", _or_null(_LATITUDE)),
    _Field("longitude", "longitude", _or_null(_LONGITUDE)),
    _Field("altitude", "altitude", _or_null(_NUMBER)),
    _Field("taken", "taken", _or_null(_TIME)),
    _Field("takenFrom", "taken_from", _or_null(_TEXT)),
    _Field("isVideo", "is_video", _FLAG, False),
    _Field("isLivePhoto", "is_live_photo", _FLAG, False),
    _Field("livePhotoId", "live_photo_id", _or_null(_TEXT)),
    _Field("mediaType", "media_type", _or_null(_TEXT)),
    _Field("width", "width", _or_null(_COUNT)),
    _Field("height", "height", _or_null(_COUNT)),
    _Field("duration", "duration", _or_null(_NUMBER)),
    _Field("orientation", "orientation", _or_null(_COUNT)),
    _Field("make", "make", _or_null(_TEXT)),
    _Field("model", "model", _or_null(_TEXT)),
    _Field("size", "size", _COUNT, _NEEDED),
    _Field("sha256", "sha256", _TEXT, _NEEDED),
    _Field("modified", "modified", _TIME, _NEEDED),
    _Field("uploaded", "uploaded", _TIME, _NEEDED),
    _Field("looseNames", "loose_names", _NAMES, []),
    _Field("metadataError", "metadata_error", _or_null(_TEXT)),
    _Field("metadataVersion", "metadata_version", _COUNT, 0),
    _Field("properties", "properties", _TEXTS, {}),
)

_NAMES_IN_ORDER = tuple(known.name for known in _FIELDS)
_KNOWN = frozenset(_NAMES_IN_ORDER)
_all_attributes = attrgetter(*(known.attribute for known in _FIELDS))

_BY_ATTRIBUTE = {known.attribute: known for known in _FIELDS}
_MODEL_ORDER = tuple(_BY_ATTRIBUTE[spot.name] for spot in dataclass_fields(Photo) if spot.name in _BY_ATTRIBUTE)
_all_fields = itemgetter(*(known.name for known in _MODEL_ORDER))
_PLACE_OF = {known.name: place for place, known in enumerate(_MODEL_ORDER)}

_LOOSE = _PLACE_OF["looseNames"]
_FITS = tuple((place, known.kind.fits) for place, known in enumerate(_MODEL_ORDER) if known.kind.fits is not None)

_SHARED = tuple(_PLACE_OF[name] for name in ("user", "album", "takenFrom", "mediaType", "make", "model"))
"""Fields that say the same in thousands of records: one text for all of them saves a third of a kilobyte a record."""

_seen_types: set[tuple[type, ...]] = set()
"""Types of whole records that were found right: a library has a few dozen of them, and asking costs one look-up."""


def encode_photo(photo: Photo) -> dict[str, object]:
    """The fields of a record, in the order in which they stand in the file."""
    fields = dict(zip(_NAMES_IN_ORDER, _all_attributes(photo), strict=True))
    fields["looseNames"] = list(photo.loose_names)
    fields["properties"] = dict(photo.properties)
    fields.update(photo.extra)
    return fields


def decode_photo(doc_id: int, fields: dict[str, Any]) -> Photo:
    """The record that a line's JSON object holds. `ValueError` says in words which field can't be, and what may be."""
    try:
        values = list(_all_fields(fields))
    except KeyError:
        values = [fields.get(known.name, known.default) for known in _MODEL_ORDER]
    types = tuple(map(type, values))
    if types not in _seen_types:
        _check(values)
        _seen_types.add(types)
    for place, fits in _FITS:
        value = values[place]
        if value is not None and not fits(value):
            _check(values)
    for place in _SHARED:
        text = values[place]
        if text is not None:
            values[place] = intern(text)
    values[_LOOSE] = tuple(values[_LOOSE])
    extra: tuple[tuple[str, Any], ...]
    extra = () if len(fields) == len(_KNOWN) else tuple(item for item in fields.items() if item[0] not in _KNOWN)
    return Photo(doc_id, *(*values, extra))


def _check(values: list[Any]) -> None:
    for known, value in zip(_MODEL_ORDER, values, strict=True):
        if value is _NEEDED:
            raise ValueError(f"the field {known.name!r} is missing; it should be {known.kind.words}")
        if not known.kind.allows(value):
            raise ValueError(f"the field {known.name!r} is {value!r} and should be {known.kind.words}")


PHOTO_CODEC = Codec(encode_photo, decode_photo)
"""Photos, as `catalog.json` holds them."""
