-- Every quarter of an hour the files of the last day are asked for that gave no read.
CREATE INDEX source_files_read_at ON source_files (read_at);
