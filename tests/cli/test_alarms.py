"""What `ncric freshness` and `ncric alarms` print."""

import pytest

from tests.alarms.test_freshness import END, ago, fill, silence
from tests.alarms.test_notify import NOWHERE
from tests.conftest import Command, Store

AT = ("--at", "2022-10-11T13:20-07:00")


def test_freshness_judges_as_of_a_time_and_lists_what_lasts(ncric: Command, store: Store) -> None:
    assert ncric("freshness", *AT).out == "0 alarms began, 0 ended; told: 0 beginnings, 0 ends\nno alarms\n"
    fill(store)
    silence(store, "SCSO%", ago(3), END)
    done = ncric("freshness", *AT)
    assert done.status == 0
    assert done.out.startswith("1 alarms began, 0 ended; told: 0 beginnings, 0 ends\n")
    assert "silent  feed   feed SCSO: no reads in the 3 hours to Tue 2022-10-11 11:00 PDT" in done.out
    assert ncric("freshness", *AT).out.startswith("0 alarms began, 0 ended;")


def test_alarms_lists_what_lasts_and_with_all_what_is_over_too(ncric: Command, store: Store) -> None:
    assert ncric("alarms").out == "no alarms\n"
    fill(store)
    silence(store, "SCSO%", ago(3), END)
    ncric("freshness", *AT)
    assert "feed SCSO" in ncric("alarms").out
    fill_again = "UPDATE alarms SET ended_at = began_at + interval '1 hour'"
    store.execute(fill_again)
    assert ncric("alarms").out == "no alarms\n"
    assert "2022-10-11 20:20:00Z  2022-10-11 21:20:00Z  silent" in ncric("alarms", "--all").out


def test_a_message_that_could_not_be_sent_is_status_1_without_its_url(
    ncric: Command, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NCRIC_NOTIFY_URLS", NOWHERE)
    fill(store)
    silence(store, "SCSO%", ago(3), END)
    done = ncric("freshness", *AT)
    assert (done.status, done.err) == (
        1,
        "ncric: a message was not taken, and is sent again next time: URL 1 (json) of NCRIC_NOTIFY_URLS\n",
    )
    assert "feed SCSO" in done.out
