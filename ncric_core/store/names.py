"""The tables of received names: maps names to agencies, and finds the names that are not mapped yet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg2.extras import execute_values

from ncric_core import agencies as names
from ncric_core.agencies import FLOCK, NameMapping, each_once, network_number
from ncric_core.store.agencies import NameTable, ensure_agencies, name_table
from ncric_core.store.database import Connection, rows
from ncric_core.suggestions import suggest

PAGE = 1000


def set_mappings(connection: Connection, mappings: Sequence[NameMapping]) -> list[str]:
    """Enters or changes mappings, all or none. Returns the names of new agencies (see `enter_mappings`)."""
    with connection:
        return enter_mappings(connection, mappings)


def enter_mappings(connection: Connection, mappings: Sequence[NameMapping]) -> list[str]:
    """Enters or changes mappings in the caller's transaction. Returns the names of new agencies.

    A standardised name that is no agency yet becomes one. An agency that was made for an unmapped name is no longer
    unmapped. Reads loaded before stay where they are until `restandardize`. Triggers keep the history of changes.
    Raises AgencyError for a name that cannot be kept (`as_kept`), or that has two agencies.
    """
    mappings = each_once(mappings)
    wanted = {mapping.standardized for mapping in mappings}
    made = ensure_agencies(connection, wanted, unmapped=False)
    table = name_table(connection)
    agency_of = {name: table.by_key[names.name_key(name)] for name in wanted}
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE agencies SET unmapped = false WHERE id = ANY (%(ids)s) AND unmapped", {"ids": [*agency_of.values()]}
        )
    _enter(connection, mappings, {name: table.agencies[agency] for name, agency in agency_of.items()})
    return made


def _enter(connection: Connection, mappings: Sequence[NameMapping], standard: Mapping[str, str]) -> None:
    by_name, by_network = [], []
    for one in mappings:
        agency = standard[one.standardized]
        number = network_number(one.datasource, one.received)
        if number is None:
            by_name.append((one.datasource, one.received, names.name_key(one.received), agency))
        else:
            by_network.append((number, agency))
    with connection.cursor() as cursor:
        execute_values(
            cursor,
            """
            INSERT INTO standardized_agency_names AS n (datasource, name, name_key, standardized_agency_name) VALUES %s
            ON CONFLICT (datasource, name_key) DO UPDATE
            SET standardized_agency_name = EXCLUDED.standardized_agency_name
            WHERE n.standardized_agency_name <> EXCLUDED.standardized_agency_name
            """,
            sorted(by_name),
            page_size=PAGE,
        )
        execute_values(
            cursor,
            """
            INSERT INTO standardized_agency_names_flock AS n (network_id, standardized_agency_name) VALUES %s
            ON CONFLICT (network_id) DO UPDATE SET standardized_agency_name = EXCLUDED.standardized_agency_name
            WHERE n.standardized_agency_name <> EXCLUDED.standardized_agency_name
            """,
            sorted(by_network),
            page_size=PAGE,
        )


def all_mappings(connection: Connection) -> list[NameMapping]:
    """Returns the mappings of both tables, in order of datasource and name."""
    found = rows(
        connection,
        """
        SELECT name, standardized_agency_name, datasource FROM standardized_agency_names
        UNION ALL
        SELECT network_id::text, standardized_agency_name, %(flock)s FROM standardized_agency_names_flock
        ORDER BY 3, 1
        """,
        {"flock": FLOCK},
    )
    return [NameMapping(name, standardized, datasource) for name, standardized, datasource in found]


@dataclass(frozen=True, slots=True)
class UnmappedName:
    """A received name without a mapping, its reads (they are under an agency made for it), and what it may mean."""

    datasource: str
    received: str
    reads: int
    first_seen: datetime
    last_seen: datetime
    suggestions: list[str]


def unmapped_names(connection: Connection) -> list[UnmappedName]:
    """Returns the names that are not mapped, those with most reads first, each with up to three suggestions."""
    known = [name for (name,) in rows(connection, "SELECT name FROM agencies WHERE NOT unmapped ORDER BY name")]
    found = rows(
        connection,
        """
        SELECT n.datasource, n.agency_name, n.reads, n.first_seen, n.last_seen
        FROM received_names n
        JOIN agencies a ON a.id = n.agency AND a.unmapped
        WHERE n.reads > 0
        ORDER BY n.reads DESC, n.datasource, n.agency_name
        """,
    )
    table = name_table(connection)
    return [
        UnmappedName(datasource, name, reads, first, last, suggest(table.own_name(datasource, name), known))
        for datasource, name, reads, first, last in found
        if not is_mapped(table, datasource, name)
    ]


def is_mapped(table: NameTable, datasource: str, received: str) -> bool:
    """Returns whether the name table has an entry for a received name."""
    return any(key in table.by_received for key in table.keys_of(datasource, received))
