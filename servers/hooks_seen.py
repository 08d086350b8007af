"""Delivery ids that were accepted, kept on disk for as long as a replay of them could pass the clock."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

from ..spec.private import private_folder


class Full(Exception):
    """More deliveries than are kept came within the time: the sender has to try later."""


class Seen:
    """The ids of the last *seconds* seconds, at most *most*; after a restart they are still there."""

    def __init__(self, file: Path, *, seconds: float, most: int = 100_000) -> None:
        private_folder(file.parent)
        self._seconds, self._most, self._lock = seconds, most, threading.Lock()
        file.touch(mode=0o600)
        self._database = sqlite3.connect(file, timeout=30, check_same_thread=False, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("CREATE TABLE IF NOT EXISTS deliveries (id TEXT PRIMARY KEY, at REAL NOT NULL)")
        self._database.execute("CREATE INDEX IF NOT EXISTS deliveries_by_time ON deliveries (at)")

    def is_new(self, delivery: str, now: float) -> bool:
        """Remember *delivery*; False where it was accepted before. Raises Full."""
        with self._lock:
            self._database.execute("DELETE FROM deliveries WHERE at < ?", (now - self._seconds,))
            (kept,) = self._database.execute("SELECT count(*) FROM deliveries").fetchone()
            if kept >= self._most:
                raise Full
            try:
                self._database.execute("INSERT INTO deliveries VALUES (?, ?)", (delivery, now))
            except sqlite3.IntegrityError:
                return False
            return True

    def close(self) -> None:
        with self._lock:
            self._database.close()
