"""Makes waits for the database hear signals.

psycopg2 waits in C, where Python's signal handlers do not run: a process that waits for a lock would hear neither
Ctrl-C nor SIGTERM. Python's wake-up file hears them at once, and a thread that reads it ends the wait.
"""

import os
import signal
import socket
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

import psycopg2
from psycopg2.extensions import TRANSACTION_STATUS_ACTIVE, connection

HEARD: Final = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGALRM}  # Prefect's time limits use SIGALRM
PATIENCE: Final = 3.0  # seconds in which a server answers, and ends a statement that was cancelled
_LOOK_EVERY: Final = 0.02  # seconds
_SSL_REQUEST: Final = struct.pack("!ii", 8, 80877103)  # a server answers it with one byte, whoever asks


@dataclass(eq=False, slots=True)
class _Watched:
    """A connection that may wait in the main thread, and the signals that came meanwhile."""

    connection: connection
    heard: list[int] = field(default_factory=list)


_watched: list[_Watched] = []


@contextmanager
def hearing_signals(waiting: connection) -> Iterator[None]:
    """Ends what a connection waits for when a signal comes that the process has a handler for, which then runs.

    Signals come to the main thread: a connection that another thread has opened is not watched.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    one = _Watched(waiting)
    _watched.append(one)
    if len(_watched) == 1:
        _listening.enter_context(_listen())
    try:
        yield
    except Exception:
        if one.heard:  # the handler has run, but within psycopg2, which loses what it raises: it runs again
            signal.raise_signal(one.heard[-1])
        raise
    finally:
        _watched.remove(one)
        if not _watched:
            _listening.close()


_listening: Final = ExitStack()
"""What listens while connections are watched, in whatever order they begin and end."""


@contextmanager
def _listen() -> Iterator[None]:
    ours, theirs = socket.socketpair()
    theirs.setblocking(False)
    before = signal.set_wakeup_fd(theirs.fileno(), warn_on_full_buffer=False)
    watch = threading.Thread(target=_watch, args=(ours, before), name="signals", daemon=True)
    watch.start()
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        theirs.close()
        watch.join()
        ours.close()


def _watch(signals: socket.socket, before: int) -> None:
    while came := signals.recv(64):
        if before != -1:
            with suppress(OSError):  # whoever listened before hears it too
                os.write(before, came)
        if ending := HEARD.intersection(came):
            for one in list(_watched):
                one.heard.extend(ending)
                interrupt(one.connection)


def interrupt(waiting: connection) -> None:
    """Ends what a connection waits for, from another thread, and the connection with it.

    The statement is cancelled on the server, which would wait on otherwise. If the server does not answer, as over a
    network that has gone silent, the wait ends all the same.
    """
    with suppress(OSError, psycopg2.Error), socket.socket(fileno=os.dup(waiting.fileno())) as line:
        if _waits(waiting) and _answers(line):
            waiting.cancel()
            until = time.monotonic() + PATIENCE
            while _waits(waiting) and time.monotonic() < until:
                time.sleep(_LOOK_EVERY)
        line.shutdown(socket.SHUT_RDWR)


def _waits(waiting: connection) -> bool:
    return not waiting.closed and waiting.info.transaction_status == TRANSACTION_STATUS_ACTIVE


def _answers(line: socket.socket) -> bool:
    """Whether the server at the other end of a line answers: if it did not, to cancel would stop the whole process."""
    with suppress(OSError), socket.socket(line.family) as probe:
        probe.settimeout(PATIENCE)
        probe.connect(line.getpeername())
        probe.sendall(_SSL_REQUEST)
        return bool(probe.recv(1))
    return False
