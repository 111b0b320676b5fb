"""The object store: an S3 bucket or a folder, with the same methods."""

from pathlib import Path

from ncric_core.errors import SourceError
from ncric_core.settings import Settings
from ncric_core.sources.files.folder import Folder
from ncric_core.sources.files.s3 import S3Bucket, clients
from ncric_core.sources.files.stored import Bucket


def open_bucket(settings: Settings) -> Bucket:
    """Opens the bucket of the settings. Raises SourceError if it is missing, or if S3 refuses access."""
    if settings.bucket.startswith("s3://"):
        name = settings.bucket.removeprefix("s3://").strip("/")
        hasty, patient = clients(settings, attempts=(2, 6))  # few attempts: a wrong setting is reported soon
        S3Bucket(name, hasty).check()
        return S3Bucket(name, patient)
    folder = Path(settings.bucket).expanduser()
    if not folder.is_dir():
        raise SourceError(
            f"the bucket {folder} is no folder: create it, or set NCRIC_BUCKET to a folder or s3://bucket"
        )
    return Folder(folder)
