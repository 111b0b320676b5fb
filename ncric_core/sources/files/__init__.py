"""BOSS4 and SCSO: files in a folder or an S3 bucket → raw reads."""
