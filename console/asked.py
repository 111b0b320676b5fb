"""Questions of the pages whose answers are cached for some seconds. Users do not share answers."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

import streamlit as st

from console.acts import acts_done
from console.queries import asked_by
from ncric_core.jobs.prefect_api import PrefectApi, prefect_api
from ncric_core.settings import read_settings
from ncric_core.store.database import Connection
from ncric_core.store.person import Person

if TYPE_CHECKING:
    from streamlit.runtime.caching.cache_utils import CachedFunc

Given = ParamSpec("Given")
Answer = TypeVar("Answer")


def of_store(
    *, seconds: float, spinner: str | bool = False
) -> Callable[[Callable[Concatenate[Connection, Given], Answer]], "CachedFunc[Concatenate[Person, Given], Answer]"]:
    """Makes a question to the store one that a user asks: it takes the user in place of the connection.

    It runs in a transaction bound to the user. Answers are cached by user and arguments. The question must be a named
    function of a module, because the cache tells questions apart by name.
    """

    def remember(
        question: Callable[Concatenate[Connection, Given], Answer],
    ) -> "CachedFunc[Concatenate[Person, Given], Answer]":
        def answer(user: Person, *given: Given.args, **named: Given.kwargs) -> Answer:
            with asked_by(user) as connection:
                return question(connection, *given, **named)

        return st.cache_data(ttl=seconds, show_spinner=spinner)(_named(answer, question, seconds))

    return remember


def of_prefect(
    *, seconds: float, spinner: str | bool = False
) -> Callable[[Callable[Concatenate[PrefectApi, Given], Answer]], Callable[Concatenate[Person, Given], Answer]]:
    """Makes a question to Prefect one that a user asks: it takes the user in place of the API.

    Answers are cached by user and arguments, until the user changes something.
    """

    def remember(
        question: Callable[Concatenate[PrefectApi, Given], Answer],
    ) -> Callable[Concatenate[Person, Given], Answer]:
        def answer(user: Person, acts: int, *given: Given.args, **named: Given.kwargs) -> Answer:  # noqa: ARG001
            with prefect_api(read_settings()) as api:
                return question(api, *given, **named)

        remembered = st.cache_data(ttl=seconds, show_spinner=spinner)(_named(answer, question, seconds))

        def ask(user: Person, /, *given: Given.args, **named: Given.kwargs) -> Answer:
            return remembered(user, acts_done(), *given, **named)

        return ask

    return remember


Function = TypeVar("Function", bound=Callable[..., Any])


def _named(answer: Function, question: Callable[..., Any], seconds: float) -> Function:
    """Names `answer` after its question, because Streamlit's cache tells functions apart by module and name."""
    answer.__module__ = question.__module__
    answer.__qualname__ = f"{question.__qualname__}, {seconds} s"
    return answer
