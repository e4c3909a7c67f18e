"""Bytes by key, with a lock per key: in memory, on disk, or in Redis for several workers and machines."""
