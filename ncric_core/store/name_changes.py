"""Changes the name table: what would move, saving (unless somebody else was faster), history and undo."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from ncric_core import agencies as names
from ncric_core.agencies import NameMapping
from ncric_core.errors import AgencyError
from ncric_core.store.agencies import NameTable, agency_name, ensure_agencies, name_table
from ncric_core.store.database import Connection, rows
from ncric_core.store.locks import Lock, lock_transaction
from ncric_core.store.names import all_mappings, enter_mappings


@dataclass(frozen=True, slots=True)
class NameChange:
    """A received name (for Flock a network id, in digits) and its agency before and after. None means no entry."""

    datasource: str
    received: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class PastChange:
    """A change from the history, with who made it and when."""

    id: int
    changed_at: datetime
    changed_by: str
    change: NameChange


@dataclass(frozen=True, slots=True)
class NameMove:
    """Loaded reads that move from one agency to another once names are changed."""

    datasource: str
    received: str
    old: str
    new: str
    reads: int


class NameConflictError(AgencyError):
    """Somebody else has changed the same entries in between.

    In `theirs`, `before` is the agency that is there now, and `after` the one that was to be saved.
    """

    def __init__(self, theirs: Sequence[NameChange]) -> None:
        self.theirs = list(theirs)
        told = "; ".join(f"{one.datasource} {one.received!r} is {one.before or 'not mapped'} now" for one in theirs)
        super().__init__(f"somebody else has changed these names in between, and nothing was saved: {told}")


def planned_by(connection: Connection, changes: Sequence[NameChange]) -> list[NameMove]:
    """Returns which loaded reads would move if these changes were saved, the most reads first.

    A name without an entry belongs to the agency of the same name. `save_changes` makes that agency if it is missing.
    """
    table = name_table(connection)
    after = {_key(one): one.after for one in changes}
    moves = []
    for datasource, received, agency, reads in rows(connection, _RECEIVED):
        if after.keys().isdisjoint(table.keys_of(datasource, received)):
            continue
        new = _agency_after(after, table, datasource, received)
        if new != table.agencies[agency]:
            moves.append(NameMove(datasource, received, table.agencies[agency], new, reads))
    return moves


def _agency_after(after: Mapping[tuple[str, str], str | None], table: NameTable, datasource: str, received: str) -> str:
    """Returns the agency of a received name once the table has the entries of `after` (None: no entry)."""
    for key in table.keys_of(datasource, received):
        mapped = table.agencies.get(table.by_received.get(key, -1))
        if (wanted := after.get(key, mapped)) is not None:
            known = table.by_key.get(names.name_key(wanted))
            return names.one_line(wanted) if known is None else table.agencies[known]
    own = agency_name(table.own_name(datasource, received))
    known = table.by_key.get(names.name_key(own))
    return own if known is None else table.agencies[known]


_RECEIVED: Final = """
SELECT datasource, agency_name, agency, reads FROM received_names WHERE reads > 0 ORDER BY reads DESC, 1, 2
"""


def save_changes(connection: Connection, changes: Sequence[NameChange]) -> list[str]:
    """Saves changes, all or none, in the caller's transaction. Returns the names of new agencies.

    Raises NameConflictError if an entry differs from its change's `before`, AgencyError if a name is not allowed.
    """
    lock_transaction(connection, Lock.MAKE_AGENCIES)  # before the tables, as `enter_mappings` takes it: no deadlock
    with connection.cursor() as cursor:
        # keeps the entries as they were compared until the transaction ends; readers need not wait
        cursor.execute(
            "LOCK TABLE standardized_agency_names, standardized_agency_names_flock IN SHARE ROW EXCLUSIVE MODE"
        )
    present = {_key(NameChange(one.datasource, one.received, None, None)): one for one in all_mappings(connection)}
    conflicts = []
    for change in changes:
        now = present.get(_key(change))
        if (now.standardized if now else None) != change.before:
            now_is = now.standardized if now else None
            conflicts.append(NameChange(change.datasource, change.received, now_is, change.after))
    if conflicts:
        raise NameConflictError(conflicts)
    removed = [change for change in changes if change.after is None]
    for change in removed:
        _remove(connection, change)
    _make_own_agencies(connection, removed)
    kept = [NameMapping(one.received, one.after, one.datasource) for one in changes if one.after is not None]
    return enter_mappings(connection, kept)


def _key(change: NameChange) -> tuple[str, str]:
    return change.datasource, names.received_key(change.datasource, change.received)


def _make_own_agencies(connection: Connection, removed: Sequence[NameChange]) -> None:
    """Makes an unmapped agency for each received name that has lost its entry, as if the name had never been seen.

    The name's reads then move to that agency. If they stayed, users of the former agency would still see them.
    """
    keys, table = {_key(change) for change in removed}, name_table(connection)
    wanted = {
        agency_name(table.own_name(datasource, received))
        for datasource, received, _, _ in rows(connection, _RECEIVED)
        if not keys.isdisjoint(table.keys_of(datasource, received)) and table.agency_of(datasource, received) is None
    }
    ensure_agencies(connection, wanted, unmapped=True)


def _remove(connection: Connection, change: NameChange) -> None:
    number = names.network_number(change.datasource, change.received)
    with connection.cursor() as cursor:
        if number is not None:
            cursor.execute("DELETE FROM standardized_agency_names_flock WHERE network_id = %(id)s", {"id": number})
        else:
            cursor.execute(
                "DELETE FROM standardized_agency_names WHERE datasource = %(datasource)s AND name_key = %(key)s",
                {"datasource": change.datasource, "key": names.name_key(change.received)},
            )


_HISTORY: Final = """
SELECT id, changed_at, changed_by, datasource, name, before, after
FROM agency_name_changes
WHERE %(search)s = '' OR position(lower(%(search)s) IN lower(concat_ws(' ', name, before, after, changed_by))) > 0
ORDER BY id DESC
LIMIT %(limit)s OFFSET %(offset)s
"""


def history(connection: Connection, search: str = "", limit: int = 200, offset: int = 0) -> list[PastChange]:
    """Returns at most `limit` changes that contain the text `search`, the newest first, after skipping `offset`."""
    found = rows(connection, _HISTORY, {"search": search, "limit": limit, "offset": offset})
    return [PastChange(one[0], one[1], one[2], NameChange(*one[3:])) for one in found]


def reverse_of(connection: Connection, change_id: int) -> NameChange:
    """Returns the change that undoes a change of the history. Save it like any other.

    Raises AgencyError if the history has no such change.
    """
    found = rows(
        connection,
        "SELECT datasource, name, after, before FROM agency_name_changes WHERE id = %(id)s",
        {"id": change_id},
    )
    if not found:
        raise AgencyError(f"there is no change {change_id} of names")
    return NameChange(*found[0])
