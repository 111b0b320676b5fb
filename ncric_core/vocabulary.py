"""The words of the books, one enum a kind: why a row is no read, how a file stands. Each word has its meaning."""

from enum import StrEnum
from typing import Self


class Word(StrEnum):
    """A word that the books use; `meaning` says it in plain language, to go on after the word."""

    meaning: str

    def __new__(cls, word: str, meaning: str = "") -> Self:  # a default, as mypy takes Reason("no_id") for a call of it
        """Makes a member of a word and its meaning."""
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


class FileState(Word):
    """How a file stands, by the ledger and the bucket together.

    NEW and GONE say what the bucket has; the ledger alone decides the others (ncric_core.store.files).
    """

    NEW = "new", "not read yet"
    BEGUN = "begun", "a run stopped in the middle of it"
    FAILED = "failed", "rows of some agencies could not be loaded"
    WAITING = "waiting", "rows of some agencies are left to another job"
    DONE = "done", "each of its rows is loaded, was there already, or is a reject"
    REPLACED = "replaced", "in the bucket with other content now"
    GONE = "gone", "in the ledger, but no longer in the bucket"
