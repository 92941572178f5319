"""Photos to fill catalogues with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sumu_dav.model import Photo


def make_photo(doc_id: int, name: str | None = None, **fields: Any) -> Photo:
    """A photo of alice's in the album "trip", unlike any of another id."""
    plain: dict[str, Any] = {
        "id": f"00000000-0000-4000-8000-{doc_id:012}",
        "user": "alice",
        "album": "trip",
        "name": name or f"IMG_{doc_id}.jpg",
        "size": 1000 + doc_id,
        "sha256": f"{doc_id:064x}",
        "modified": "2024-05-04T10:11:12+02:00",
        "uploaded": "2024-05-04T20:00:00+00:00",
    }
    return Photo(doc_id, **{**plain, **fields})


@pytest.fixture
def photo() -> Callable[..., Photo]:
    """`photo(7, "IMG.jpg", is_favorite=True)`: a record with this document id."""
    return make_photo
