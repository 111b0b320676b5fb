"""A database that no migration has seen."""

from collections.abc import Iterator
from uuid import uuid4

import psycopg2
import pytest
from pydantic import SecretStr

from ncric_core.store.database import open_database
from tests.conftest import Store


@pytest.fixture
def empty_store(store: Store) -> Iterator[Store]:
    """An empty database beside the test's own."""
    name, url = f"old_{uuid4().hex}", store.settings.database_url
    assert url is not None
    here = psycopg2.connect(url.get_secret_value())
    here.autocommit = True
    with here.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name}")
        own = url.get_secret_value().replace(store.rows("SELECT current_database()")[0][0], name)
        settings = store.settings.model_copy(update={"database_url": SecretStr(own)})
        yield Store(settings, open_database(settings), store.folder)
        cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
    here.close()
