"""Whose turn it is to run Python: one thread at a time has the floor, and gives it up while it waits.

Python runs one thread at once whatever one does. Threads that compete for the interpreter lose it at every system call
and are woken to get it back: with four clients that was sixty switches an upload, and a third of the rate of small
downloads. Here they take turns, and what is begun comes before what is new.

The floor is a courtesy, no lock: nothing is guarded by it, and whoever keeps it too long loses it to those who wait.
Knows nothing of requests.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from time import monotonic, sleep

PATIENCE = 0.005
"""Seconds for which a thread may keep the floor from others. Who has it longer waits where nobody told of it (for a
disk that sleeps, perhaps) or computes at length, and then it is Python's own scheduler that divides the time."""

PIECE = 0.005
"""Seconds of work in the background between two rests: switching from one to the other costs nothing beside it."""

REST = 4.0
"""How many times as long as it worked the background rests, beside requests: they keep four fifths of their rate."""

LONGEST_REST = 0.25
"""Seconds. After a large video too the next requests tell whether there are any."""

_own = threading.local()


class _Seat:
    """A thread's place: `bell` is released once to wake it up."""

    __slots__ = ("bell", "floor", "since")

    def __init__(self, floor: Floor) -> None:
        self.floor = floor
        self.bell = threading.Lock()
        self.bell.acquire()
        self.since = 0.0


class Floor:
    """One thread speaks; while none does, one watches for what is to be done next: the same, as long as none waits.

    Then no thread is woken for a request that is answered from memory; nor for one that comes while another is worked
    on, only to get in line. For threads that take part by `watch`, `take`, work, and `watch` again.
    """

    last_handed = -math.inf
    """When a thread last got a floor, whichever, by the monotonic clock."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._speaker: _Seat | None = None
        self._watcher: _Seat | None = None
        self._ready: deque[_Seat] = deque()
        self._idle: list[_Seat] = []
        self._was_watched = False
        """Whether a thread has watched since the last `relieve`."""
        self.taken = 0
        """How often a thread took the floor."""

    def watch(self) -> None:
        """Give up the floor, and return when it is for this thread to watch for the next piece of work."""
        seat = self._seat()
        with self._lock:
            if self._speaker is seat:
                self._speaker = None
                if self._ready:
                    self._pass_floor()
            if self._speaker is None and self._watcher is None:
                self._watcher = seat
                self._was_watched = True
                return
            self._idle.append(seat)
        seat.bell.acquire()

    def take(self) -> None:
        """Have the floor, waiting for it."""
        self._take(self._seat())

    def give_up(self) -> bool:
        """Let others have the floor, and the watch. False where this thread did not have it, or has lost it."""
        return self._give_up(self._seat())

    def _take(self, seat: _Seat) -> None:
        with self._lock:
            self.taken += 1
            if self._watcher is seat:
                self._watcher = None
            if self._speaker is None:
                self._hand_to(seat)
                return
            self._ready.append(seat)
        while not seat.bell.acquire(timeout=PATIENCE):
            with self._lock:
                speaker = self._speaker
                if speaker is not None and self._keeps_too_long(speaker) and seat in self._ready:
                    self._ready.remove(seat)
                    self._hand_to(seat)
                    return

    def _give_up(self, seat: _Seat) -> bool:
        with self._lock:
            if self._speaker is not seat:
                return False
            self._pass_floor()
            return True

    def relieve(self) -> bool:
        """Pass on what a thread has kept too long, and let one watch where those who speak in turn leave no gap.

        To be called now and then by a thread that takes no part, and soon again where it is true: a thread has the
        floor that may come to keep it too long.
        """
        with self._lock:
            speaker = self._speaker
            if speaker is not None and self._keeps_too_long(speaker):
                self._pass_floor()
            if not self._was_watched:
                self._let_watch()
            self._was_watched = self._watcher is not None
            return self._speaker is not None

    @property
    def is_unwatched(self) -> bool:
        """Whether all threads that take part are at work, or held up."""
        return self._watcher is None and not self._idle

    def _seat(self) -> _Seat:
        seat: _Seat | None = getattr(_own, "seat", None)
        if seat is None or seat.floor is not self:
            seat = _own.seat = _Seat(self)
        return seat

    def _keeps_too_long(self, speaker: _Seat) -> bool:
        return monotonic() - speaker.since > PATIENCE

    def _hand_to(self, seat: _Seat) -> None:
        self._speaker = seat
        seat.since = Floor.last_handed = monotonic()

    def _pass_floor(self) -> None:
        """First come, first served."""
        if self._ready:
            seat = self._ready.popleft()
            self._hand_to(seat)
            seat.bell.release()
        else:
            self._speaker = None
            self._let_watch()

    def _let_watch(self) -> None:
        """Whoever has rested for the shortest time: what it works with is still in the processor's memory."""
        if self._watcher is None and self._idle:
            self._watcher = self._idle.pop()
            self._was_watched = True
            self._watcher.bell.release()


class given_up:  # noqa: N801 - reads as what it says: `with given_up():`
    """While the block runs, which waits or leaves the interpreter for long, others have the floor."""

    __slots__ = ("_seat",)

    def __enter__(self) -> None:
        seat: _Seat | None = getattr(_own, "seat", None)
        self._seat = seat if seat is not None and seat.floor._give_up(seat) else None

    def __exit__(self, *_error: object) -> None:
        if self._seat is not None:
            self._seat.floor._take(self._seat)


class Background:
    """The pace of work that no request waits for. For one thread, which never has the floor.

    Nothing takes the interpreter from it in turn, so that it competes with all that do: while thousands of photos were
    taken in, downloads went out at a quarter of their rate.
    """

    def __init__(self) -> None:
        self._began = monotonic()

    def rest(self) -> None:
        """To be called between two pieces of work, however small: waits a while if there were requests meanwhile."""
        worked = monotonic() - self._began
        if worked < PIECE:
            return
        if Floor.last_handed >= self._began:
            sleep(min(REST * worked, LONGEST_REST))
        self._began = monotonic()
