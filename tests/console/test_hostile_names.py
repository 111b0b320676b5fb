"""A received name is text on every page: Streamlit would take it for Markdown, and fetch an image that it names."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

import pytest
from streamlit.testing.v1 import AppTest

from ncric_core.jobs.prefect_api import PrefectApi
from ncric_core.store.alarms import raise_alarm
from tests.conftest import Store, read
from tests.console.runs.test_page import a_run, job  # noqa: F401  # a fixture

HOSTILE: Final = "![x](http://evil.example/i.png) $\\int$ <b> :smile: `c` **b**\nncric: fine"
SUMMARY: Final = HOSTILE.replace("`c` **b**", "")  # its code and bold text stay
FILE: Final = "boss4/READS_![x](evil) $a$ :smile: `c`_2022-10-11_08-10-00_2022-10-11_08-15-00_1.json"
UNESCAPED: Final = re.compile(r"(?<!\\)(?:!?\[x|\$|<b>|:smile:|`c|\*\*b\*)")
PLAIN: Final = {  # kinds of elements whose text is not Markdown; of a select box or a text field only the label is
    "arrow_data_frame",
    "arrow_vega_lite_chart",
    "code",
    "deck_gl_json_chart",
    "html",
    "iframe",
    "multiselect",
    "selectbox",
    "text",
    "text_input",
    "vega_lite_chart",
}


def script(page: str) -> None:
    """Shows a page to an operator. AppTest runs this."""
    from importlib import import_module  # noqa: PLC0415

    from ncric_core.store.person import Person  # noqa: PLC0415

    import_module(f"console.{page}.page").page(Person("olga", "ncric_operator"))


def opened(page: str, **query: str) -> AppTest:
    app = AppTest.from_function(script, default_timeout=60, kwargs={"page": page})
    app.query_params.update(query)
    return app.run()


def elements(node: Any) -> Iterator[Any]:
    for child in getattr(node, "children", {}).values():
        yield child
        yield from elements(child)


def told(app: AppTest) -> str:
    """Returns all Markdown of a page. Raises AssertionError where a mark of the hostile name is not escaped."""
    assert not app.exception
    found = [str(one.proto) for one in elements(app._tree) if one.type not in PLAIN and hasattr(one, "proto")]
    text = "\n".join(found).replace("\\\\", "\\")  # protobuf's own escapes
    ids = ("id: ", "key: ", "user_key: ", "form_id: ", "data: ")  # and the cells of tables
    shown = "\n".join(one for one in text.splitlines() if not one.strip().startswith(ids))
    assert not [one for one in shown.splitlines() if UNESCAPED.search(one)]
    return shown


@pytest.fixture
def hostile(console: Store) -> Store:
    """Loads a read, and a reject, whose agency, camera and file have hostile names."""
    leaves = {"agencyName": HOSTILE, "LPRCameraName": HOSTILE}
    console.put(FILE, [read(1, **leaves), read(2, eventDate="no date", **leaves)])
    assert console.run("files-catchup").total.loaded == 1
    return console


def test_the_inbox_shows_a_hostile_name_as_text(hostile: Store) -> None:
    assert "evil.example/i.png" in told(opened("names"))
    app = opened("names")
    next(one for one in app.button if one.label.startswith("Another")).click().run()
    assert "evil.example" in told(app)


def test_reads_show_a_hostile_agency_and_alarm_as_text(hostile: Store) -> None:
    ((agency,),) = hostile.rows("SELECT id FROM agencies WHERE unmapped")
    with hostile.database.session() as connection, connection:
        about = {"datasource": "BOSS4", "agency": agency}
        raise_alarm(connection, "silent", "agency", f"BOSS4/{agency}", HOSTILE, at=datetime.now(UTC), **about)
    assert told(opened("reads", agency=f"BOSS4/{agency}", end="2022-10-11", period="day")).count("evil.example") == 2
    assert told(opened("reads", by="Map of cameras", end="2022-10-11", period="day"))


def test_files_show_a_hostile_file_as_text(hostile: Store) -> None:
    assert "(evil)" in told(opened("files", file=FILE, arrived="any time"))
    assert told(opened("files", tab="Rejects"))
    assert told(opened("files", tab="Alarms"))


@pytest.mark.parametrize("page", ["names", "files", "reads", "runs"])
def test_a_nul_in_the_address_is_told_in_words(hostile: Store, page: str) -> None:
    for parameter in ("search", "file", "agency", "run", "job", "part", "tab", "reason"):
        assert told(opened(page, **{parameter: "a\0b"}))


def test_a_search_for_a_nul_is_told_in_words(hostile: Store) -> None:
    app = opened("names", part="History")
    app.text_input(key="history_search").set_value("a\0b").run()
    assert "NUL" in told(app)
    app = opened("files", tab="Rejects", search="a\0b")
    assert "NUL" in told(app)


def test_a_run_shows_a_hostile_name_message_and_summary_as_text(
    hostile: Store,
    api: PrefectApi,
    job: dict[str, Any],  # noqa: F811
) -> None:
    run = a_run(api, job, {"type": "RUNNING"}, {"type": "FAILED", "message": HOSTILE})
    api.ask("PATCH", f"/flow_runs/{run['id']}", {"name": HOSTILE})
    summary = {"key": "run-summary", "type": "markdown", "data": f"## a\n\n- {SUMMARY}", "flow_run_id": run["id"]}
    api.ask("POST", "/artifacts/", summary)
    app = opened("runs", run=run["id"], job=HOSTILE)
    assert "evil.example" in told(app)
    told(opened("runs"))
    told(opened("runs", part="Calendar"))
