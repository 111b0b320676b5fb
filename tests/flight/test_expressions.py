"""The transforms and conditions of flight-language.md: what each does, and what is said when one is wrong."""

import hashlib
import re
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ncric_core.errors import FlightError
from ncric_core.flight.expressions import Tagged, condition, value

WHERE = "reads.yaml: entityDefinitions.read.ol.id"
PACIFIC = "America/Los_Angeles"


def transform(name: str, **parameters: Any) -> Tagged:
    return Tagged(f"transforms.{name}", parameters)


def check(name: str, **parameters: Any) -> Tagged:
    return Tagged(f"conditions.{name}", parameters)


def values(frame: pl.DataFrame, column: str | None, *transforms: Tagged) -> list[str | None]:
    made = frame.with_columns(made=value(column, transforms, frame.columns, WHERE))
    assert made["made"].dtype == pl.String
    return made["made"].to_list()


def changed(text: Any, *transforms: Tagged) -> str | None:
    return values(pl.DataFrame({"a": [text]}, schema={"a": pl.String}), "a", *transforms)[0]


def held(frame: pl.DataFrame, *conditions: Tagged) -> list[bool]:
    expression = condition(conditions, frame.columns, WHERE)
    assert expression is not None
    made = frame.lazy().select(made=expression).collect()["made"]
    assert made.dtype == pl.Boolean
    assert made.null_count() == 0
    return made.to_list()


def fault(column: str | None, *transforms: Any, columns: Any = None) -> str:
    with pytest.raises(FlightError) as error:
        value(column, transforms, columns, WHERE)
    assert str(error.value).startswith(f"{WHERE}: ")
    return str(error.value).removeprefix(f"{WHERE}: ")


def condition_fault(*conditions: Any, columns: Any = None) -> str:
    with pytest.raises(FlightError) as error:
        condition(conditions, columns, WHERE)
    assert str(error.value).startswith(f"{WHERE}: ")
    return str(error.value).removeprefix(f"{WHERE}: ")


# --- without transforms ---


@pytest.mark.parametrize(
    ("series", "texts"),
    [
        (pl.Series(["x", " x ", "", "  ", None]), ["x", " x ", None, None, None]),
        (pl.Series([12, -1, None]), ["12", "-1", None]),
        (pl.Series([12.0, 0.25, None]), ["12.0", "0.25", None]),
        (pl.Series([True, False, None]), ["true", "false", None]),
        (pl.Series([Decimal("1.50"), None]), ["1.50", None]),
        (pl.Series([date(2022, 10, 11), None]), ["2022-10-11", None]),
        (pl.Series([time(8, 13, 35), None]), ["08:13:35", None]),
        (pl.Series([None, None]), [None, None]),
        (pl.Series(["x", None], dtype=pl.Categorical), ["x", None]),
        (pl.Series([datetime(2022, 10, 11, 8, 13, 35), None]), ["2022-10-11T08:13:35Z", None]),  # noqa: DTZ001
        (pl.Series([datetime(2022, 10, 11, 8, 13, 35, 120000, UTC)]), ["2022-10-11T08:13:35.120Z"]),
        (
            pl.Series([datetime(2022, 10, 11, 15, tzinfo=UTC), None]).dt.convert_time_zone(PACIFIC),
            ["2022-10-11T15:00:00Z", None],
        ),
        (
            pl.Series([{"lat": 37.5, "lon": -122.25}, {"lat": 37.5, "lon": None}, None]),
            ["37.5,-122.25", None, None],
        ),
    ],
    ids=str,
)
def test_column_of_any_dtype_is_text(series: pl.Series, texts: list[str | None]) -> None:
    assert values(series.to_frame("a"), "a") == texts


def test_missing_column_is_null_without_transforms() -> None:
    assert values(pl.DataFrame({"a": ["x", "y"]}), "b") == [None, None]


def test_missing_column_is_an_error_with_transforms() -> None:
    upper = transform("CaseTransform", type="upper")
    assert fault("b", upper, columns=["a"]) == "the table has no column 'b'"
    concat = transform("ConcatTransform", columns=["a", "c"])
    assert fault(None, concat, columns=["a"]) == "ConcatTransform: columns: the table has no column 'c'"


def test_columns_are_not_checked_while_the_table_is_not_known() -> None:
    made = value("a", [transform("CaseTransform", type="upper")], None, WHERE)
    assert pl.DataFrame({"a": ["x"]}).select(made.alias("a"))["a"].to_list() == ["X"]
    assert condition([check("BooleanIsNullCondition", column="a")], None, WHERE) is not None


def test_column_name_that_looks_like_a_pattern_is_a_name() -> None:
    assert values(pl.DataFrame({"^a.*$": ["x"], "ab": ["y"]}), "^a.*$") == ["x"]


def test_empty_frame_gives_no_rows() -> None:
    frame = pl.DataFrame(schema={"a": pl.String})
    for transforms in ([], [transform("ValueTransform", value="x")], [transform("HashTransform", columns=["a"])]):
        assert values(frame, None if transforms else "a", *transforms) == []


# --- transforms ---


@pytest.mark.parametrize(
    ("tagged", "texts"),
    [
        (transform("CaseTransform", type="lower"), {"MAIN St": "main st", "É": "é"}),
        (transform("CaseTransform", type="upper"), {"Main st": "MAIN ST"}),
        (
            transform("CaseTransform", type="name"),
            {"jANE DOE": "Jane Doe", "SHERIFF'S OFFICE": "Sheriff's Office", "mary o'neil-smith": "Mary O'Neil-Smith"},
        ),
        (transform("PrefixTransform", prefix="CA-"), {"1": "CA-1"}),
        (transform("PrefixTransform", prefix=7), {"1": "71"}),
        (transform("SuffixTransform", suffix="_boss4"), {"1": "1_boss4"}),
        (transform("ReplaceRegexTransform", target="[^0-9]", goal=""), {"a1b2": "12", "abc": None}),
        (transform("ReplaceRegexTransform", target="(a)(b)?", goal="<$1abc>"), {"xaba": "x<aabc><aabc>"}),
        (transform("ReplaceRegexTransform", target="(a)", goal="$12"), {"a": "a2"}),
        (transform("ReplaceRegexTransform", target="(?<x>a)", goal="${x}${x}"), {"a": "aa"}),
        (transform("ReplaceRegexTransform", target="a", goal=r"\$1 \\ $0$0"), {"a": "$1 \\ aa"}),
        (transform("SplitTransform", separator=",", index=1), {"a, b ,c": "b", "a": None, "a,,c": None}),
        (transform("SplitTransform", separator=",", index="0"), {"a,b": "a", "abc": "abc", ",": None}),
        (transform("SplitTransform", separator=",", index="last"), {"a,b, c ": "c", "a,b,": "b", "a": "a"}),
        (transform("SplitTransform", separator=".", index=1), {"a.b": "b", "ab": None}),
        (transform("SplitTransform", separator=r"\.", index=1), {"a.b": "b"}),
        (transform("SplitTransform", separator=r"\s+", index=2), {"a  b   c": "c"}),
        (
            transform("SplitTransform", separator=",", index=1, valueElse="none"),
            {"a": "none", "a,": "none", "a,b": "b"},
        ),
        (
            transform("ParseIntTransform"),
            {"12": "12", " 007 ": "7", "+5": "5", "-5": "-5", "1.5": None, "x": None, "9" * 30: None, "1_0": None},
        ),
        (
            transform("ParseDoubleTransform"),
            {"12": "12.0", " -1.5 ": "-1.5", "1e3": "1000.0", "x": None, "NaN": None, "inf": None},
        ),
        (
            transform("ParseBoolTransform"),
            {**dict.fromkeys(["1", "yes", "TRUE", "On", " y "], "true"), **dict.fromkeys(["0", "no", "x"], "false")},
        ),
    ],
    ids=str,
)
def test_transform_of_a_value(tagged: Tagged, texts: dict[str, str | None]) -> None:
    frame = pl.DataFrame({"a": [*texts, None, "", "  "]})
    assert values(frame, "a", tagged) == [*texts.values(), None, None, None]


ROWS = pl.DataFrame({"a": ["x", "", None, " "], "b": ["y", "y", None, ""], "n": [1, 2, 3, None]})


@pytest.mark.parametrize(
    ("tagged", "texts"),
    [
        (transform("ColumnTransform", column="b"), ["y", "y", None, None]),
        (transform("ValueTransform", value="c"), ["c"] * 4),
        (transform("ValueTransform", value=True), ["true"] * 4),
        (transform("ValueTransform", value=12), ["12"] * 4),
        (transform("ValueTransform", value=date(2022, 10, 11)), ["2022-10-11"] * 4),
        (transform("ValueTransform", value=" "), [None] * 4),
        (transform("ConcatTransform", columns=["a", "b"]), ["x-y", "y", None, None]),
        (transform("ConcatTransform", columns=["n", "a", "b"], separator=""), ["1xy", "2y", "3", None]),
        (transform("ConcatTransform", columns=["a", "b"], separator=None), ["x-y", "y", None, None]),
    ],
    ids=str,
)
def test_transform_of_the_row(tagged: Tagged, texts: list[str | None]) -> None:
    assert values(ROWS, None, tagged) == texts


@pytest.mark.parametrize("function", ["sha256", "md5", "sha1", "sha512"])
def test_hash_is_over_the_non_blank_columns(function: str) -> None:
    tagged = transform("HashTransform", columns=["a", "b"], hashFunction=function)
    digests = [hashlib.new(function, text).hexdigest() for text in (b"xy", b"y")]
    assert values(ROWS, None, tagged) == [*digests, None, None]


def test_hash_is_sha256_unless_another_is_named() -> None:
    digest = "a1fce4363854ff888cff4b8e7875d600c2682390412a8cf79b37d0b11148b0fa"  # printf y | sha256sum
    assert values(ROWS, None, transform("HashTransform", columns=["b", "a"]))[1] == digest


def test_chain_gives_each_the_value_of_the_one_before() -> None:
    chain = [
        transform("ConcatTransform", columns=["a", "b"], separator=" "),
        transform("SplitTransform", separator=" ", index=1),
        transform("CaseTransform", type="upper"),
        transform("PrefixTransform", prefix="<"),
    ]
    assert values(ROWS, None, *chain) == ["<Y", None, None, None]


def test_a_blank_within_a_chain_is_no_value() -> None:
    chain = [transform("ReplaceRegexTransform", target="x", goal=" "), transform("SuffixTransform", suffix="!")]
    assert changed("x", *chain) is None


def test_constant_in_a_chain_replaces_null_too() -> None:
    chain = [transform("ColumnTransform", column="a"), transform("ValueTransform", value="c")]
    assert values(ROWS, None, *chain, transform("SuffixTransform", suffix="!")) == ["c!"] * 4


def test_row_transform_leaves_the_column_aside() -> None:
    assert values(ROWS, "n", transform("ColumnTransform", column="a")) == ["x", None, None, None]


def test_both_spellings_of_a_tag_are_read() -> None:
    assert changed("x", Tagged("com.openlattice.shuttle.transforms.CaseTransform", {"type": "upper"})) == "X"
    tagged = Tagged("com.openlattice.shuttle.conditions.BooleanIsNullCondition", {"column": "a"})
    assert held(ROWS, tagged) == [False, True, True, True]


TEXTS = st.none() | st.text(alphabet="ab ,é", max_size=6)


@given(st.lists(st.tuples(TEXTS, TEXTS, TEXTS), min_size=1, max_size=5), st.text(alphabet="-, ", max_size=2))
def test_concat_is_a_join_of_what_is_not_blank(rows: list[tuple[str | None, ...]], separator: str) -> None:
    frame = pl.DataFrame(rows, schema=dict.fromkeys("abc", pl.String), orient="row")
    tagged = transform("ConcatTransform", columns=["a", "b", "c"], separator=separator)
    joined = [separator.join(text for text in row if text and text.strip()) for row in rows]
    assert values(frame, None, tagged) == [text if text.strip() else None for text in joined]


@given(st.lists(TEXTS, min_size=1, max_size=5), st.integers(0, 3) | st.just("last"))
def test_split_is_the_trimmed_part(texts: list[str | None], index: int | str) -> None:
    def part(text: str | None) -> str | None:
        if not text or not text.strip():
            return None
        parts = text.strip().rstrip(",").split(",")
        number = len(parts) - 1 if index == "last" else int(index)
        return (parts[number].strip() or None) if number < len(parts) else None

    frame = pl.DataFrame({"a": texts}, schema={"a": pl.String})
    assert values(frame, "a", transform("SplitTransform", separator=",", index=index)) == [part(t) for t in texts]


@given(st.lists(st.none() | st.text(max_size=8), min_size=1, max_size=5))
def test_any_text_goes_through_every_parser(texts: list[str | None]) -> None:
    frame = pl.DataFrame({"a": texts}, schema={"a": pl.String})
    patterns = ["MM/dd/yy", "yyyyMMddHHmm", "dd MMM yyyy h a z"]
    for name in ("DateTimeTransform", "DateTransform"):
        assert len(values(frame, "a", transform(name, pattern=patterns, timezone=PACIFIC))) == len(texts)
    for name in ("TimeTransform", "ParseIntTransform", "ParseDoubleTransform", "ParseBoolTransform"):
        assert len(values(frame, "a", transform(name))) == len(texts)


# --- dates and times ---


@pytest.mark.parametrize(
    ("text", "pattern", "zone", "expected"),
    [
        ("2022-10-11T08:13:35Z", None, "UTC", "2022-10-11T08:13:35Z"),
        ("2022-10-11T08:13:35.120-07:00", None, "UTC", "2022-10-11T15:13:35.120Z"),
        ("2022-10-11 08:13:35+0200", None, PACIFIC, "2022-10-11T06:13:35Z"),
        ("2022-10-11 08:13+02", None, PACIFIC, "2022-10-11T06:13:00Z"),
        ("2022-10-11T08:13:35.123456", None, "UTC", "2022-10-11T08:13:35.123456Z"),
        (" 2022-10-11 08:13 ", None, PACIFIC, "2022-10-11T15:13:00Z"),
        ("2022-10-11", None, PACIFIC, "2022-10-11T07:00:00Z"),
        ("2022-02-30", None, "UTC", None),
        ("2022-10-11T", None, "UTC", None),
        ("08:13", None, "UTC", None),
        ("0000-01-01", None, "UTC", None),
        ("0001-01-01 00:00+01:00", None, "UTC", None),
        ("x", None, "UTC", None),
        ("2022-10-11T08:13:35Z", "MM/dd/yyyy", "UTC", "2022-10-11T08:13:35Z"),
        ("10/11/2022 08:13:35", "MM/dd/yyyy HH:mm:ss", PACIFIC, "2022-10-11T15:13:35Z"),
        ("10/11/2022", "MM/dd/yyyy", "UTC", "2022-10-11T00:00:00Z"),
        ("1/2/2022", "MM/dd/yyyy", "UTC", None),
        ("1/2/2022", "M/d/yyyy", "UTC", "2022-01-02T00:00:00Z"),
        ("1/2/22", ["M/d/yyyy", "M/d/yy"], "UTC", "2022-01-02T00:00:00Z"),
        ("1/2/65", "M/d/yy", "UTC", "1965-01-02T00:00:00Z"),
        ("10/11/2022 08:13 PM", "MM/dd/yyyy hh:mm a", "UTC", "2022-10-11T20:13:00Z"),
        ("10/11/2022 8 am", "MM/dd/yyyy h a", "UTC", "2022-10-11T08:00:00Z"),
        ("10/11/2022 12:05am", "MM/dd/yyyy h:mma", "UTC", "2022-10-11T00:05:00Z"),
        ("20221011081335123", "yyyyMMddHHmmssSSS", "UTC", "2022-10-11T08:13:35.123Z"),
        ("11.10.2022 08:13:35.5", "dd.MM.yyyy HH:mm:ss.S", "UTC", "2022-10-11T08:13:35.500Z"),
        ("11.10.2022 08:13:35,123", "dd.MM.yyyy HH:mm:ss,SSS", "UTC", "2022-10-11T08:13:35.123Z"),
        ("11.10.2022 08:13:35.12", "dd.MM.yyyy HH:mm:ss.SSS", "UTC", None),
        ("Tue, 11 Oct 2022", "EEE, dd MMM yyyy", "UTC", "2022-10-11T00:00:00Z"),
        ("Mon, 11 Oct 2022", "EEE, dd MMM yyyy", "UTC", None),
        ("Tuesday October 11 2022", "EEEE MMMM d yyyy", "UTC", "2022-10-11T00:00:00Z"),
        ("2022-284", "yyyy-DDD", "UTC", "2022-10-11T00:00:00Z"),
        ("10/11/2022T08:13", "MM/dd/yyyy'T'HH:mm", "UTC", "2022-10-11T08:13:00Z"),
        ("2022y10%11 8 o'clock", "yyyy'y'MM%dd H 'o''clock'", "UTC", "2022-10-11T08:00:00Z"),
        ("10/11/2022 08:13 -0700", "MM/dd/yyyy HH:mm Z", "UTC", "2022-10-11T15:13:00Z"),
        ("10/11/2022 08:13Z", "MM/dd/yyyy HH:mmX", PACIFIC, "2022-10-11T08:13:00Z"),
        ("10/11/2022 08:13-07:00", "MM/dd/yyyy HH:mmXXX", "UTC", "2022-10-11T15:13:00Z"),
        ("10/11/2022 08:13 PDT", "MM/dd/yyyy HH:mm z", "UTC", "2022-10-11T15:13:00Z"),
        ("Tue Oct 11 08:13:35 PDT 2022", "EEE MMM dd HH:mm:ss zzz yyyy", "UTC", "2022-10-11T15:13:35Z"),
        ("10/11/2022 08:13 XYZ", "MM/dd/yyyy HH:mm z", "UTC", None),
        ("10/11/2022  08:13", "MM/dd/yyyy HH:mm", "UTC", None),
        ("10/11/202208:13", "MM/dd/yyyy HH:mm", "UTC", None),
        ("x10/11/2022", "MM/dd/yyyy", "UTC", None),
    ],
)
def test_datetime(text: str, pattern: str | list[str] | None, zone: str, expected: str | None) -> None:
    assert changed(text, transform("DateTimeTransform", pattern=pattern, timezone=zone)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2022-11-06 01:30", "2022-11-06T08:30:00Z"),  # occurs twice: the first
        ("2022-11-06 02:30", "2022-11-06T10:30:00Z"),
        ("2022-03-13 01:59", "2022-03-13T09:59:00Z"),
        ("2022-03-13 02:30", "2022-03-13T10:30:00Z"),  # does not occur: 03:30
    ],
)
def test_change_of_summer_time(text: str, expected: str) -> None:
    assert changed(text, transform("DateTimeTransform", timezone=PACIFIC)) == expected
    assert changed(f"{text} x", transform("DateTimeTransform", pattern="yyyy-MM-dd HH:mm 'x'", timezone=PACIFIC)) == (
        expected
    )


@pytest.mark.parametrize(
    ("name", "text", "pattern", "zone", "expected"),
    [
        ("DateTransform", "2022-10-11", None, "UTC", "2022-10-11"),
        ("DateTransform", "2022-10-11T23:13:35", None, PACIFIC, "2022-10-11"),
        ("DateTransform", "2022-10-12T03:00:00Z", None, PACIFIC, "2022-10-11"),
        ("DateTransform", "08:13", None, "UTC", None),
        ("DateTransform", "10/11/22", ["MM-dd-yy", "MM/dd/yy"], "UTC", "2022-10-11"),
        ("DateTransform", "10/11/2022 23:30", "MM/dd/yyyy HH:mm", PACIFIC, "2022-10-11"),
        ("TimeTransform", "08:13", None, "UTC", "08:13:00"),
        ("TimeTransform", "08:13:35.5", None, PACIFIC, "08:13:35.500"),
        ("TimeTransform", "2022-03-13 02:30", None, PACIFIC, "02:30:00"),
        ("TimeTransform", "2022-10-12T03:00:00Z", None, PACIFIC, "20:00:00"),
        ("TimeTransform", "2022-10-12", None, "UTC", None),
        ("TimeTransform", "25:00", None, "UTC", None),
        ("TimeTransform", "8:13 pm", "h:mm a", "UTC", "20:13:00"),
        ("TimeTransform", "0813", "HHmm", "UTC", "08:13:00"),
        ("TimeTransform", "10/11/2022 8:13", "MM/dd/yyyy H:mm", "UTC", "08:13:00"),
    ],
)
def test_date_and_time(name: str, text: str, pattern: Any, zone: str, expected: str | None) -> None:
    assert changed(text, transform(name, pattern=pattern, timezone=zone)) == expected


@pytest.mark.parametrize("name", ["DateTimeTransform", "DateTransform", "TimeTransform"])
def test_no_text_is_no_time(name: str) -> None:
    frame = pl.DataFrame({"a": [None, "", "  "]})
    assert values(frame, "a", transform(name, pattern="yyyyMMddHHmm")) == [None, None, None]


def test_a_time_column_goes_through_datetime() -> None:
    frame = pl.DataFrame({"a": [datetime(2022, 10, 11, 8, 13, 35, 120000, UTC)]})
    assert values(frame, "a", transform("DateTimeTransform")) == ["2022-10-11T08:13:35.120Z"]


@given(st.datetimes(datetime(1000, 1, 1), datetime(9998, 12, 31)))  # noqa: DTZ001
def test_datetime_reads_what_was_written(moment: datetime) -> None:
    text = f"{moment:%m/%d/}{moment.year}{moment: %I:%M:%S.%f %p}"
    read = changed(text, transform("DateTimeTransform", pattern="MM/dd/yyyy hh:mm:ss.SSSSSS a"))
    assert read is not None
    assert datetime.fromisoformat(read) == moment.replace(tzinfo=UTC)


# --- conditions ---


def test_no_conditions_is_none() -> None:
    assert condition([], ["a"], WHERE) is None


HOTLIST = "STOLEN VEHICLES DOJ|STOLEN PLATES DOJ"
LISTS = pl.DataFrame({"hts_Hotlist": ["stolen plates doj 2", "AMBER", "", None], "n": [9, 10, None, 10]})
PAIRS = pl.DataFrame({"l": ["a", "b", "b", None, " "], "r": ["b", "b", "a", "a", "a"], "n": [9, 10, 11, None, 1]})


@pytest.mark.parametrize(
    ("tagged", "expected"),
    [
        (check("BooleanRegexCondition", column="hts_Hotlist", pattern=HOTLIST), [True, False, False, False]),
        (
            check("BooleanRegexCondition", column="hts_Hotlist", pattern=HOTLIST, reverse=True),
            [False, True, True, True],
        ),
        (check("BooleanRegexCondition", column="hts_Hotlist", pattern="^$", reverse=False), [False, False, True, True]),
        (check("BooleanRegexCondition", column="n", pattern="^1"), [False, True, False, True]),
        (check("BooleanIsNullCondition", column="hts_Hotlist"), [False, False, True, True]),
        (check("BooleanIsNullCondition", column="n", reverse=True), [True, True, False, True]),
        (check("BooleanAreNotNullCondition", columns=["hts_Hotlist", "n"]), [True, True, False, False]),
        (check("BooleanAreNotNullCondition", columns=["hts_Hotlist", "n"], type="any"), [True, True, False, True]),
        (check("BooleanAreNotNullCondition", columns=["hts_Hotlist", "n"], type="none"), [False, False, True, False]),
        (
            check("BooleanAreNotNullCondition", columns=["hts_Hotlist", "n"], type="all", reverse=True),
            [False, False, True, True],
        ),
        (
            check("BooleanAreNotNullCondition", columns=["hts_Hotlist", "n"], type="none", reverse=True),
            [True, True, False, True],
        ),
    ],
    ids=str,
)
def test_condition(tagged: Tagged, expected: list[bool]) -> None:
    assert held(LISTS, tagged) == expected


@pytest.mark.parametrize(
    ("comparison", "expected"),
    [
        ("eq", [False, True, False]),
        ("ne", [True, False, True]),
        ("ge", [False, True, True]),
        ("gt", [False, False, True]),
        ("lt", [True, False, False]),
        ("le", [True, True, False]),
    ],
)
def test_comparison_is_false_where_a_side_is_blank(comparison: str, expected: list[bool]) -> None:
    tagged = check("CompareCondition", leftColumn="l", rightColumn="r", comparison=comparison)
    assert held(PAIRS, tagged) == [*expected, False, False]


def test_numbers_and_times_are_compared_as_such() -> None:
    frame = pl.DataFrame(
        {
            "whole": [9, 2**53 + 1],
            "real": [10.0, 1.0],
            "naive": [datetime(2022, 10, 11, 8), datetime(2022, 10, 11, 8)],  # noqa: DTZ001
            "utc": [datetime(2022, 10, 11, 8, tzinfo=UTC), datetime(2022, 10, 11, 8, 0, 0, 120000, UTC)],
            "text": ["10", "x"],
        }
    )
    zoned = frame.with_columns(pacific=pl.col("utc").dt.convert_time_zone(PACIFIC))

    def compared(left: str, comparison: str, right: str) -> list[bool]:
        tagged = check("CompareCondition", leftColumn=left, rightColumn=right, comparison=comparison)
        return held(zoned, tagged)

    assert compared("whole", "lt", "real") == [True, False]
    assert compared("naive", "lt", "utc") == [False, True]
    assert compared("naive", "eq", "pacific") == [True, False]
    assert compared("whole", "gt", "text") == [True, False]  # text: "9" > "10"


CHOICE = st.sampled_from(["and", "or", "a", "b", "c"])


@given(st.lists(CHOICE, max_size=8), st.lists(st.tuples(*[st.booleans()] * 3), min_size=1, max_size=8))
def test_and_or_are_left_to_right(words: list[str], rows: list[tuple[bool, ...]]) -> None:
    def holds(row: dict[str, bool]) -> bool | None:
        result, operator = None, "and"
        for word in words:
            if word in ("and", "or"):
                operator = word
            elif result is None:
                result = row[word]
            else:
                result = (result and row[word]) if operator == "and" else (result or row[word])
        return result

    tags = {"and": check("ConditionalAnd"), "or": check("ConditionalOr")}
    conditions = [tags.get(word) or check("BooleanIsNullCondition", column=word, reverse=True) for word in words]
    filled = [{name: bool(filled) for name, filled in zip("abc", row, strict=True)} for row in rows]
    expected = [holds(row) for row in filled]
    frame = pl.DataFrame(
        [{n: "x" if filled else None for n, filled in row.items()} for row in filled],
        schema=dict.fromkeys("abc", pl.String),
    )
    if not set(words) & set("abc"):
        assert condition(conditions, "abc", WHERE) is None
    else:
        assert held(frame, *conditions) == expected


# --- faults ---


@pytest.mark.parametrize(
    ("tagged", "message"),
    [
        (transform("CaseTransform"), "CaseTransform: parameter 'type' is missing"),
        (
            transform("CaseTransform", type="title"),
            "CaseTransform: type: one of lower, upper, name is needed, not 'title'",
        ),
        (
            transform("CaseTransform", type="name", colum="a"),
            "CaseTransform: unknown parameter 'colum' (known: type)",
        ),
        (transform("ParseIntTransform", x=1), "ParseIntTransform: unknown parameter 'x' (it has none)"),
        (transform("ColumnTransform", column=5), "ColumnTransform: column: a text is needed, not 5"),
        (transform("ConcatTransform", columns="a"), "ConcatTransform: columns: a list of texts is needed, not 'a'"),
        (transform("ConcatTransform", columns=[]), "ConcatTransform: columns: a list of texts is needed, not []"),
        (
            transform("ConcatTransform", columns=["a", 1]),
            "ConcatTransform: columns: a list of texts is needed, not ['a', 1]",
        ),
        (transform("ValueTransform", value=["a"]), "ValueTransform: value: a single value is needed, not ['a']"),
        (transform("ValueTransform", value=None), "ValueTransform: parameter 'value' is missing"),
        (
            transform("HashTransform", columns=["a"], hashFunction="murmur128"),
            "HashTransform: hashFunction: unknown hash function 'murmur128'",
        ),
        (
            transform("HashTransform", columns=["a"], hashFunction=["x"]),
            "HashTransform: hashFunction: a text is needed, not ['x']",
        ),
        (transform("SplitTransform", separator="", index=0), "SplitTransform: separator: a text is needed, not ''"),
        (
            transform("SplitTransform", separator=",", index=-1),
            "SplitTransform: index: a number from 0 or 'last' is needed, not -1",
        ),
        (
            transform("SplitTransform", separator=",", index="first"),
            "SplitTransform: index: a number from 0 or 'last' is needed, not 'first'",
        ),
        (
            transform("ReplaceRegexTransform", target="a(?=b)", goal=""),
            "ReplaceRegexTransform: target: 'a(?=b)' cannot be used as a regular expression: "
            "look-around, including look-ahead and look-behind, is not supported",
        ),
        (
            transform("ReplaceRegexTransform", target=r"(a)\1", goal=""),
            r"ReplaceRegexTransform: target: '(a)\\1' cannot be used as a regular expression: "
            "backreferences are not supported",
        ),
        (
            transform("ReplaceRegexTransform", target="a", goal="$1"),
            "ReplaceRegexTransform: goal: the target has no group '1'",
        ),
        (
            transform("ReplaceRegexTransform", target="a", goal="${x}"),
            "ReplaceRegexTransform: goal: the target has no group 'x'",
        ),
        (
            transform("ReplaceRegexTransform", target="a", goal="5$"),
            "ReplaceRegexTransform: goal: '$' stands alone in '5$'",
        ),
        (
            transform("ReplaceRegexTransform", target="a", goal="\\"),
            r"ReplaceRegexTransform: goal: '\\' stands alone in '\\'",
        ),
        (transform("DateTransform", pattern=5), "DateTransform: pattern: a list of texts is needed, not 5"),
        (
            transform("DateTransform", pattern="YYYY-MM-dd"),
            "DateTransform: pattern: 'YYYY-MM-dd': letter 'Y' cannot be used; the year is 'y'",
        ),
        (
            transform("DateTransform", pattern="yyyy-MM-dd Q"),
            "DateTransform: pattern: 'yyyy-MM-dd Q': letter 'Q' cannot be used",
        ),
        (
            transform("DateTransform", pattern="yyy-MM-dd"),
            "DateTransform: pattern: 'yyy-MM-dd': 'yyy' cannot be used",
        ),
        (
            transform("DateTransform", pattern="yyyy-MM-dd[ HH]"),
            "DateTransform: pattern: 'yyyy-MM-dd[ HH]': '[' cannot be used",
        ),
        (
            transform("DateTransform", pattern="yyyy-MM-dd'T"),
            'DateTransform: pattern: "yyyy-MM-dd\'T": "\'" cannot be used',
        ),
        (transform("DateTransform", pattern="MM/yyyy"), "DateTransform: pattern: 'MM/yyyy' has no day"),
        (transform("DateTransform", pattern="HH:mm"), "DateTransform: pattern: 'HH:mm' has no year"),
        (transform("TimeTransform", pattern="yyyy-MM-dd"), "TimeTransform: pattern: 'yyyy-MM-dd' has no hour"),
        (transform("TimeTransform", pattern="hh:mm"), "TimeTransform: pattern: 'hh:mm' has no AM or PM"),
        (
            transform("TimeTransform", pattern="HH:mm:ssSS"),
            "TimeTransform: pattern: 'HH:mm:ssSS': 'SS' can only follow a point",
        ),
        (transform("TimeTransform", timezone="Mars/X"), "TimeTransform: timezone: unknown time zone 'Mars/X'"),
        (transform("TimeTransform", timezone=""), "TimeTransform: timezone: unknown time zone ''"),
        (Tagged("transforms.CaseTransform", "x"), "CaseTransform: parameters are written as name: value, not 'x'"),  # type: ignore[arg-type]
    ],
    ids=str,
)
def test_fault_of_a_transform(tagged: Tagged, message: str) -> None:
    columns = tagged.parameters.get("columns") if isinstance(tagged.parameters, dict) else None
    column = "a" if columns is None and "Column" not in tagged.tag else None
    assert fault(column, tagged) == message


def test_every_fault_of_a_transform_is_told_at_once() -> None:
    assert fault("a", transform("CaseTransform", typ="upper")) == (
        "CaseTransform: unknown parameter 'typ' (known: type); parameter 'type' is missing"
    )
    concat = transform("ConcatTransform", columns=["a", 1, "b", 2], separator=5)
    assert fault(None, concat, columns=["a"]) == (
        "ConcatTransform: columns: a list of texts is needed, not ['a', 1, 'b', 2]; "
        "columns: the table has no column 'b'; separator: a text is needed, not 5"
    )


def test_a_null_parameter_is_not_given_but_must_be_known() -> None:
    assert values(ROWS, None, transform("ConcatTransform", columns=["a", "b"], separator=None))[0] == "x-y"
    assert fault(None, transform("ConcatTransform", columns=["a"], sep=None)) == (
        "ConcatTransform: unknown parameter 'sep' (known: columns, separator)"
    )


@pytest.mark.parametrize("tag", ["transforms.GeocoderTransform", "conditions.ConditionalAnd", "CaseTransform", ""])
def test_unknown_transform_is_named(tag: str) -> None:
    message = fault("a", Tagged(tag, {}))
    assert message.startswith(f"unknown transform {tag!r} (known: ColumnTransform, ValueTransform, ")


def test_transform_without_a_tag_is_named() -> None:
    assert fault("a", "upper") == "a transform is written !<transforms.Name> {…}, not 'upper'"


def test_chain_that_cannot_be() -> None:
    upper, row = transform("CaseTransform", type="upper"), transform("ColumnTransform", column="a")
    assert fault(None, upper) == "CaseTransform: it needs a value: a column, or another transform before it"
    assert fault(None, row, row) == "ColumnTransform: it takes the row, so it can only be the first"
    assert fault(None) == "neither a column nor transforms"


@pytest.mark.parametrize(
    ("tagged", "message"),
    [
        (
            check("BooleanRegexCondition", column="a", pattern="(?<!a)b"),
            "BooleanRegexCondition: pattern: '(?<!a)b' cannot be used as a regular expression: "
            "look-around, including look-ahead and look-behind, is not supported",
        ),
        (
            check("BooleanRegexCondition", column="a", pattern="(a"),
            "BooleanRegexCondition: pattern: '(a' cannot be used as a regular expression: unclosed group",
        ),
        (check("BooleanRegexCondition", column="a"), "BooleanRegexCondition: parameter 'pattern' is missing"),
        (
            check("BooleanRegexCondition", column="z", pattern="a"),
            "BooleanRegexCondition: column: the table has no column 'z'",
        ),
        (
            check("BooleanIsNullCondition", column="a", reverse="no"),
            "BooleanIsNullCondition: reverse: true or false is needed, not 'no'",
        ),
        (
            check("BooleanAreNotNullCondition", columns=["a"], type="some"),
            "BooleanAreNotNullCondition: type: one of all, any, none is needed, not 'some'",
        ),
        (
            check("CompareCondition", leftColumn="a", rightColumn="a", comparison="=="),
            "CompareCondition: comparison: one of eq, ne, ge, gt, lt, le is needed, not '=='",
        ),
        (
            check("ConditionalOr", column="a"),
            "ConditionalOr: unknown parameter 'column' (it has none)",
        ),
        (
            check("BooleanContainsCondition"),
            "unknown condition 'conditions.BooleanContainsCondition' (known: BooleanRegexCondition, "
            "BooleanIsNullCondition, BooleanAreNotNullCondition, CompareCondition, ConditionalAnd, ConditionalOr)",
        ),
    ],
    ids=str,
)
def test_fault_of_a_condition(tagged: Tagged, message: str) -> None:
    assert condition_fault(tagged, columns=["a"]) == message


def test_no_value_is_seen_by_python_but_by_the_hash() -> None:
    """Never a Python call a row: the only Python in a plan is that of HashTransform."""
    times = transform("DateTimeTransform", pattern=["MM/dd/yy"], timezone=PACIFIC)
    made = pl.LazyFrame({"a": ["x"]}).select(made=value("a", [times], ["a"], WHERE))
    assert not re.search("python|map", made.explain(), re.IGNORECASE)
