"""What has gone silent or wrong, and telling people of it."""
