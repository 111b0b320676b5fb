"""The page "Files and rejects", with the tab "Alarms"."""
