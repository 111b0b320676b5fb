"""`ncric bench --console`: measures what people wait for in the console."""
