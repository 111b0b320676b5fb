"""The words of the books, one enum a kind: why a row is no read. Each word has its meaning for people."""

from enum import StrEnum
from typing import Self


class Word(StrEnum):
    """A word that the books use; `meaning` says it in plain language, to go on after the word."""

    meaning: str

    def __new__(cls, word: str, meaning: str) -> Self:
        """A member from its word and its meaning."""
        member = str.__new__(cls, word)
        member._value_ = word
        member.meaning = meaning
        return member


class Reason(Word):
    """Why a row that arrived is no read."""

    NO_ID = "no_id", "the read has no id"
    TEMPLATE_ID = "template_id", "its id is the vendor's placeholder, never filled in"
    BAD_DATE = "bad_date", "its time is no time"
    FUTURE = "future", "it was seen more than a day after the end of its file's window"
    TOO_OLD = "too_old", "it was seen too long before its file arrived (NCRIC_KEEP_DAYS)"
    TOO_LONG = "too_long", "a value is longer than the store takes"
    NOT_TEXT = "not_text", "an object or a list stands where text is due"
    NOT_JSON = "not_json", "the file is no JSON there"
    NOT_OBJECT = "not_object", "a row is no object"
    CUT_OFF = "cut_off", "the file ends within the row"
