"""What the answer to an upload says of it: whoever holds one may delete their own copy."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from support.face import Face
from support.samples import jpeg


@pytest.mark.parametrize("later", ["PUT", "DELETE"])
@pytest.mark.parametrize("was_there", [False, True])
def test_no_tag_is_given_for_what_another_request_has_made_of_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, later: str, was_there: bool
) -> None:
    with closing(Face(tmp_path)) as face:
        receiving = face.archive.receiving
        store = receiving.store
        face.do("MKCOL", "/alice/trip")
        if was_there:
            face.do("PUT", "/alice/trip/a.jpg", jpeg(make="before"))

        def store_and_be_overtaken(*arguments: Any, **named: Any) -> Any:
            receipt = store(*arguments, **named)
            with monkeypatch.context() as patched:
                patched.setattr(receiving, "store", store)
                body = jpeg(make="later") if later == "PUT" else b""
                assert face.do(later, "/alice/trip/a.jpg", body) == 204
            return receipt

        with monkeypatch.context() as patched:
            patched.setattr(receiving, "store", store_and_be_overtaken)
            overtaken = face.request("PUT", "/alice/trip/a.jpg", jpeg(make="first"))

        assert overtaken.status == (204 if was_there else 201)
        assert "ETag" not in overtaken.headers
        assert "Repr-Digest" in overtaken.headers
