# SPDX-License-Identifier: AGPL-3.0-or-later
"""S3, by the client that s3fs holds.

The client itself is asked, not s3fs's paths: those take a key's `?versionId=` and trailing
`/` for something else, and list all of a bucket into memory. What is used is in Amazon's
"S3 API Reference": ListObjectsV2, HeadObject, GetObject with If-Match, PutObject and
UploadPart with checksums, CopyObject with x-amz-copy-source-if-match, DeleteObject.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

from pipeline.config.storage import Storage
from pipeline.core.errors import ChangedError, from_os_error
from pipeline.storage.patience import Patience
from pipeline.storage.place import Address
from pipeline.storage.s3_errors import translated
from pipeline.storage.store import BLOCK, Found

_PAGE = 1000  # the API's own maximum
_PARTS = 10_000  # of one upload, likewise
_COPY = 1024**3  # CopyObject takes at most 5 GiB, and answers only when all is copied


class S3Store:
    """See `Store`."""

    def __init__(self, address: Address, settings: Storage, options: dict[str, Any]) -> None:
        from s3fs import S3FileSystem

        self._address = address
        self._seconds = settings.request_seconds
        self._checksums = settings.checksums
        config = {
            "connect_timeout": min(10.0, self._seconds),
            "read_timeout": self._seconds,
            # `Patience` asks again, and tells of it.
            "retries": {"max_attempts": 0},
            **options.pop("config_kwargs", {}),
        }
        self._fs = S3FileSystem(
            config_kwargs=config, use_listings_cache=False, skip_instance_cache=True, **options
        )

    def _ask(self, work: Callable[[Any], Awaitable[Any]], factor: int = 2) -> Any:
        """Run a coroutine on the client, bounded in time."""
        from fsspec.asyn import sync

        async def bounded() -> Any:
            return await work(await self._fs.set_session())

        with translated(self._address.url):
            return sync(self._fs.loop, bounded, timeout=factor * self._seconds)

    def _named(self, key: str) -> dict[str, str]:
        return {"Bucket": self._address.root, "Key": self._address.key(key)}

    def list(self, below: str, patience: Patience) -> Iterator[list[Found]]:
        """See `Store`; by the order of the keys' UTF-8."""
        start = self._address.key("")
        after = ""

        async def page(client: Any) -> Any:
            return await client.list_objects_v2(
                Bucket=self._address.root, Prefix=start + below, MaxKeys=_PAGE, StartAfter=after
            )

        while True:
            # By the last key instead of the server's token, which may die with the server.
            answer = patience(lambda: self._ask(page))
            found = answer.get("Contents", [])
            yield [self._found(one["Key"][len(start) :], one, one["Size"]) for one in found]
            if not answer.get("IsTruncated") or not found:
                return
            after = found[-1]["Key"]

    def _found(self, key: str, told: dict[str, Any], size: int) -> Found:
        tag = str(told["ETag"])
        # S3 knows whole seconds. What is below them tells two contents of one second apart.
        fraction = int(hashlib.sha256(tag.encode()).hexdigest(), 16) % 10**9
        seconds = int(told["LastModified"].timestamp())
        sha256 = str(told.get("ChecksumSHA256", ""))
        # Of an upload in parts (its ETag ends in -N) SHA-256 is always that of the parts'
        # checksums, also where a server does not say so.
        kind = told.get("ChecksumType", "FULL_OBJECT")
        whole = kind == "FULL_OBJECT" and "-" not in sha256 and "-" not in tag
        try:
            digest = base64.b64decode(sha256, validate=True).hex() if whole else ""
        except binascii.Error:
            digest = ""  # not a checksum as the API has it: as good as none
        return Found(key, int(size), seconds * 10**9 + fraction, tag, digest)

    def stat(self, key: str) -> Found:
        """See `Store`."""
        mode = {"ChecksumMode": "ENABLED"} if self._checksums else {}
        told = self._ask(lambda client: client.head_object(**self._named(key), **mode))
        return self._found(key, told, told["ContentLength"])

    def read(self, found: Found, start: int, size: int) -> bytes:
        """See `Store`."""

        async def part(client: Any) -> bytes:
            answer = await client.get_object(
                **self._named(found.key),
                IfMatch=found.tag,
                Range=f"bytes={start}-{start + size - 1}",
            )
            async with answer["Body"] as body:
                return bytes(await body.read())

        return bytes(self._ask(part))

    def write(self, local: Path, key: str, sha256: str) -> None:
        """See `Store`. The server compares each request's content with its checksum."""
        try:
            size = local.stat().st_size
            with local.open("rb") as stream:
                if size <= BLOCK:
                    self._put(stream.read(), key, sha256)
                else:
                    self._parts(stream, size, key, sha256)
        except OSError as error:
            raise from_os_error(error) from error

    def _put(self, content: bytes, key: str, sha256: str) -> None:
        if hashlib.sha256(content).hexdigest() != sha256:
            raise ChangedError("the file is not what was made")
        self._ask(
            lambda client: client.put_object(
                **self._named(key),
                Body=content,
                Metadata={"sha256": sha256},
                **self._checksum(content),
            )
        )

    def _checksum(self, content: bytes) -> dict[str, str]:
        if not self._checksums:
            return {}
        return {"ChecksumSHA256": base64.b64encode(hashlib.sha256(content).digest()).decode()}

    def _parts(self, stream: Any, size: int, key: str, sha256: str) -> None:
        length = max(BLOCK, -(-size // _PARTS))
        whole = hashlib.sha256()

        def send(client: Any, upload: str, number: int) -> Awaitable[Any] | None:
            content = stream.read(length)
            whole.update(content)
            if not content:
                return None
            sent: Awaitable[Any] = client.upload_part(
                **self._named(key),
                UploadId=upload,
                PartNumber=number,
                Body=content,
                **self._checksum(content),
            )
            return sent

        def right() -> None:
            if whole.hexdigest() != sha256:
                raise ChangedError("the file is not what was made")

        self._upload(key, {"Metadata": {"sha256": sha256}}, send, -(-size // length), right)

    def _upload(
        self,
        key: str,
        more: dict[str, Any],
        send: Callable[[Any, str, int], Awaitable[Any] | None],
        count: int,
        right: Callable[[], None],
    ) -> None:
        named = self._named(key)
        algorithm = {"ChecksumAlgorithm": "SHA256"} if self._checksums else {}

        async def upload(client: Any) -> None:
            began = await client.create_multipart_upload(**named, **algorithm, **more)
            where = {**named, "UploadId": began["UploadId"]}
            try:
                parts = []
                number = 1
                while (sent := send(client, began["UploadId"], number)) is not None:
                    told = await sent
                    told = told.get("CopyPartResult", told)
                    part = {"PartNumber": number, "ETag": told["ETag"]}
                    if self._checksums and told.get("ChecksumSHA256"):
                        part["ChecksumSHA256"] = told["ChecksumSHA256"]
                    parts.append(part)
                    number += 1
                right()
                await client.complete_multipart_upload(**where, MultipartUpload={"Parts": parts})
            except BaseException:
                # Parts of an upload that never ends are paid for, and seen by nobody.
                await client.abort_multipart_upload(**where)
                raise

        self._ask(upload, factor=count + 2)

    def copy(self, origin: Found, key: str) -> None:
        """See `Store`."""
        source = {"CopySource": self._named(origin.key), "CopySourceIfMatch": origin.tag}
        algorithm = {"ChecksumAlgorithm": "SHA256"} if self._checksums else {}
        if origin.size <= _COPY:
            self._ask(
                lambda client: client.copy_object(**self._named(key), **source, **algorithm), 5
            )
            return

        def send(client: Any, upload: str, number: int) -> Awaitable[Any] | None:
            start = (number - 1) * _COPY
            if start >= origin.size:
                return None
            end = min(start + _COPY, origin.size) - 1
            sent: Awaitable[Any] = client.upload_part_copy(
                **self._named(key), **source, UploadId=upload, PartNumber=number,
                CopySourceRange=f"bytes={start}-{end}",
            )  # fmt: skip
            return sent

        self._upload(key, {}, send, 5 * (origin.size // _COPY + 1), lambda: None)

    def delete(self, key: str) -> None:
        """See `Store`."""
        self._ask(lambda client: client.delete_object(**self._named(key)))
