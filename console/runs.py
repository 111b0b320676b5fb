"""runs"""

import streamlit as st

from console.auth import User


def page(user: User) -> None:
    st.title("runs")
