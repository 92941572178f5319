"""The catalogue: the TinyDB file that says what every photo is. Knows nothing of the trees on disk or of WebDAV."""

from sumu_dav.catalog.catalog import Catalog, EmbeddedCatalog, MemoryCatalog, Promise
from sumu_dav.catalog.index import stem_of
from sumu_dav.catalog.mending import Finding, examine, repair
from sumu_dav.catalog.photos import PHOTO_CODEC
from sumu_dav.catalog.records import Codec, Pending, RecordFile
from sumu_dav.catalog.seen import SeenFile
from sumu_dav.catalog.tiny import open_catalog

__all__ = [
    "PHOTO_CODEC",
    "Catalog",
    "Codec",
    "EmbeddedCatalog",
    "Finding",
    "MemoryCatalog",
    "Pending",
    "Promise",
    "RecordFile",
    "SeenFile",
    "examine",
    "open_catalog",
    "repair",
    "stem_of",
]
