"""Deciding a login: from a user name and a password, or an Authorization header, to an account.

Knows nothing of requests or answers; reads accounts through `Accounts` alone.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace

from sumu_dav.auth.accounts import Accounts
from sumu_dav.auth.addresses import neighborhood
from sumu_dav.auth.basic import decode_basic
from sumu_dav.auth.document import StoredAccount
from sumu_dav.auth.names import USER_NAME_BYTES, folded
from sumu_dav.auth.passwords import account_password, as_device_password
from sumu_dav.auth.throttle import Throttle
from sumu_dav.errors import BadCredentials, NoSpace, TooManyAttempts
from sumu_dav.floor import given_up
from sumu_dav.model import Account

REMEMBERED_SECONDS = 600.0
"""How long a verified credential needs no argon2: a sync of an hour costs six, and memory holds none for long."""

REMEMBERED_LIMIT = 4_096
"""Verified credentials in memory, the oldest dropped beyond it; two a device and address of one sync client."""

KNOWN_WRONG_LIMIT = 1_024
"""Digests of wrong credentials in memory, so that a phone that repeats an old password costs no argon2."""

VERIFICATIONS_AT_ONCE = 2
"""argon2 runs side by side, at `passwords.MEMORY_KIB` and one core each: guessing must leave the machine usable."""

VERIFICATIONS_WAITING = 32
"""Different credentials that wait for an argon2, under a second in all; whoever comes then is told to come again."""

BUSY_WAIT = 2
"""Seconds after which to come again then."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Login:
    """Who is logged in, and with which device's password (None: with the account's own)."""

    account: Account
    device: str | None


@dataclass(frozen=True, slots=True)
class Counts:
    """What happened since the start: argon2 runs, wrong credentials, attempts that were told to wait."""

    verifications: int
    wrong: int
    throttled: int


@dataclass(frozen=True, slots=True)
class _Verified:
    """A credential that was right. It holds while `secret` is the hash of the account `name` (folded) or its device."""

    name: str
    stored: StoredAccount
    secret: str
    selector: str | None
    login: Login
    expires: float


class Authenticator:
    """Checks credentials, remembers right ones for minutes, and slows down guessing. `clock` gives monotonic seconds.

    A remembered credential is a digest under a key that dies with the process, so memory holds nothing to log in with,
    and it is asked of before any brake: guessing at an account never disturbs the devices that are logged in to it.
    """

    def __init__(self, accounts: Accounts, clock: Callable[[], float] = time.monotonic) -> None:
        self._accounts = accounts
        self._clock = clock
        self._throttle = Throttle(clock)
        self._key = secrets.token_bytes(32)
        self._decoy = accounts.passwords.hash(account_password())
        self._lock = threading.Lock()
        self._remembered: OrderedDict[bytes, _Verified] = OrderedDict()
        self._known_wrong: OrderedDict[bytes, StoredAccount | None] = OrderedDict()
        self._under_way: dict[bytes, threading.Event] = {}
        self._turns = threading.BoundedSemaphore(VERIFICATIONS_AT_ONCE)
        self._verifications = 0
        self._wrong = 0
        self._throttled = 0

    def check_header(self, authorization: str | None, address: str) -> Login:
        """Whoever the value of an Authorization header logs in (Basic, RFC 7617); `address` is the client's.

        Raises BadCredentials (also where the header is missing or malformed; that is not counted as a guess) and
        TooManyAttempts. A value that was right lately is answered without an argon2.
        """
        if authorization is None:
            raise BadCredentials(None)
        digest = self._digest(b"header", authorization)
        known = self._recall(digest, address)
        if known is not None:
            return known.login
        user, password = decode_basic(authorization)
        verified = self._check(user, password, address)
        self._remember(digest, verified)
        return verified.login

    def check(self, user: str, password: str, address: str) -> Login:
        """Whoever this name and password log in. Raises BadCredentials and TooManyAttempts (seconds to wait)."""
        return self._check(user, password, address).login

    def counts(self) -> Counts:
        """The counts since the start."""
        with self._lock:
            return Counts(self._verifications, self._wrong, self._throttled)

    def _check(self, user: str, password: str, address: str) -> _Verified:
        name = folded(user)[:USER_NAME_BYTES]  # no account's name is longer, and counters should not be either
        digest = self._digest(b"pair", f"{len(name)}:{name}:{password}")
        try:
            return self._settled(digest, name, user, password, address)
        except BadCredentials:
            with self._lock:
                self._wrong += 1
            raise
        except TooManyAttempts as error:
            error.user = user
            with self._lock:
                self._throttled += 1
            raise

    def _settled(self, digest: bytes, name: str, user: str, password: str, address: str) -> _Verified:
        """The outcome of one credential; who brings the same one meanwhile waits for it instead of for an argon2."""
        while (known := self._recall(digest, address)) is None:
            done, mine = self._join(digest)
            if not mine:
                done.wait()
                continue
            try:
                return self._settle(digest, name, user, password, address)
            finally:
                with self._lock:
                    del self._under_way[digest]
                done.set()
        return known

    def _settle(self, digest: bytes, name: str, user: str, password: str, address: str) -> _Verified:
        """As `_settled`, for the one thread that settles this credential now."""
        # Asked once more: another thread may have settled it since this one asked.
        known = self._recall(digest, address)
        if known is not None:
            return known
        if self._is_known_wrong(digest, name):
            self._throttle.repeated(name, neighborhood(address))
            raise BadCredentials(user)
        return self._verify(digest, name, user, password, address)

    def _join(self, digest: bytes) -> tuple[threading.Event, bool]:
        with self._lock:
            done = self._under_way.get(digest)
            if done is not None:
                return done, False
            if len(self._under_way) >= VERIFICATIONS_WAITING:
                raise TooManyAttempts(BUSY_WAIT)
            done = self._under_way[digest] = threading.Event()
            return done, True

    def _verify(self, digest: bytes, name: str, user: str, password: str, address: str) -> _Verified:
        place = neighborhood(address)
        # Proven once, it is no guess: a device whose time is over in mid-attack on its account is not to be braked.
        guess = self._proven(digest) is None
        if guess:
            self._throttle.reserve(name, place)
        stored = self._accounts.roll().get(name)
        secret, spelled, selector, device = self._candidate(stored, password)
        with given_up(), self._turns:
            right = self._accounts.passwords.verify(secret, spelled)
        with self._lock:
            self._verifications += 1
        if stored is None or not right:
            self._remember_wrong(digest, stored)
            raise BadCredentials(user)
        if guess:
            self._throttle.succeeded(name, place)
        secret = self._refreshed(stored, secret, spelled)
        login = Login(stored.account, device)
        verified = _Verified(name, stored, secret, selector, login, self._clock() + REMEMBERED_SECONDS)
        self._remember(digest, verified)
        if selector is not None:
            self._accounts.note_use(selector, address)
        return verified

    def _candidate(self, stored: StoredAccount | None, password: str) -> tuple[str, str, str | None, str | None]:
        """(hash, password, selector, device) to verify: always exactly one, so that the time it takes tells neither
        whether there is such an account nor how many devices it has."""
        if stored is None:
            return self._decoy, password, None, None
        spelled = as_device_password(password)
        if spelled is not None:
            for device in stored.devices:
                if device.selector == spelled[0]:
                    return device.secret, spelled[1], device.selector, device.name
        return stored.secret, password, None, None

    def _refreshed(self, stored: StoredAccount, secret: str, password: str) -> str:
        """The hash at today's cost, while the password is at hand; a disk that refuses it is no reason to refuse it."""
        if not self._accounts.passwords.outdated(secret):
            return secret
        with self._turns:
            renewed = self._accounts.passwords.hash(password)
        try:
            return renewed if self._accounts.replace_secret(stored.account.name, secret, renewed) else secret
        except (OSError, NoSpace) as error:
            _log.warning("a password hash could not be renewed: %s", error)
            return secret

    def _recall(self, digest: bytes, address: str) -> _Verified | None:
        verified = self._proven(digest)
        if verified is None or self._clock() >= verified.expires:
            return None
        if verified.selector is not None:
            self._accounts.note_use(verified.selector, address)
        return verified

    def _proven(self, digest: bytes) -> _Verified | None:
        """The credential, if it was right once and its hash is the same still; its time may be over."""
        verified = self._remembered.get(digest)
        if verified is None:
            return None
        stored = self._accounts.roll().get(verified.name)
        if stored is not verified.stored:
            renewed = _carried_over(verified, stored)
            if renewed is None:
                self._forget(digest)
                return None
            verified = renewed
            with self._lock:
                self._remembered[digest] = verified
        return verified

    def _remember(self, digest: bytes, verified: _Verified) -> None:
        with self._lock:
            self._remembered[digest] = verified
            self._remembered.move_to_end(digest)
            while len(self._remembered) > REMEMBERED_LIMIT:
                self._remembered.popitem(last=False)

    def _forget(self, digest: bytes) -> None:
        with self._lock:
            self._remembered.pop(digest, None)

    def _is_known_wrong(self, digest: bytes, name: str) -> bool:
        stored = self._accounts.roll().get(name)
        with self._lock:
            return digest in self._known_wrong and self._known_wrong[digest] is stored

    def _remember_wrong(self, digest: bytes, stored: StoredAccount | None) -> None:
        with self._lock:
            self._known_wrong[digest] = stored
            self._known_wrong.move_to_end(digest)
            while len(self._known_wrong) > KNOWN_WRONG_LIMIT:
                self._known_wrong.popitem(last=False)

    def _digest(self, kind: bytes, text: str) -> bytes:
        return hashlib.blake2b(
            text.encode("utf-8", "surrogatepass"), digest_size=32, key=self._key, person=kind
        ).digest()


def _carried_over(verified: _Verified, stored: StoredAccount | None) -> _Verified | None:
    """The credential under an account that was read again; None where its hash is not there any more."""
    if stored is None:
        return None
    if verified.selector is None:
        secret, device = stored.secret, None
    else:
        entry = next((entry for entry in stored.devices if entry.selector == verified.selector), None)
        if entry is None:
            return None
        secret, device = entry.secret, entry.name
    if secret != verified.secret:
        return None
    return replace(verified, stored=stored, login=Login(stored.account, device))
