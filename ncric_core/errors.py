"""The exceptions that callers may catch. Each message says what happened, to what, and what to do."""

from ncric_core.urls import for_people


class NcricError(Exception):
    """An expected failure. The command line prints it as one line and exits with status 1.

    A URL in the message loses its password, wherever the message came from.
    `passing` means that the failure may go away by itself, so that a job should be tried again.
    """

    def __init__(self, message: str, *, passing: bool = False) -> None:
        super().__init__(for_people(message))
        self.passing = passing


class SettingsError(NcricError):
    """A setting or an argument has a value that cannot be used."""


class SourceError(NcricError):
    """A feed's source, such as the bucket or folder of its files, cannot be read."""


class StoreError(NcricError):
    """The database cannot be reached, or refuses a request."""


class FlightError(NcricError):
    """A flight or edm.yaml is wrong. The message has one line for each fault: file, place, what is wrong."""


class AgencyError(NcricError):
    """An agency, or a name to be mapped to one, is not known."""


class ServiceError(NcricError):
    """A service that the jobs need (Prefect, a child of `ncric up`) is missing, or does not start."""
