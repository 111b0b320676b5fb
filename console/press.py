"""Buttons that change something. Each acts once, however often it is pressed before the page is drawn again."""

from collections.abc import Callable

import streamlit as st

PRESSES = "presses"  # in the session: how many presses were acted upon
PRESSED = "pressed"  # in the session: the key of the button whose press was acted upon in this run of the page


def act_button(
    label: str,
    act: Callable[..., object],
    *given: object,
    key: str,
    kind: str = "secondary",
    icon: str | None = None,
    shortcut: str | None = None,
    help: str | None = None,
    disabled: bool = False,
) -> bool:
    """Shows a button that calls `act` with what is given. Returns whether it has just done so.

    People double-click, and keys repeat: the second press was meant for a page that is gone. So a button counts for
    the number of presses at which it was drawn, and it is another button afterwards.
    """
    drawn = _presses()
    st.button(
        label,
        key=f"{key}#{drawn}",
        type=kind,  # type: ignore[arg-type]  # one of Streamlit's kinds
        icon=icon,
        help=help,
        shortcut=shortcut,
        disabled=disabled,
        on_click=_once,
        args=(drawn, key, act, *given),
    )
    pressed = st.session_state.get(PRESSED) == key
    if pressed:
        del st.session_state[PRESSED]
    return pressed


def _once(drawn: int, key: str, act: Callable[..., object], *given: object) -> None:
    if drawn == _presses():
        st.session_state.update({PRESSES: drawn + 1, PRESSED: key})
        act(*given)


def _presses() -> int:
    return int(st.session_state.get(PRESSES, 0))
