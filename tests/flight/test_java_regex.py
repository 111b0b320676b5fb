"""Regular expressions mean what they mean in Java, or are refused."""

import polars as pl
import pytest

from ncric_core.flight.java_regex import rust_pattern


@pytest.mark.parametrize(
    ("java", "found", "not_found"),
    [
        ("^A+$", ["AAA", "AAA\n", "AAA\r\n"], ["AAA\n\n", "AAB"]),
        ("a.c", ["abc", "a\tc"], ["a\nc", "a\rc", "a\u2028c", "a\x85c"]),
        ("(?s)a.c", ["abc", "a\nc"], ["ac"]),
        (r"^\d+$", ["123"], ["١٢٣"]),
        (r"^\w+$", ["a_1"], ["é"]),
        (r"^\W$", ["é", "-"], ["a"]),
        (r"a\sb", ["a b", "a\x0bb"], ["a\u00a0b"]),
        (r"a\Sb", ["a\u00a0b"], ["a b"]),
        (r"a\vb", ["a\nb", "a\u2028b"], ["avb"]),
        (r"a\hb", ["a b", "a\u00a0b"], ["a\nb"]),
        (r"^[\w-]+$", ["a-b"], ["é"]),
        (r"^[^\W]$", ["a"], ["é", "-"]),
        (r"^[^\s\d.]+$", ["ab"], ["a b", "a1", "a."]),
        (r"[$.*+?{]", ["$", ".", "*", "+", "?", "{"], ["a"]),
        (r"\<a\>", ["<a>"], ["a"]),
        (r"a\ b\-\/\"", ['a b-/"'], ["a b"]),
        (r"\p{Lu}\pL", ["Éé"], ["éé"]),
        ("(?i)stolen", ["STOLEN"], ["x"]),
        ("(?:ab)+?c{2,}", ["abcc"], ["abc"]),
        (r"(?<name>a)\x41\u0042\t", ["aAB\t"], ["a"]),
        ("[a-c[x-z]]", ["b", "y"], ["m"]),
    ],
)
def test_pattern_finds_what_it_finds_in_java(java: str, found: list[str], not_found: list[str]) -> None:
    texts = pl.Series([*found, *not_found])
    holds = texts.str.contains(rust_pattern(java)).to_list()
    assert holds == [True] * len(found) + [False] * len(not_found)


@pytest.mark.parametrize(
    "java",
    [
        *("^A*+A$", "A++", "A?+", "A{2}+", "A{2,3}+", "A**", "A{,3}", "A{x}"),
        *("(?>A)", "(?=A)", "(?!A)", "(?<=A)", "(?<!A)", r"(A)\1", r"(?<n>A)\k<n>"),
        *("(?x)a b", "(?u)a", "(?U)a", "(?d)a", "(?m)^a$", "(?i-m:a)", "a(?s).", "(?s:.)"),
        *(r"\GA", r"A\Z", r"A\R", r"\X", r"\QA\E", r"\e", r"\cA", r"\07", r"\N{SPACE}", r"\b{g}"),
        *(r"\p{Alpha}", r"\p{Lower}", r"\p{IsLatin}", r"\P{javaLowerCase}"),
        *("[a-z&&[^b]]", "[a--b]", "[a~~b]", "[[:alpha:]]", "[]a]", "[^]a]", "[", "(", "a)"),
    ],
)
def test_pattern_that_would_mean_another_thing_is_refused(java: str) -> None:
    with pytest.raises((ValueError, pl.exceptions.ComputeError)):
        pl.select(pl.lit("").str.contains(rust_pattern(java)))
