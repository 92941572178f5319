"""Who may see and change what: the one place that every verb, source, destination, parent and lock root passes.

What a caller may not see answers as if it were not there.
"""

from __future__ import annotations

from sumu_dav.archive.nodes import Path
from sumu_dav.auth.accounts import Accounts
from sumu_dav.dav.target import Space, Target
from sumu_dav.errors import Forbidden, NotFound
from sumu_dav.model import Account


def visible_users(accounts: Accounts, caller: Account) -> list[str]:
    """The users whose trees the caller may see, their own first: all for an admin, else those who share."""
    if caller.admin:
        others = [account.name for account in accounts.all() if account.name != caller.name]
    else:
        others = list(accounts.sharers(caller.name))
    return [caller.name, *others]


def may_write(caller: Account, owner: str) -> bool:
    """Whether the caller may change the tree of `owner`."""
    return caller.admin or caller.name == owner


def reading(accounts: Accounts, caller: Account, target: Target) -> Path:
    """The target as a path of a tree that the caller may see. Raises NotFound."""
    if target.space not in (Space.USER, Space.INBOX) or target.user is None:
        raise NotFound(target.raw)
    if target.user != caller.name:
        owner = accounts.get(target.user)
        if owner is None or owner.name != target.user:
            raise NotFound(target.raw)
        if not caller.admin and caller.name not in owner.shared_with:
            raise NotFound(target.raw)
    return Path(target.user, target.parts, target.space is Space.INBOX)


def writing(accounts: Accounts, caller: Account, target: Target) -> Path:
    """The target as a path of a tree that the caller may change. Raises NotFound, or Forbidden for what is shared."""
    if target.space in (Space.ROOT, Space.OWN, Space.REMOTE):
        raise Forbidden(target.raw, "nothing can be changed here; photos belong below your own folder")
    path = reading(accounts, caller, target)
    if not may_write(caller, path.user):
        raise Forbidden(target.raw, "it is shared with you for reading only")
    return path


def chunks_owner(caller: Account, target: Target) -> str:
    """The user whose chunked upload the target names: the caller's own alone. Raises NotFound."""
    if target.space is not Space.CHUNKS or target.user != caller.name:
        raise NotFound(target.raw)
    return target.user
