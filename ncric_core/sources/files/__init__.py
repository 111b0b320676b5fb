"""BOSS4 and SCSO: files in a folder or an S3 bucket → batches of clean reads."""
