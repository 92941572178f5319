"""The text of an Authorization header, as RFC 7617 has it. Knows nothing of accounts."""

from __future__ import annotations

import base64
import binascii

from sumu_dav.errors import BadCredentials


def decode_basic(authorization: str) -> tuple[str, str]:
    """(user, password) of a Basic credential (RFC 7617), in UTF-8 or, from clients that never heard of it, Latin-1.

    Raises BadCredentials for another scheme and for whatever is not well formed.
    """
    scheme, _, token = authorization.strip().partition(" ")
    if scheme.lower() != "basic":
        raise BadCredentials(None)
    try:
        decoded = base64.b64decode(token.strip(), validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadCredentials(None) from error
    try:
        text = decoded.decode("utf-8")
    except UnicodeDecodeError:
        text = decoded.decode("latin-1")
    user, colon, password = text.partition(":")
    if not colon or not user:
        raise BadCredentials(None)
    return user, password
