"""Objects in a bucket of S3, or of any service that speaks its protocol."""

from __future__ import annotations

import contextlib
import pathlib
import sys
import threading
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

from ..core.errors import C8sError, Denied, InvalidInput, NotFound, Unavailable
from .objects import READ_SIZE, Access, StoredObject
from .s3_settings import S3Settings

CONNECT_SECONDS = 10
READ_SECONDS = 60
PART_SIZE = 8 * 1024 * 1024
_CONNECTIONS = 40
_ABSENT = frozenset(["NoSuchKey", "404", "NotFound"])
_DENIED = frozenset(
    "403 AccessDenied AllAccessDisabled ExpiredToken Forbidden InvalidAccessKeyId InvalidToken"
    " RequestTimeTooSkewed SignatureDoesNotMatch TokenRefreshRequired".split()
)
_ELSEWHERE = frozenset(
    "301 AuthorizationHeaderMalformed IllegalLocationConstraintException PermanentRedirect".split()
)
_PASSING = frozenset(
    "InternalError RequestTimeout RequestTimeoutException ServiceUnavailable SlowDown Throttling"
    " ThrottlingException TooManyRequestsException".split()
)


class S3Objects:
    """See `objects.Objects`. boto3 is imported by the first call that needs it."""

    def __init__(self, settings: S3Settings) -> None:
        self._settings = settings
        self._bucket = settings.bucket
        self._guard = threading.Lock()
        self._made: Any = None
        self.authorities = pathlib.Path(settings.ca_cert).read_text() if settings.ca_cert else ""

    def __str__(self) -> str:
        return str(self._settings)

    def check(self) -> None:
        with self._explained("looked into"):
            self._client.list_objects_v2(
                Bucket=self._bucket, Prefix=self._settings.prefix, MaxKeys=1
            )

    def url(self, key: str) -> str:
        return f"s3://{self._bucket}/{self._settings.prefix}{key}"

    def key(self, url: str) -> str | None:
        root = self.url("")
        return url.removeprefix(root) if url.startswith(root) else None

    def put(self, key: str, content: bytes) -> None:
        with self._explained("written", key):
            self._client.put_object(Body=content, **self._named(key))

    def put_file(self, key: str, file: BinaryIO) -> None:
        with self._explained("written", key):
            from boto3.s3.transfer import TransferConfig

            file.seek(0)
            self._client.upload_fileobj(
                file,
                self._bucket,
                self._settings.prefix + key,
                Config=TransferConfig(
                    multipart_threshold=PART_SIZE, multipart_chunksize=PART_SIZE, use_threads=False
                ),
            )

    def get(self, key: str) -> bytes:
        return b"".join(self.read(key))

    def read(self, key: str, start: int = 0) -> Iterator[bytes]:
        with self._explained("read", key):
            wanted = {"Range": f"bytes={start}-"} if start else {}
            try:
                answer = self._client.get_object(**self._named(key), **wanted)
            except self._client.exceptions.ClientError as error:
                if _code(error) in ("InvalidRange", "416"):
                    return
                raise
            with contextlib.closing(answer["Body"]) as body:
                while content := body.read(READ_SIZE):
                    yield content

    def size(self, key: str) -> int | None:
        try:
            with self._explained("looked for", key):
                return int(self._client.head_object(**self._named(key))["ContentLength"])
        except NotFound:
            return None

    def listing(self, prefix: str) -> Iterator[StoredObject]:
        with self._explained("listed", prefix):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=self._settings.prefix + prefix
            )
            for page in pages:
                for found in page.get("Contents", ()):
                    key = found["Key"].removeprefix(self._settings.prefix)
                    yield StoredObject(key, int(found["Size"]))

    def delete(self, keys: Iterable[str]) -> None:
        # One by one: for many at once some services want what others do not know.
        for key in keys:
            with self._explained("deleted", key):
                try:
                    self._client.delete_object(**self._named(key))
                except self._client.exceptions.ClientError as error:
                    if _code(error) not in _ABSENT:
                        raise

    def signed(self, access: Access, key: str, seconds: int) -> str | None:
        with self._explained("signed for", key):
            address: str = self._client.generate_presigned_url(
                "get_object" if access == "GET" else "put_object",
                Params=self._named(key),
                ExpiresIn=seconds,
            )
        return address

    # --- the client ----------------------------------------------------------------------------

    def _named(self, key: str) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": self._settings.prefix + key}

    @property
    def _client(self) -> Any:
        with self._guard:
            if self._made is None:
                self._made = self._make_client()
            return self._made

    def _make_client(self) -> Any:
        import boto3
        from botocore.config import Config

        settings = self._settings
        addressing = settings.addressing
        if addressing == "auto" and settings.endpoint:
            addressing = "path"  # What every service of others than Amazon understands.
        session = boto3.session.Session()
        region = settings.region or session.region_name or "us-east-1"
        return session.client(
            "s3",
            endpoint_url=settings.endpoint or None,
            region_name=region,
            verify=settings.ca_cert or None,
            config=Config(
                signature_version="s3v4",
                s3={"addressing_style": addressing},
                connect_timeout=CONNECT_SECONDS,
                read_timeout=READ_SECONDS,
                max_pool_connections=_CONNECTIONS,
                retries={"mode": "standard", "total_max_attempts": 3},
                # Checksums in trailers are more than many other services know.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )

    @contextlib.contextmanager
    def _explained(self, doing: str, key: str = "") -> Iterator[None]:
        """Turn what boto3 says into an error that names the place and what to do."""
        try:
            yield
        except ImportError as error:
            raise Unavailable(
                f"the Python library boto3, which reaches {self}, is missing for {sys.executable};"
                f" install it there: python -m pip install 'boto3>=1.36' ({error.name})"
            ) from error
        except C8sError:
            raise
        except Exception as error:
            translated = self._error(error, f"{self.url(key)} cannot be {doing}")
            if translated is None:
                raise
            raise translated from error

    def _error(self, error: Exception, what: str) -> C8sError | None:
        from botocore import exceptions

        if isinstance(error, exceptions.ClientError):
            return self._refusal(error, what)
        without_credentials = (
            exceptions.NoCredentialsError,
            exceptions.PartialCredentialsError,
            exceptions.CredentialRetrievalError,
            exceptions.ProfileNotFound,
        )
        if isinstance(error, without_credentials):
            return Denied(
                f"{what}: {error}; credentials are taken from the environment of this process"
                " (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or a role)"
            )
        if isinstance(error, exceptions.SSLError):
            return Unavailable(
                f"{what}: the certificate of {self._settings.endpoint or 'the service'} is not"
                " trusted; name its authority by object_store_ca_cert"
            )
        passing = (
            exceptions.ConnectionError,
            exceptions.HTTPClientError,
            exceptions.IncompleteReadError,
            OSError,
        )
        if isinstance(error, passing):
            return Unavailable(f"{what}: {_brief(error)}")
        if isinstance(error, exceptions.BotoCoreError | ValueError):
            return InvalidInput(f"{what}: {_brief(error)}")
        return None

    def _refusal(self, error: Any, what: str) -> C8sError:
        """What the service itself answered."""
        code = _code(error)
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        if code == "NoSuchBucket":
            return NotFound(f"there is no bucket {self._bucket!r} in {self}; create it first")
        if code in _ABSENT:
            return NotFound(f"{what}: it does not exist")
        if code in _DENIED or status == 401:
            return Denied(f"{what}: the service answered {code}; check the credentials' rights")
        if code in _ELSEWHERE:
            return InvalidInput(f"{what}: the bucket is in another region; set object_store_region")
        if code in _PASSING or status in (408, 429) or status >= 500:
            return Unavailable(f"{what}: the service answered {code}")
        said = error.response.get("Error", {}).get("Message", "")
        return InvalidInput(f"{what}: the service answered {code} {said}".rstrip())


def _code(error: Any) -> str:
    return str(error.response.get("Error", {}).get("Code", "?"))


def _brief(error: Exception) -> str:
    """What an error says, less the query of an address in it."""
    return str(error).split("?", 1)[0].splitlines()[0][:300]
