"""The settings of flows, beside a real Prefect server."""

import pytest

from tests.conftest import Store


@pytest.fixture
def jobs(prefect: None, store: Store, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store that the flows of this process use."""
    store.set_environment(monkeypatch)
    return store
