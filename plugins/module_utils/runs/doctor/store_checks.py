"""Whether the object store is there that runs in a cluster keep logs, artifacts and caches in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...core.errors import C8sError, Denied, NotFound
from ...storage.s3 import S3Objects
from ...storage.s3_settings import s3_settings
from .checks import Check, failed_by, passed

NAME = "object store"


def store_checks(options: Mapping[str, Any], environment: Mapping[str, str]) -> Sequence[Check]:
    """What a look into the store says; nothing where none is named. Nothing is written there."""
    try:
        settings = s3_settings(options, environment)
        if settings is None:
            return ()
        S3Objects(settings).check()
    except Denied as error:
        return (failed_by(NAME, error, "give the rights that docs/kubernetes.md lists"),)
    except NotFound as error:
        return (failed_by(NAME, error, "create the bucket, or name another by object_store"),)
    except C8sError as error:
        return (failed_by(NAME, error),)
    return (passed(NAME, f"{settings} answers"),)
