"""Hashing passwords, and making random ones that a person can read off a screen and type into a phone.

Knows nothing of accounts, files or logins.
"""

from __future__ import annotations

import logging
import re
import secrets
import unicodedata

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError, VerifyMismatchError

MEMORY_KIB = 47_104
"""46 MiB a verification: OWASP's first choice for argon2id. Two at once fit beside Plex on a machine of 1 GB."""

PASSES = 1
"""Passes over that memory: OWASP's companion to 46 MiB; about 40 ms on a small server."""

LANES = 1
"""Threads a verification. One, so that guesses never occupy more cores than verifications are allowed at once."""

ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"
"""32 signs, 5 bits each, without those that look alike on a phone (l, o, 0, 1)."""

GROUP = 4
"""Signs between two dashes."""

DEVICE_GROUPS = 4
"""Groups of a device password: one that tells which device it is, three (60 bits) that are the secret."""

ACCOUNT_GROUPS = 5
"""Groups of a made-up account password (100 bits); another length than a device's, so that none passes for one."""

_log = logging.getLogger(__name__)

_DEVICE_PASSWORD = re.compile(f"[{ALPHABET}]{{{GROUP * DEVICE_GROUPS}}}")


class Passwords:
    """argon2id (RFC 9106) with this server's cost. Memory in KiB.

    Passwords are compared in NFC (RFC 8265 §4.2.2), since a Mac and a phone may spell one "ü" in two ways.
    """

    def __init__(self, memory_kib: int = MEMORY_KIB, passes: int = PASSES, lanes: int = LANES) -> None:
        self._hasher = PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=lanes)

    def hash(self, password: str) -> str:
        """The PHC string (`$argon2id$v=19$m=…`) of a password, with a salt of its own."""
        return self._hasher.hash(_prepared(password))

    def verify(self, stored: str, password: str) -> bool:
        """Whether the password is the one that was hashed. A hash that can't be read matches nothing."""
        try:
            return self._hasher.verify(stored, _prepared(password))
        except VerifyMismatchError:
            return False
        except (VerificationError, InvalidHashError) as error:
            _log.error("a password hash could not be verified: %s", error)
            return False

    def outdated(self, stored: str) -> bool:
        """Whether the hash was made at another cost than today's."""
        return self._hasher.check_needs_rehash(stored)


def password_fault(password: str) -> str | None:
    """Why this can't be a password, None where it can."""
    if not password:
        return "an empty password is none"
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in password):  # RFC 7617 §2
        return "a password can't hold control characters"
    return None


def account_password() -> str:
    """A random password for a person."""
    return "-".join(_group() for _ in range(ACCOUNT_GROUPS))


def device_password(selector: str) -> str:
    """A random password for one device; `selector` is its public first group."""
    return "-".join([selector, *(_group() for _ in range(DEVICE_GROUPS - 1))])


def new_selector() -> str:
    """A random first group of a device password. It is no secret: it tells which hash to verify against."""
    return _group()


def as_device_password(password: str) -> tuple[str, str] | None:
    """(selector, password as it was made) of what has a device password's form, in any case, with or without dashes."""
    bare = password.replace("-", "").replace(" ", "").lower()
    if _DEVICE_PASSWORD.fullmatch(bare) is None:
        return None
    groups = [bare[start : start + GROUP] for start in range(0, len(bare), GROUP)]
    return groups[0], "-".join(groups)


def _group() -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(GROUP))


def _prepared(password: str) -> bytes:
    # surrogatepass: what a client sends is hashed as it is, and matches nothing, rather than raising
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
