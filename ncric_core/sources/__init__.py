"""What arrives → frames of raw reads. Knows no database."""
