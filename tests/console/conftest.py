"""The store of a test as the console of this process sees it."""

from collections.abc import Iterator

import pytest
import streamlit as st

from tests.conftest import Store


@pytest.fixture
def console(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """The store as the console of this process sees it."""
    url = store.settings.database_url
    assert url is not None
    monkeypatch.setenv("NCRIC_DATABASE_URL", url.get_secret_value())
    monkeypatch.setenv("NCRIC_BUCKET", str(store.folder))
    monkeypatch.setenv("NCRIC_DATA_DIR", str(store.folder.parent))
    st.cache_data.clear()
    st.cache_resource.clear()
    yield store
    st.cache_data.clear()
    st.cache_resource.clear()
