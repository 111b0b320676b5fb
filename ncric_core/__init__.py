"""The pipeline as a plain library. Knows no orchestrator and no web page."""

import os

# By default polars' allocator (jemalloc) returns memory to the system at once and asks for it again for the next file.
# That costs 40,000 page faults in a run of 200,000 reads, a twentieth of its time. jemalloc reads this variable when
# polars is imported.
os.environ.setdefault("_RJEM_MALLOC_CONF", "dirty_decay_ms:10000,muzzy_decay_ms:10000")
