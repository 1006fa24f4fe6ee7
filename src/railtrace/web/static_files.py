"""Static addresses that change with the content, without a collecting step."""

import hashlib
from functools import cache
from typing import Any

from django.conf import settings
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import StaticFilesStorage


def _version(name: str) -> str:
    found = finders.find(name)
    if not isinstance(found, str):
        return ""
    with open(found, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:10]


_remembered = cache(_version)


class VersionedStaticFiles(StaticFilesStorage):
    """Adds `?v=` and the content's hash, so that browsers may keep a file for a year."""

    def url(self, name: str | None, *args: Any, **kwargs: Any) -> str:
        """Return the versioned address of a static file."""
        plain = str(super().url(name, *args, **kwargs))
        version = (_version if settings.DEBUG else _remembered)(name or "")
        return f"{plain}?v={version}" if version else plain
