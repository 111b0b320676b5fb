"""Begins and ends the alarms of feeds with files that have content, but gave no read at all."""

from datetime import datetime, timedelta
from typing import Final

from ncric_core.deliveries import MOST_WITHOUT_ROWS
from ncric_core.store.alarms import change_alarm, end_alarm, open_alarms, raise_alarm
from ncric_core.store.database import Connection, rows
from ncric_core.store.locks import Lock, lock_transaction

KIND: Final = "without_reads"
LASTS: Final = timedelta(days=1)  # after a file was read; until then people can look, and ask for it again

_WITHOUT_READS: Final = """
SELECT datasource, count(*), (array_agg(key ORDER BY read_at DESC, key))[1]
FROM source_files f
WHERE read_at > %(since)s AND read_at <= %(now)s AND NOT superseded AND (found > 0 OR found = 0 AND size > %(small)s)
  AND NOT EXISTS (SELECT FROM loads WHERE file_id = f.id)
GROUP BY datasource
"""


def judge_files(connection: Connection, now: datetime) -> None:
    """Judges the files that were read in the last day, in a transaction of its own.

    A feed has one alarm, however many such files there are. It ends a day after the last such file was read, or when
    other versions of all of them have come.
    """
    with connection:
        lock_transaction(connection, Lock.JUDGE_FRESHNESS)
        given = {"since": now - LASTS, "now": now, "small": MOST_WITHOUT_ROWS}
        fruitless = {datasource: (files, key) for datasource, files, key in rows(connection, _WITHOUT_READS, given)}
        lasting = {alarm.subject: alarm for alarm in open_alarms(connection, [KIND])}
        for feed in lasting.keys() - fruitless.keys():
            end_alarm(connection, KIND, "feed", feed, at=now)
        for feed, (files, key) in fruitless.items():
            count = "a file" if files == 1 else f"{files:,} files"
            said = f"feed {feed}: {count} read in the last day gave no read at all; the latest is {key}"
            if feed in lasting:
                change_alarm(connection, lasting[feed].id, KIND, said, expected=None, seen=files)
            else:
                raise_alarm(connection, KIND, "feed", feed, said, at=now, datasource=feed, seen=files)
