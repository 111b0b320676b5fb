"""A fixture for flows that run beside a real Prefect server."""

import pytest

from tests.conftest import Store


@pytest.fixture
def jobs(prefect: None, store: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Has the flows in this process use the test's store."""
    store.set_environment(monkeypatch)
    return store
