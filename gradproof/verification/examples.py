"""Where a nightly run keeps the inputs that failed, to try them first the next night: a folder by default, or a Redis
server that many runners share."""

import os
from pathlib import Path

from hypothesis.database import DirectoryBasedExampleDatabase, ExampleDatabase

URL = "GRADPROOF_EXAMPLES_URL"
"""The environment variable that names the server, redis://HOST:PORT/NUMBER."""

FOLDER = ".hypothesis"
"""Hypothesis's own folder, where it runs, unless its variable HYPOTHESIS_STORAGE_DIRECTORY names another."""


def database() -> ExampleDatabase:
    """The database that the environment asks for."""
    url = os.environ.get(URL)
    if not url:
        return DirectoryBasedExampleDatabase(Path(os.environ.get("HYPOTHESIS_STORAGE_DIRECTORY", FOLDER)) / "examples")
    # Only a run that shares a server needs its client.
    from hypothesis.extra.redis import RedisExampleDatabase
    from redis import Redis

    return RedisExampleDatabase(Redis.from_url(url))
