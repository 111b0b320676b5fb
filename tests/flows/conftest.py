"""A fixture for flows that run beside a real Prefect server."""

import pytest

from tests.conftest import Store


@pytest.fixture
def jobs(prefect: None, store: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Has the flows in this process use the test's store."""
    url = store.settings.database_url
    assert url is not None
    monkeypatch.setenv("NCRIC_DATABASE_URL", url.get_secret_value())
    monkeypatch.setenv("NCRIC_BUCKET", str(store.folder))
    monkeypatch.setenv("NCRIC_DATA_DIR", str(store.settings.data_dir))
    return store
