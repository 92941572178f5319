"""The lock table: what goes together, what a lock forbids to whom, and that it ends."""

import random
import threading
from collections.abc import Collection
from itertools import combinations

import pytest

from sumu_dav.dav.faults import LockConflict, Locked, LocksBelow, LockTokenMismatch, PreconditionFailed, TooManyLocks
from sumu_dav.dav.locks import Lock, LockPath, LockTable
from sumu_dav.errors import Forbidden, NoSpace
from support.locks import MemoryLockStore

ALBUM: LockPath = ("alice", "trip")
PHOTO: LockPath = ("alice", "trip", "a.jpg")
OTHER: LockPath = ("alice", "trip2", "a.jpg")


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def table(clock: Clock) -> LockTable:
    return LockTable(MemoryLockStore(), clock=clock)


def take(
    table: LockTable,
    path: LockPath,
    who: str = "alice",
    *,
    shared: bool = False,
    infinite: bool = False,
    timeout: int = 600,
    tokens: Collection[str] = (),
) -> Lock:
    href = "/" + "/".join(path)
    return table.acquire(path, href, who, shared=shared, infinite=infinite, timeout=timeout, tokens=tokens)


@pytest.mark.parametrize(
    ("first", "second", "together"),
    [
        ((PHOTO, "exclusive", 0), (PHOTO, "exclusive", 0), False),
        ((PHOTO, "exclusive", 0), (PHOTO, "shared", 0), False),
        ((PHOTO, "shared", 0), (PHOTO, "exclusive", 0), False),
        ((PHOTO, "shared", 0), (PHOTO, "shared", 0), True),
        ((ALBUM, "exclusive", "infinity"), (PHOTO, "exclusive", 0), False),
        ((ALBUM, "shared", "infinity"), (PHOTO, "shared", 0), True),
        ((ALBUM, "exclusive", 0), (PHOTO, "exclusive", 0), True),
        ((PHOTO, "exclusive", 0), (ALBUM, "exclusive", "infinity"), False),
        ((PHOTO, "shared", 0), (ALBUM, "shared", "infinity"), True),
        ((PHOTO, "exclusive", 0), (ALBUM, "exclusive", 0), True),
        ((ALBUM, "exclusive", "infinity"), (OTHER, "exclusive", 0), True),
    ],
)
def test_which_locks_go_together(
    table: LockTable, first: tuple[LockPath, str, object], second: tuple[LockPath, str, object], together: bool
) -> None:
    take(table, first[0], "alice", shared=first[1] == "shared", infinite=first[2] == "infinity")
    for who in ("bob", "alice"):
        if together:
            lock = take(table, second[0], who, shared=second[1] == "shared", infinite=second[2] == "infinity")
            table.release(lock.token, second[0], who)
        else:
            with pytest.raises((LockConflict, LocksBelow)) as raised:
                take(table, second[0], who, shared=second[1] == "shared", infinite=second[2] == "infinity")
            conflict = raised.value
            assert isinstance(conflict, LocksBelow) == (len(first[0]) > len(second[0]))
            found = conflict.conflicts[first[0]] if isinstance(conflict, LocksBelow) else conflict
            assert isinstance(found, LockConflict)
            assert found.roots == ("/" + "/".join(first[0]),)


def test_a_write_needs_the_token_from_its_own_holder(table: LockTable) -> None:
    lock = take(table, PHOTO)
    table.check_write(PHOTO, {lock.token}, "alice")
    table.check_write(OTHER, (), "bob")
    for tokens, who in (((), "alice"), ({lock.token}, "bob"), ({"opaquelocktoken:other"}, "alice")):
        with pytest.raises(Locked) as raised:
            table.check_write(PHOTO, tokens, who)
        assert raised.value.roots == ("/alice/trip/a.jpg",)


def test_an_infinite_lock_protects_all_below_and_nothing_beside(table: LockTable) -> None:
    take(table, ALBUM, infinite=True)
    for path in (ALBUM, PHOTO, (*ALBUM, "deep", "er", "x")):
        with pytest.raises(Locked):
            table.check_write(path, (), "bob")
    table.check_write(OTHER, (), "bob")
    table.check_write(("alice",), (), "bob")


def test_a_lock_of_depth_zero_protects_the_collection_alone(table: LockTable) -> None:
    take(table, ALBUM)
    table.check_write(PHOTO, (), "bob")
    with pytest.raises(Locked):
        table.check_write(ALBUM, (), "bob")


def test_a_whole_tree_needs_every_token_in_it(table: LockTable) -> None:
    first, second = take(table, PHOTO), take(table, (*ALBUM, "b.jpg"))
    table.check_write(ALBUM, (), "alice")
    closed = table.closed_below(ALBUM, {first.token}, "alice")
    assert {path: locked.roots for path, locked in closed.items()} == {second.path: (second.href,)}
    assert table.closed_below(ALBUM, {first.token, second.token}, "alice") == {}


def test_any_token_of_shared_locks_opens(table: LockTable) -> None:
    mine, theirs = take(table, PHOTO, "alice", shared=True), take(table, PHOTO, "bob", shared=True)
    table.check_write(PHOTO, {mine.token}, "alice")
    with pytest.raises(Locked):
        table.check_write(PHOTO, {theirs.token}, "alice")


def test_ones_own_locks_below_do_not_block_a_folder_when_their_tokens_are_given(table: LockTable) -> None:
    child = take(table, PHOTO)
    with pytest.raises(LocksBelow):
        take(table, ALBUM, infinite=True)
    with pytest.raises(LocksBelow):
        take(table, ALBUM, "bob", infinite=True, tokens={child.token})
    folder = take(table, ALBUM, infinite=True, tokens={child.token})
    for token in (child.token, folder.token):
        table.check_write(PHOTO, {token}, "alice")
    table.check_write(ALBUM, {folder.token}, "alice")
    assert table.closed_below(ALBUM, {folder.token}, "alice") == {}
    with pytest.raises(Locked):
        table.check_write(PHOTO, {child.token, folder.token}, "bob")


def test_refreshing_begins_the_time_anew(table: LockTable, clock: Clock) -> None:
    lock = take(table, PHOTO, timeout=100)
    clock.now += 90
    renewed = table.refresh({lock.token}, PHOTO, "alice", 200)
    assert (renewed.token, renewed.id) == (lock.token, lock.id)
    clock.now += 150
    assert table.seconds_left(renewed) == 50
    assert table.tokens(PHOTO) == {lock.token}
    for tokens, path, who in (((), PHOTO, "alice"), ({lock.token}, OTHER, "alice"), ({lock.token}, PHOTO, "bob")):
        with pytest.raises(PreconditionFailed):
            table.refresh(tokens, path, who, 200)
    clock.now += 100
    with pytest.raises(PreconditionFailed):
        table.refresh({lock.token}, PHOTO, "alice", 200)


def test_an_infinite_lock_is_refreshed_from_below(table: LockTable) -> None:
    lock = take(table, ALBUM, infinite=True)
    assert table.refresh({lock.token}, PHOTO, "alice", 60).path == ALBUM


def test_releasing(table: LockTable) -> None:
    lock = take(table, ALBUM, infinite=True)
    with pytest.raises(LockTokenMismatch):
        table.release("opaquelocktoken:other", ALBUM, "alice")
    with pytest.raises(LockTokenMismatch):
        table.release(lock.token, OTHER, "alice")
    with pytest.raises(Forbidden):
        table.release(lock.token, ALBUM, "bob")
    table.release(lock.token, PHOTO, "alice")
    table.check_write(PHOTO, (), "bob")
    assert table.all() == ()


def test_an_administrator_breaks_any_lock(table: LockTable) -> None:
    lock = take(table, PHOTO)
    assert table.drop(lock.token)
    assert not table.drop(lock.token)
    table.check_write(PHOTO, (), "bob")


def test_locks_go_with_their_resource(table: LockTable) -> None:
    take(table, PHOTO)
    take(table, ALBUM)
    other = take(table, OTHER)
    above = take(table, ("alice",))
    table.forget_below(ALBUM)
    assert {lock.token for lock in table.all()} == {other.token, above.token}
    table.forget_below(("nobody",))


def test_an_expired_lock_is_harmless_and_makes_room(clock: Clock) -> None:
    store = MemoryLockStore()
    table = LockTable(store, clock=clock, limit=2)
    for name in ("a", "b"):
        take(table, (*ALBUM, name), timeout=60)
    with pytest.raises(TooManyLocks):
        take(table, (*ALBUM, "c"))
    take(table, (*ALBUM, "c"), "bob")
    clock.now += 60
    table.check_write((*ALBUM, "a"), (), "bob")
    assert table.closed_below((*ALBUM, "a"), (), "bob") == {}
    assert table.covering((*ALBUM, "a")) == ()
    assert [lock.principal for lock in table.below(ALBUM)] == ["bob"]
    take(table, (*ALBUM, "a"))
    assert len(list(store.load())) == 2


def test_refreshing_for_ever_costs_no_memory(table: LockTable, clock: Clock) -> None:
    lock = take(table, PHOTO)
    for _ in range(5_000):
        table.refresh({lock.token}, PHOTO, "alice", 600)
    take(table, OTHER)
    assert len(table._expiries) < 1_100


def test_locks_outlive_a_restart(clock: Clock) -> None:
    store = MemoryLockStore()
    before = LockTable(store, clock=clock)
    kept, short, gone = take(before, PHOTO), take(before, OTHER, timeout=5), take(before, ("bob", "x"))
    before.release(gone.token, ("bob", "x"), "alice")
    clock.now += 10
    after = LockTable(store, clock=clock)
    assert after.all() == (kept,)
    with pytest.raises(Locked):
        after.check_write(PHOTO, (), "alice")
    after.check_write(OTHER, (), "bob")
    take(after, OTHER, "bob")
    assert short.id not in {lock.id for lock in store.load()}


def test_a_full_disk_gives_no_lock(clock: Clock) -> None:
    class Full(MemoryLockStore):
        def put(self, lock: Lock) -> None:
            raise NoSpace("state")

    table = LockTable(Full(), clock=clock)
    with pytest.raises(NoSpace):
        take(table, PHOTO)
    table.check_write(PHOTO, (), "bob")
    assert table.all() == ()


def test_the_indexes_agree_with_a_plain_list(table: LockTable, clock: Clock) -> None:
    seed = 9_100
    print("seed", seed)
    rng = random.Random(seed)
    held: dict[str, Lock] = {}

    def some_path() -> LockPath:
        return ("u", *(rng.choice("abc") for _ in range(rng.randrange(4))))

    for _ in range(3_000):
        clock.now += rng.random() * 20
        held = {token: lock for token, lock in held.items() if lock.expires > clock.now}
        path, who = some_path(), rng.choice(["alice", "bob"])
        match rng.randrange(5):
            case 0 | 1:
                shared, infinite = rng.random() < 0.5, rng.random() < 0.5
                probe = Lock(0, "", path, "", who, shared, infinite, "", 0, 0)
                clash = any(
                    not (shared and lock.shared) and (lock.covers(path) or probe.covers(lock.path))
                    for lock in held.values()
                )
                try:
                    lock = take(table, path, who, shared=shared, infinite=infinite, timeout=rng.randrange(1, 300))
                except (LockConflict, LocksBelow):
                    assert clash
                else:
                    assert not clash
                    held[lock.token] = lock
            case 2 if held:
                lock = rng.choice(list(held.values()))
                table.release(lock.token, lock.path, lock.principal)
                del held[lock.token]
            case 3 if rng.random() < 0.2:
                table.forget_below(path)
                held = {token: lock for token, lock in held.items() if lock.path[: len(path)] != path}
        assert set(table.all()) == set(held.values())
        assert set(table.covering(path)) == {lock for lock in held.values() if lock.covers(path)}
        expected = {lock for lock in held.values() if lock.path != path and lock.path[: len(path)] == path}
        assert set(table.below(path)) == expected
    for lock in table.all():
        table.drop(lock.token)
    assert [table._by_token, table._at, table._under, table._held] == [{}, {}, {}, {}]


def test_threads_that_want_one_lock_get_it_once(table: LockTable) -> None:
    won: list[Lock] = []
    start = threading.Barrier(8)

    def try_it(number: int) -> None:
        start.wait()
        for attempt in range(50):
            try:
                won.append(take(table, (*ALBUM, str(attempt)), f"user{number}"))
            except LockConflict:
                continue
            table.check_write(ALBUM, (), f"user{number}")

    threads = [threading.Thread(target=try_it, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(won) == 50
    assert all(first.path != second.path for first, second in combinations(won, 2))
