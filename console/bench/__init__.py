"""`ncric bench --console`: what people wait for in the console."""
