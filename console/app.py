"""The console: who is there, and the pages that they can go to."""

from functools import partial

import streamlit as st

from console import files, names, reads, runs
from console.auth import signed_in
from ncric_core.settings import read_settings

st.set_page_config(page_title="NCRIC reads", page_icon=":material/directions_car:", layout="wide")

user = signed_in(read_settings())
st.navigation(
    [
        st.Page(partial(reads.page, user), title="Reads", icon=":material/monitoring:", url_path="reads", default=True),
        st.Page(partial(names.page, user), title="Agency names", icon=":material/label:", url_path="names"),
        st.Page(partial(runs.page, user), title="Runs", icon=":material/schedule:", url_path="runs"),
        st.Page(partial(files.page, user), title="Files and rejects", icon=":material/folder_open:", url_path="files"),
    ]
).run()
