"""The pipeline as a plain library: knows no orchestrator and no web page."""

import os

# polars' allocator (jemalloc) would give memory back to the system at once, and ask for it again with the next file:
# 40,000 page faults in a run of 200,000 reads, and a twentieth of its time. It looks here when polars is imported.
os.environ.setdefault("_RJEM_MALLOC_CONF", "dirty_decay_ms:10000,muzzy_decay_ms:10000")
