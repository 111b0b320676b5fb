"""What others wrote is safe where it is shown, readable, and not lost."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ncric_core.safe_text import csv_line, from_csv, line, markdown, text_only


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Sheriff’s Office – Peña", "Sheriff’s Office – Peña"),
        ("a\nncric: the books balance", "a\\nncric: the books balance"),
        ("\x1b]0;title\x07", "\\x1b]0;title\\x07"),
        ("\x9b2J\r\u2028\u202e", "\\x9b2J\\r\\u2028\\u202e"),
        ("\udcff", "\\udcff"),
    ],
)
def test_a_line_has_no_controls(text: str, shown: str) -> None:
    assert line(text) == shown


@given(st.text())
def test_a_line_stays_one_and_can_be_printed(text: str) -> None:
    assert line(text).splitlines() in ([], [line(text)])
    line(text).encode()
    assert not any(sign < " " or "\x7f" <= sign <= "\x9f" for sign in line(text))


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("READS_x_2022-10-11_08-10-00.json", "READS_x_2022-10-11_08-10-00.json"),
        ("Oct 11, 08:13:35: late", "Oct 11, 08:13:35: late"),
        ("![x](http://evil.example/i.png)", "!\\[x\\](http:\u2060//evil.example/i.png)"),
        ("www.evil.example", "www\u2060.evil.example"),
        ("$\\int$ <b> **b** _i_ ~~s~~ `c`", "\\$\\\\int\\$ \\<b> \\*\\*b\\*\\* \\_i\\_ \\~\\~s\\~\\~ \\`c\\`"),
        (":red[x] :smile: :material/home:", "\\:red\\[x\\] :\u2060smile: :\u2060material/home:"),
        ("# a", "\\# a"),
        ("1. a", "1\\. a"),
        ("- a\n- b", "\\- a\\\\n- b"),
        ("&amp;", "\\&amp;"),
    ],
)
def test_markdown_of_a_name_is_the_name(text: str, escaped: str) -> None:
    assert markdown(text) == escaped


def test_markdown_from_elsewhere_keeps_its_shape_and_calls_nothing() -> None:
    ours = f"## a\n\n- **{markdown('![x](http://e)')}**"
    assert text_only(ours) == ours.replace("!", "\\!")
    assert text_only("![x](http://e) $a$ \\![y](z)") == "\\!\\[x](http://e) \\$a\\$ \\!\\[y](z)"
    assert text_only("at 08:00: run `ncric sql [$a]`, or ``b ` ![c]``, `![d]") == (
        "at 08:00: run `ncric sql [$a]`, or ``b ` ![c]``, `\\!\\[d]"
    )


FORMULAS = ["=HYPERLINK(1)", "+1+cmd|' /C calc'!A0", "-2+3+cmd|x", "@SUM(1)", "\t=1", "\r=1", "'=1", "''=1", "＝1"]
FIGURES = ["-1", "-121.95", "+1", "-1e-10", "-infinity", "-1 days +02:00:00", "-$1,000.00", "=", "'", "-"]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_spreadsheet_takes_no_text_for_a_formula(text: str) -> None:
    (row,) = csv.reader(io.StringIO(csv_line(["a", text]), newline=""))
    assert row == ["a", f"'{text}"]


@pytest.mark.parametrize("text", FIGURES[:7])
def test_numbers_stay_as_they_are(text: str) -> None:
    assert csv_line([text]).strip().strip('"') == text


@given(st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])) | st.sampled_from(FORMULAS)))
def test_what_was_written_is_read_back(texts: list[str]) -> None:
    (row,) = csv.reader(io.StringIO(csv_line(["", *texts]), newline=""))
    assert [from_csv(field) for field in row] == ["", *texts]
