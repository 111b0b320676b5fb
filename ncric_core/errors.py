"""The exceptions that callers may catch: each message says what happened, to what, and what to do."""


class NcricError(Exception):
    """An expected failure. The command line prints it as one line and exits with status 1.

    `passing`: it may be gone in a while without anyone doing anything, so that a job is worth another try.
    """

    def __init__(self, message: str, *, passing: bool = False) -> None:
        super().__init__(message)
        self.passing = passing


class SettingsError(NcricError):
    """A setting or an argument has a value that cannot be used."""


class SourceError(NcricError):
    """The object store (bucket or folder) cannot be read."""


class StoreError(NcricError):
    """The database cannot be reached, or refuses what is asked of it."""


class FlightError(NcricError):
    """A flight or edm.yaml is wrong. The message has one line for each fault: file, place, what is wrong."""


class AgencyError(NcricError):
    """An agency, or a name to be mapped to one, is not known."""


class ServiceError(NcricError):
    """A service that the jobs run on (Prefect, a child of `ncric up`) is missing, or does not start."""
