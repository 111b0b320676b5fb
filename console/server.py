"""The console as an ASGI application: Streamlit's own, behind what keeps strangers out.

`streamlit run` finds `app` here by its class, which is public in Streamlit 1.67. Nothing of Streamlit is patched.
"""

from pathlib import Path

import streamlit as st

from console.own_user import local_only
from ncric_core.settings import read_settings

app = st.App(Path(__file__).with_name("app.py"), middleware=local_only(read_settings()))
