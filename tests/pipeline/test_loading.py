"""The loading thread: whatever it does, a lost database is told as one."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import psycopg2
import pytest

from ncric_core.deliveries import Delivery
from ncric_core.errors import StoreError
from ncric_core.pipeline.loading import Loader
from tests.conftest import Store

NOW = datetime(2022, 10, 11, tzinfo=UTC)


@pytest.mark.parametrize(
    "work",
    [
        lambda loader: loader.close_files({1: 1}),
        lambda loader: loader.close_names(Delivery("BOSS4", "k", "v", 1, NOW, NOW, NOW), ["A PD"]),
        lambda _: None,
    ],
    ids=["closing a file", "closing names", "waiting for the disk"],
)
def test_a_connection_that_is_lost_is_told_as_a_lost_database_that_passes(
    store: Store, work: Callable[[Loader], None]
) -> None:
    with Loader(store.database, force=False) as loader:
        store.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        work(loader)
        with pytest.raises(StoreError, match="the connection to the database was lost") as caught:
            loader.finish()
    assert caught.value.passing


def test_a_connection_that_is_lost_just_after_it_was_made_is_told_so_too(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def connect_and_lose(*given: Any, **named: Any) -> Any:
        made = psycopg2.connect(*given, **named)
        made.close()
        return made

    # not psycopg2 itself, which other threads of the tests use
    losing = SimpleNamespace(**vars(psycopg2) | {"connect": connect_and_lose})
    monkeypatch.setattr("ncric_core.store.database.psycopg2", losing)
    with (
        pytest.raises(StoreError, match="the connection to the database was lost") as caught,
        replace(store.database).session(),
    ):
        pass
    assert caught.value.passing
