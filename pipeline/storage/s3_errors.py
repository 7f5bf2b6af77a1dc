# SPDX-License-Identifier: AGPL-3.0-or-later
"""What S3's client raises, in our words: away, vanished, changed, not allowed, wrong."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from pipeline.core.errors import ChangedError, ConfigError, UnreadableError, VanishedError
from pipeline.storage.patience import AwayError

# Amazon's "Error responses", and 408, 429 and 5xx besides, as the SDKs repeat them.
_LATER = frozenset(
    {"RequestTimeout", "RequestTimeoutException", "SlowDown", "Throttling", "InternalError"}
    | {"ThrottlingException", "ServiceUnavailable", "TooManyRequests", "BadDigest"}
    | {"OperationAborted", "ConditionalRequestConflict", "NoSuchUpload", "IncompleteBody"}
)


@contextmanager
def translated(url: str) -> Iterator[None]:
    """Raise what S3Store promises instead of what botocore, aiohttp and fsspec raise."""
    import aiohttp
    from botocore import exceptions
    from fsspec.exceptions import FSTimeoutError

    away = (
        exceptions.ConnectionError,
        exceptions.HTTPClientError,
        exceptions.IncompleteReadError,
        aiohttp.ClientError,
        asyncio.TimeoutError,
        TimeoutError,
        FSTimeoutError,
        ConnectionError,
    )
    try:
        yield
    except exceptions.ClientError as error:
        raise _answered(error, url) from error
    except away as error:
        # The text of some names the whole request, which nobody needs.
        raise AwayError(f"{url}: {type(error).__name__}") from error
    except (exceptions.NoCredentialsError, exceptions.PartialCredentialsError) as error:
        raise ConfigError(f"{url}: {error}; see [storage] of the configuration") from error
    except exceptions.ParamValidationError as error:
        # A name that the API cannot take, e.g. one of more than 1,024 bytes.
        raise UnreadableError(f"S3 cannot be asked for it: {str(error)[:300]}") from error


def _answered(error: Exception, url: str) -> Exception:
    response = getattr(error, "response", {})
    code = str(response.get("Error", {}).get("Code", ""))
    status = int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    if code in _LATER or status in (408, 429) or status >= 500:
        return AwayError(f"{url}: {code} ({status})")
    if code == "NoSuchBucket":
        return ConfigError(f"{url}: there is no such bucket")
    if status == 404:
        return VanishedError("there is no such object")
    if status in (412, 416):
        return ChangedError("the object is not the one that was found")
    return UnreadableError(f"S3 answers {code or 'an error'} ({status})")
