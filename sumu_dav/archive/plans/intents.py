"""The plans that were begun and are not finished: one file each in a folder of the state.

Knows how a plan is written down and found again, not how it is carried out.
"""

from __future__ import annotations

import json
import os
import uuid

from sumu_dav.archive.plans.plan import Plan, plan_from_json, plan_to_json
from sumu_dav.errors import Damaged, DiskFailure, NameRefused, NoSpace, SumuError, WritesSuspended
from sumu_dav.library.durability import Durability
from sumu_dav.library.faults import FULL

_ENDING = ".json"

_CURE = "Let the version that wrote it finish it; or move the file away, and the change stays half done."


class Intents:
    """The folder of intents. Each is there, whole and durably, from `write` to `forget`."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._durability = Durability()
        os.makedirs(folder, mode=0o700, exist_ok=True)

    @property
    def suspended(self) -> str | None:
        """Why no plan can be written down any more; None while it can."""
        return self._durability.suspended

    def write(self, plan: Plan) -> str:
        """Write a plan down, and return its name. Raises NoSpace or DiskFailure, and has left nothing then; and
        WritesSuspended, where the next start may find the plan or not."""
        # By time, so that a start finishes them in the order in which they were begun.
        name = f"{uuid.uuid1().time:020d}-{uuid.uuid4().hex[:8]}{_ENDING}"
        path = os.path.join(self._folder, name)
        temporary = path + ".new"
        try:
            with open(temporary, "w", encoding="utf-8") as file:
                json.dump(plan_to_json(plan), file, ensure_ascii=False)
                file.flush()
                self._durability.sync_file(file.fileno())
            os.rename(temporary, path)
        except (OSError, SumuError) as error:
            if os.path.exists(temporary):
                os.unlink(temporary)
            raise _of_the_state(error, path) from error
        self._sync()
        return name

    def forget(self, name: str) -> None:
        """Take a plan away that is finished, or was taken back. Raises WritesSuspended."""
        # An intent that is there still, or again, after a later change would undo it.
        try:
            os.unlink(os.path.join(self._folder, name))
        except FileNotFoundError:
            pass  # taken away by a person
        except OSError as error:
            self._durability.suspended = f"a finished change could not be forgotten ({error.strerror})"
            raise WritesSuspended(self._durability.suspended) from error
        self._sync()

    def waiting(self) -> list[tuple[str, Plan]]:
        """All plans by their names, oldest first. Raises Damaged where one can't be read."""
        names = sorted(name for name in os.listdir(self._folder) if name.endswith(_ENDING))
        return [(name, _read(os.path.join(self._folder, name))) for name in names]

    def clear(self) -> None:
        """Remove what is left of plans whose writing was cut short."""
        for name in os.listdir(self._folder):
            os.unlink(os.path.join(self._folder, name))

    def _sync(self) -> None:
        folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            self._durability.sync_folder(folder)
        finally:
            os.close(folder)


def _read(path: str) -> Plan:
    try:
        with open(path, encoding="utf-8") as file:
            return plan_from_json(json.load(file))
    except (ValueError, KeyError, TypeError, NameRefused) as error:
        raise Damaged(path, 1, f"a change that was cut short can't be read ({error})", _CURE) from error


def _of_the_state(error: OSError | SumuError, path: str) -> SumuError:
    if isinstance(error, NoSpace) or (isinstance(error, OSError) and error.errno in FULL):
        return NoSpace("state")
    if isinstance(error, OSError):
        return DiskFailure(path, error.strerror or str(error))
    return error
