"""The words of the books, with their meanings: reasons for which a row is rejected, and states of a file."""

from enum import StrEnum
from typing import Self


class Word(StrEnum):
    """A word that the books use. `meaning` explains it in plain language; it is shown after the word."""

    meaning: str

    def __new__(cls, word: str, meaning: str = "") -> Self:  # with a default, so that mypy accepts Reason("no_id")
        """Makes a member from a word and its meaning."""
        member = str.__new__(cls, word)
        member._value_ = word
        member.meaning = meaning
        return member


class Reason(Word):
    """The reason for which a row is a reject."""

    NO_ID = "no_id", "the read has no id"
    TEMPLATE_ID = "template_id", "its id is the vendor's placeholder, never filled in"
    BAD_DATE = "bad_date", "its date or time is missing, or cannot be read"
    FUTURE = "future", "it was seen more than a day after the end of its file's window"
    TOO_OLD = "too_old", "it was seen too long before its file arrived (NCRIC_KEEP_DAYS)"
    TOO_LONG = "too_long", "a value is longer than the store takes"
    NOT_TEXT = "not_text", "an object or a list stands where text is due"
    NOT_JSON = "not_json", "the file is no JSON there"
    NOT_OBJECT = "not_object", "a row is no object"
    CUT_OFF = "cut_off", "the file ends within the row"


class FileState(Word):
    """The state of a file.

    NEW: only the bucket has it. GONE: only the ledger has it. The ledger alone decides the others
    (ncric_core.store.files).
    """

    NEW = "new", "not read yet"
    BEGUN = "begun", "a run stopped in the middle of it, or could not read it"
    FAILED = "failed", "rows of some agencies could not be loaded"
    WAITING = "waiting", "rows of some agencies are left to another job"
    DONE = "done", "each of its rows is loaded, was there already, or is a reject"
    REPLACED = "replaced", "in the bucket with other content now"
    GONE = "gone", "in the ledger, but no longer in the bucket"
