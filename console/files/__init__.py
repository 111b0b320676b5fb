"""The page of files, rejects and alarms."""
