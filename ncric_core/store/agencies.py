"""Agencies, their entity sets, and the table of received names: what the store knows of who is who."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl
from psycopg2 import sql
from psycopg2.extras import execute_values

from ncric_core import agencies as names
from ncric_core.errors import AgencyError
from ncric_core.flight.model import READS_TABLE
from ncric_core.store.database import Connection, array, columns_of, rows
from ncric_core.store.locks import Lock, lock_transaction
from ncric_core.suggestions import suggest

VEHICLE_TYPE: Final = "ol.vehicle"


@dataclass(frozen=True, slots=True)
class NameTable:
    """What is known of agencies' names at one moment. Keys are as `ncric_core.agencies` makes them."""

    agencies: Mapping[int, str]
    by_key: Mapping[str, int]  # name_key of the agency's name
    by_received: Mapping[tuple[str, str], int]  # (datasource, received_key)
    networks: Mapping[tuple[str, str], str]  # the own name of a network, by datasource and number

    def agency_of(self, datasource: str, received: str, own: str | None = None) -> int | None:
        """The agency of a received name: as mapped, else the one of that very name; None if it was never seen.

        Where the received name is the number of a network, the number's mapping counts first, then that of the
        network's `own` name (by default the one last seen).
        """
        keys = self.keys_of(datasource, received, own)
        for key in keys:
            if key in self.by_received:
                return self.by_received[key]
        own_name = own or self.own_name(datasource, received)
        return self.by_key.get(names.name_key(agency_name(own_name)))

    def keys_of(self, datasource: str, received: str, own: str | None = None) -> list[tuple[str, str]]:
        """The keys in `by_received` that a received name is looked up by, in order; the last is of its own name."""
        keys = [received, own or self.own_name(datasource, received)]
        return [(datasource, names.received_key(datasource, agency_name(name))) for name in dict.fromkeys(keys)]

    def own_name(self, datasource: str, received: str) -> str:
        """The name that a network goes by where the received name is its number; else the received name itself."""
        return self.networks.get((datasource, received), received)

    def named(self, wanted: Iterable[str]) -> frozenset[int]:
        """Returns the agencies of these standardised names. Raises AgencyError, with suggestions, for any other."""
        found, unknown = set(), []
        for name in wanted:
            agency = self.by_key.get(names.name_key(name))
            if agency is None:
                near = suggest(name, list(self.agencies.values()))
                unknown.append(f"{name!r}" + (f" (is it {' or '.join(near)}?)" if near else ""))
            else:
                found.add(agency)
        if unknown:
            raise AgencyError(f"no such agency: {'; '.join(unknown)}; `ncric agencies list` shows them all")
        return frozenset(found)


def agency_name(received: str) -> str:
    """The name of the agency that is made for a name never seen: the name as it is kept."""
    return names.one_line(received) if names.name_key(received) else names.NO_AGENCY


def name_table(connection: Connection) -> NameTable:
    """The agencies and mappings as they are now."""
    known = rows(connection, "SELECT id, name, name_key FROM agencies")
    mapped = rows(
        connection,
        """
        SELECT n.datasource, n.name_key, a.id
        FROM standardized_agency_names n
        JOIN agencies a ON a.name = n.standardized_agency_name
        UNION ALL
        SELECT %(flock)s, n.network_id::text, a.id
        FROM standardized_agency_names_flock n
        JOIN agencies a ON a.name = n.standardized_agency_name
        """,
        {"flock": names.FLOCK},
    )
    networks = rows(connection, "SELECT datasource, number, name FROM networks")
    return NameTable(
        {agency: name for agency, name, _ in known},
        {key: agency for agency, _, key in known},
        {(datasource, key): agency for datasource, key, agency in mapped},
        {(datasource, number): name for datasource, number, name in networks},
    )


def known_names(connection: Connection, datasource: str, reads: pl.DataFrame) -> tuple[NameTable, list[str]]:
    """The name table with an agency for each received name of reads, and the agencies made for names never seen.

    `reads` has schema CLEAN and `received_name`. An agency that is made has the own name of its network, else the
    received name. It is marked unmapped. In the caller's transaction.
    """
    _enter_networks(connection, datasource, reads)
    names = name_table(connection)
    unseen = {
        agency_name(names.own_name(datasource, received))
        for received in reads["received_name"].unique()
        if names.agency_of(datasource, received) is None
    }
    if not unseen:
        return names, []
    made = ensure_agencies(connection, unseen, unmapped=True)
    return name_table(connection), made


_ENTER_NETWORKS: Final = """
INSERT INTO networks AS n (datasource, number, name, as_of)
SELECT %(datasource)s, number, name, as_of
FROM unnest(%(numbers)s::text[], %(names)s::text[], %(times)s::timestamptz[]) AS v (number, name, as_of)
ON CONFLICT (datasource, number) DO UPDATE
SET name = EXCLUDED.name, as_of = EXCLUDED.as_of
WHERE n.name <> EXCLUDED.name AND n.as_of <= EXCLUDED.as_of
"""


def _enter_networks(connection: Connection, datasource: str, reads: pl.DataFrame) -> None:
    """Keeps the own name of each network that reads came from. A name that older reads had does not come back."""
    if reads["agency_key"].null_count() == reads.height:
        return
    newest = pl.col("agency_name").sort_by("event_time").last()
    numbered = (
        reads.drop_nulls("agency_key")
        .group_by(number="agency_key")
        .agg(name=newest, as_of=pl.col("event_time").max())
        .sort("number")
    )
    given = {"numbers": numbered["number"], "names": numbered["name"], "times": numbered["as_of"]}
    with connection.cursor() as cursor:
        cursor.execute(_ENTER_NETWORKS, {"datasource": datasource} | {name: array(one) for name, one in given.items()})


def ensure_agencies(connection: Connection, wanted: Collection[str], *, unmapped: bool) -> list[str]:
    """Makes the agencies that are not there yet, each with its entity set and view, in the caller's transaction.

    Returns the names of those made. A name whose key is taken is that agency already.
    """
    if not wanted:
        return []
    with connection.cursor() as cursor:
        lock_transaction(connection, Lock.MAKE_AGENCIES)
        made = execute_values(
            cursor,
            """
            INSERT INTO agencies (name, name_key, organization, unmapped)
            SELECT v.name, v.name_key, o.id, v.unmapped
            FROM (VALUES %s) v (name, name_key, unmapped), (SELECT id FROM organizations ORDER BY id LIMIT 1) o
            ON CONFLICT DO NOTHING
            RETURNING id, name, organization
            """,
            [(name, names.name_key(name), unmapped) for name in sorted(set(wanted))],
            fetch=True,
        )
        for agency, name, organization in made:
            entity_set = names.entity_set_name(name)
            cursor.execute(
                """
                INSERT INTO entity_sets (name, view_name, entity_type, entity_type_id, agency, organization)
                SELECT %(name)s, %(view)s, name, id, %(agency)s, %(organization)s
                FROM entity_types
                WHERE name = %(type)s
                """,
                {
                    "name": entity_set,
                    "view": names.view_name(entity_set),
                    "type": VEHICLE_TYPE,
                    "agency": agency,
                    "organization": organization,
                },
            )
    make_views(connection, [agency for agency, _, _ in made])
    return [name for _, name, _ in made]


def make_views(connection: Connection, agencies: Sequence[int] | None = None) -> None:
    """Makes the views of agencies' entity sets, or adds new columns to them. None stands for all agencies."""
    columns = [name for name in columns_of(connection, READS_TABLE) if name not in _NOT_SHOWN]
    chosen = rows(
        connection,
        "SELECT view_name, agency FROM entity_sets WHERE agency = ANY (%(chosen)s) OR (%(all)s AND agency IS NOT NULL)",
        {"chosen": list(agencies or ()), "all": agencies is None},
    )
    with connection.cursor() as cursor:
        for view, agency in chosen:
            cursor.execute(
                sql.SQL(
                    "CREATE OR REPLACE VIEW {} WITH (security_invoker = true) AS SELECT {} FROM vehicle_records "
                    "WHERE agency = {}; GRANT SELECT ON {} TO ncric_reader"
                ).format(
                    sql.Identifier(view),
                    sql.SQL(", ").join(map(sql.Identifier, columns)),
                    sql.Literal(agency),
                    sql.Identifier(view),
                )
            )


_NOT_SHOWN: Final = frozenset({"agency", "agency_key", "cut_at", "file_id"})
"""The columns of the reads that the views of entity sets do not have."""


def entity_set_agencies(connection: Connection) -> dict[str, int]:
    """The agency of each entity set of reads, by the entity set's name."""
    return dict(rows(connection, "SELECT name, agency FROM entity_sets WHERE agency IS NOT NULL"))
