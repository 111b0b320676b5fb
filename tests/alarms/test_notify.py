"""Tells people of alarms through a real webhook and a real mail server on this machine."""

import json
import logging
import socketserver
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

import pytest
from pydantic import SecretStr

from ncric_core.alarms.notify import Told, tell, ways
from ncric_core.errors import SettingsError
from ncric_core.settings import Settings
from ncric_core.store.alarms import end_alarm, raise_alarm
from ncric_core.store.locks import Lock, session_lock
from ncric_core.store.restandardize import restandardize
from tests.conftest import FILE, MODEL, Store, read

NOW = datetime(2022, 10, 11, 20, tzinfo=UTC)
NOWHERE = "json://ann:hunter2@127.0.0.1:9/secret-path"


@dataclass
class Hook:
    """A webhook: what it was sent, whether it works, and what to do while it takes a message."""

    url: str = ""
    works: bool = True
    meanwhile: Callable[[], None] = lambda: None
    sent: list[dict[str, Any]] = field(default_factory=list)

    @property
    def titles(self) -> list[str]:
        return [message["title"] for message in self.sent]


def serve() -> Iterator[Hook]:
    hook = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            content = self.rfile.read(int(self.headers["Content-Length"]))
            hook.meanwhile()
            if hook.works:
                hook.sent.append(json.loads(content))
            self.send_response(200 if hook.works else 500)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        hook.url = f"json://ann:hunter2@127.0.0.1:{server.server_port}/secret-path"
        yield hook
        server.shutdown()
        thread.join()


@pytest.fixture
def hook() -> Iterator[Hook]:
    yield from serve()


@pytest.fixture
def other_hook() -> Iterator[Hook]:
    yield from serve()


@pytest.fixture
def mail_server() -> Iterator[tuple[str, list[bytes]]]:
    """Runs a server that takes any e-mail. Yields its URL and the list of what it took."""
    taken: list[bytes] = []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 test\r\n")
            while command := self.rfile.readline().strip().upper():
                if command == b"DATA":
                    self.wfile.write(b"354 go on\r\n")
                    lines = iter(self.rfile.readline, b".\r\n")
                    taken.append(b"".join(lines))
                self.wfile.write(b"221 bye\r\n" if command == b"QUIT" else b"250 ok\r\n")
                if command == b"QUIT":
                    return

    with socketserver.TCPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        port = server.server_address[1]
        yield f"mailto://127.0.0.1:{port}?from=ncric@example.org&to=ann@example.org,lee@example.org", taken
        server.shutdown()
        thread.join()


def telling(store: Store, *urls: str) -> Told:
    settings = store.with_settings(notify_urls=SecretStr(" , ".join(urls)) if urls else None).settings
    with store.database.session() as connection:
        return tell(settings, connection)


def begin(store: Store, job: str) -> None:
    with store.database.transaction() as connection:
        assert raise_alarm(connection, "run_failed", "deployment", job, f"{job} failed: disk full", at=NOW)


def end(store: Store, job: str) -> None:
    with store.database.transaction() as connection:
        assert end_alarm(connection, "run_failed", "deployment", job, at=NOW + timedelta(hours=1))


def deliveries(store: Store) -> list[tuple[str, str | None]]:
    """Returns which event was delivered by which way. Without a way: the event is closed."""
    return store.rows("SELECT event, way FROM alarm_deliveries ORDER BY alarm, event, way")


def test_an_alarm_is_told_once_when_it_begins_and_once_when_it_ends(store: Store, hook: Hook) -> None:
    begin(store, "boss4-hourly")
    assert telling(store, hook.url) == Told(1, 0, ())
    assert telling(store, hook.url) == Told(0, 0, ())
    end(store, "boss4-hourly")
    assert telling(store, hook.url) == Told(0, 1, ())
    assert telling(store, hook.url) == Told(0, 0, ())
    assert [(message["title"], message["message"], message["type"]) for message in hook.sent] == [
        ("NCRIC reads: 1 alarm", "ALARM: boss4-hourly failed: disk full", "warning"),
        (
            "NCRIC reads: 1 over",
            "over: boss4-hourly failed: disk full (alarm of 2022-10-11 20:00 UTC)",
            "success",
        ),
    ]


def test_alarms_of_one_time_are_one_message(store: Store, hook: Hook) -> None:
    begin(store, "hotlist-daily")
    telling(store, hook.url)
    end(store, "hotlist-daily")
    for number in range(60):
        begin(store, f"job-{number}")
    assert telling(store, hook.url) == Told(60, 1, ())
    assert hook.titles == ["NCRIC reads: 1 alarm", "NCRIC reads: 60 alarms, 1 over"]
    lines = hook.sent[1]["message"].splitlines()
    assert lines[0] == "ALARM: job-0 failed: disk full"
    assert lines[40:] == ["and 21 more: `ncric alarms --all`"]


def test_sending_that_failed_is_tried_again(store: Store, hook: Hook) -> None:
    begin(store, "boss4-hourly")
    hook.works = False
    assert telling(store, hook.url) == Told(0, 0, ("1 (json)",))
    assert deliveries(store) == []
    hook.works = True
    assert telling(store, hook.url) == Told(1, 0, ())
    assert hook.titles == ["NCRIC reads: 1 alarm"]
    assert deliveries(store) == [("begin", "1 (json)"), ("begin", None)]


def test_a_way_that_fails_does_not_make_the_others_hear_it_twice(store: Store, hook: Hook, other_hook: Hook) -> None:
    begin(store, "boss4-hourly")
    hook.works = False
    urls = (hook.url, other_hook.url)
    assert telling(store, *urls) == Told(1, 0, ("1 (json)",))
    assert telling(store, *urls) == Told(0, 0, ("1 (json)",))
    assert deliveries(store) == [("begin", "2 (json)")]
    end(store, "boss4-hourly")
    begin(store, "scso-hourly")
    hook.works = True
    assert telling(store, *urls) == Told(1, 1, ())
    assert other_hook.titles == ["NCRIC reads: 1 alarm", "NCRIC reads: 1 alarm, 1 over"]
    assert hook.titles == ["NCRIC reads: 1 alarm"]  # it never heard of the first alarm, so it does not hear of its end
    assert telling(store, *urls) == Told(0, 0, ())


def test_what_was_over_before_anyone_was_told_is_not_sent(store: Store, hook: Hook) -> None:
    begin(store, "boss4-hourly")
    end(store, "boss4-hourly")
    assert telling(store, hook.url) == Told(0, 0, ())
    assert hook.sent == []
    assert deliveries(store) == [("end", None)]


def test_alarms_are_told_while_reads_are_moved(store: Store, hook: Hook) -> None:
    begin(store, "boss4-hourly")
    with store.database.session() as other, session_lock(other, Lock.MOVE_READS):
        assert telling(store, hook.url) == Told(1, 0, ())
    assert hook.titles == ["NCRIC reads: 1 alarm"]


def test_reads_are_moved_while_a_message_is_on_its_way(store: Store, hook: Hook) -> None:
    store.put(FILE.format(1), [read(number) for number in range(5)])
    store.run()
    store.map(("ATHERTON POLICE DEPARTMENT", "Atherton PD", "BOSS4"))
    moved: list[int] = []

    def move() -> None:
        with store.database.session() as connection:
            moved.extend(reads for _, reads in restandardize(connection, MODEL))

    hook.meanwhile = move
    begin(store, "boss4-hourly")
    assert telling(store, hook.url) == Told(1, 0, ())
    assert moved[-1] == 5


def test_two_who_tell_at_once_send_one_message(store: Store, hook: Hook) -> None:
    begin(store, "boss4-hourly")
    told: list[Told] = []
    other = Thread(target=lambda: told.append(telling(store, hook.url)))
    hook.meanwhile = other.start
    assert telling(store, hook.url) == Told(1, 0, ())
    other.join()
    assert told == [Told(0, 0, ())]
    assert hook.titles == ["NCRIC reads: 1 alarm"]


def test_a_url_that_is_set_later_is_not_flooded(store: Store, hook: Hook) -> None:
    begin(store, "boss4-hourly")
    begin(store, "scso-hourly")
    assert telling(store) == Told(0, 0, ())
    end(store, "scso-hourly")
    begin(store, "hotlist-daily")
    assert telling(store, hook.url) == Told(1, 0, ())
    assert "hotlist-daily" in hook.sent[0]["message"]


def test_e_mail(store: Store, mail_server: tuple[str, list[bytes]]) -> None:
    url, taken = mail_server
    begin(store, "boss4-hourly")
    begin(store, "scso-hourly")
    assert telling(store, url) == Told(2, 0, ())
    mails = [message_from_bytes(mail, policy=policy.default) for mail in taken]
    assert {mail["To"].addresses[0].addr_spec for mail in mails} == {"ann@example.org", "lee@example.org"}
    assert mails[0]["Subject"] == "NCRIC reads: 2 alarms"
    content = mails[0].get_body(("plain", "html"))
    assert content is not None
    assert "ALARM: scso-hourly failed: disk full" in content.get_content()


def test_a_failing_webhook_is_not_in_the_log(
    store: Store, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    begin(store, "boss4-hourly")
    with caplog.at_level(logging.NOTSET):
        assert telling(store, NOWHERE) == Told(0, 0, ("1 (json)",))
    printed = capfd.readouterr()
    for secret in ("hunter2", "secret-path"):
        assert secret not in caplog.text + printed.out + printed.err


@pytest.mark.parametrize("url", ["json://", "nothing://ann:hunter2@host/secret-path", "hunter2"])
def test_a_url_that_cannot_be_used_is_told_by_its_number(
    store: Store, url: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level(logging.NOTSET), pytest.raises(SettingsError) as caught:
        telling(store, "json://localhost", url) if "://" in url else telling(store, url)
    number = 2 if "://" in url else 1
    assert str(caught.value) == f"NCRIC_NOTIFY_URLS: URL {number} is none that apprise knows, or lacks something"
    printed = capfd.readouterr()
    assert "hunter2" not in caplog.text + printed.out + printed.err


def test_a_working_webhook_is_not_in_the_log_either(store: Store, hook: Hook, caplog: pytest.LogCaptureFixture) -> None:
    begin(store, "boss4-hourly")
    with caplog.at_level(logging.NOTSET):
        assert telling(store, hook.url) == Told(1, 0, ())
    assert "hunter2" not in caplog.text
    assert "secret-path" not in caplog.text


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", []),
        (" , ", []),
        ("json://a,mailto://ann:pw@example.org?to=x@example.org,y@example.org", ["1 (json)", "2 (mailto)"]),
        (" json://a \n xml://b, ", ["1 (json)", "2 (xml)"]),
    ],
)
def test_urls_are_separated_by_blanks_or_commas(text: str, names: list[str]) -> None:
    assert [way.name for way in ways(Settings(notify_urls=text, _env_file=None))] == names
