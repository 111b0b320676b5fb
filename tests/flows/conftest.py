"""A real Prefect server, and the settings of flows."""

from collections.abc import Iterator

import pytest
from prefect.testing.utilities import prefect_test_harness

from tests.conftest import Store


@pytest.fixture(scope="session")
def prefect() -> Iterator[None]:
    with prefect_test_harness(server_startup_timeout=120):
        yield


@pytest.fixture
def jobs(prefect: None, store: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store that the flows of this process use."""
    url = store.settings.database_url
    assert url is not None
    monkeypatch.setenv("NCRIC_DATABASE_URL", url.get_secret_value())
    monkeypatch.setenv("NCRIC_BUCKET", str(store.folder))
    monkeypatch.setenv("NCRIC_DATA_DIR", str(store.settings.data_dir))
    return store
