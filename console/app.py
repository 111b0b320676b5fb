"""The console's entry point: signs people in and shows their pages."""

from functools import partial

import streamlit as st

from console.auth import Stranger, end_if_over, sign_out, signed_in
from console.files import page as files
from console.look import PRODUCT, in_words, logo
from console.names import page as names
from console.reads import page as reads
from console.runs import page as runs
from ncric_core.errors import NcricError
from ncric_core.safe_text import markdown, text_only
from ncric_core.settings import Settings, read_settings
from ncric_core.store.person import Person

CHECKED_EVERY: float = 30.0  # seconds


def main() -> None:
    """Runs the page that the address names. A stranger gets only the page to sign in."""
    st.set_page_config(page_title=PRODUCT, page_icon=":material/directions_car:", layout="wide")
    try:
        settings = read_settings()
        user = signed_in(settings)
    except NcricError as error:
        st.error(text_only(str(error)), icon=":material/error:")
        return
    if isinstance(user, Stranger):
        st.navigation(
            [st.Page(partial(_way_in, user, settings), title="Sign in", url_path="sign-in")], position="hidden"
        ).run()
    else:
        _pages(user, settings)


def _way_in(stranger: Stranger, settings: Settings) -> None:
    if stranger.why == "over":
        st.logout()
    st.title(PRODUCT)
    if stranger.why == "not_allowed":
        st.error(
            f"You are signed in as {markdown(stranger.name)}, who may not use this console: ask its administrator.",
            icon=":material/block:",
        )
        st.button("Sign out", on_click=sign_out, args=(settings,))
    else:
        st.button("Sign in", type="primary", on_click=st.login, icon=":material/login:")


def _pages(user: Person, settings: Settings) -> None:
    page = st.navigation(
        [
            st.Page(partial(reads.page, user), title="Reads", icon=":material/monitoring:", default=True),
            # the default page is at "/"; this makes "/reads" work too
            st.Page(partial(reads.page, user), title="Reads", url_path="reads", visibility="hidden"),
            st.Page(partial(names.page, user), title="Agency names", icon=":material/label:", url_path="names"),
            st.Page(partial(runs.page, user), title="Runs", icon=":material/schedule:", url_path="runs"),
            st.Page(
                partial(files.page, user), title="Files and rejects", icon=":material/folder_open:", url_path="files"
            ),
        ]
    )
    st.logo(logo(PRODUCT), icon_image=logo(), size="large")  # a click leads to the first page
    with st.sidebar:
        st.caption(f"{markdown(user.name)}, {'operator' if user.is_operator else 'analyst'}")
        if settings.oidc_metadata_url is not None:
            st.button("Sign out", on_click=sign_out, args=(settings,), icon=":material/logout:")
    st.fragment(_check, run_every=CHECKED_EVERY)(settings)
    with in_words():
        page.run()


def _check(settings: Settings) -> None:
    with in_words():
        end_if_over(settings)


main()
