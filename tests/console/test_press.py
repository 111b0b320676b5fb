"""A button that changes something acts once, however often it is pressed before the page is drawn again."""

from streamlit.testing.v1 import AppTest


def script() -> None:
    """Shows two buttons of one drawing, and what was done. AppTest runs this."""
    import streamlit as st  # noqa: PLC0415

    from console.press import act_button  # noqa: PLC0415

    done = st.session_state.setdefault("done", [])
    if act_button("Save", done.append, "saved", key="save"):
        st.text("It was pressed.")
    act_button("Leave", done.append, "left", key="leave")


def test_two_presses_of_one_drawing_act_once_and_one_of_the_next_acts_again() -> None:
    app = AppTest.from_function(script).run()
    for button in app.button:  # both in one run, as two clicks before the page is drawn again
        button.click()
    app.run()
    assert app.session_state["done"] == ["saved"]
    assert [one.value for one in app.text] == ["It was pressed."]
    app.run()
    assert [one.value for one in app.text] == []
    app.button(key="save#1").click().run()
    assert app.session_state["done"] == ["saved", "saved"]


def test_a_press_that_comes_after_the_page_was_drawn_again_is_of_no_button() -> None:
    app = AppTest.from_function(script).run()
    first = app.button(key="save#0").click()
    late = first._widget_state
    app.run()
    states = app._tree.get_widget_states()
    states.widgets.append(late)
    app._run(widget_state=states)
    assert app.session_state["done"] == ["saved"]
    assert not app.exception
