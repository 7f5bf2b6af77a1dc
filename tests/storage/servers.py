# SPDX-License-Identifier: AGPL-3.0-or-later
"""A real S3 server on loopback, and a wire to it that can be cut."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

KEYS = {"BUCKET_TEST_KEY": "test-key", "BUCKET_TEST_SECRET": "not-told-to-anybody"}


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class Server:
    """moto's HTTP server in a process of its own; it keeps objects in memory."""

    def __init__(self) -> None:
        self.port = free_port()
        self._child = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        end = time.monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/moto-api/", timeout=5)
                break
            except (urllib.error.URLError, OSError):
                if time.monotonic() > end:
                    raise
                time.sleep(0.2)

    def hang(self) -> None:
        """Take connections, and never answer."""
        os.kill(self._child.pid, signal.SIGSTOP)

    def go_on(self) -> None:
        os.kill(self._child.pid, signal.SIGCONT)

    def close(self) -> None:
        self.go_on()
        self._child.kill()
        self._child.wait()


class Wire:
    """Forwards a port to a server, until it is cut: then connections are refused and broken."""

    def __init__(self, port: int) -> None:
        self._to = port
        self.port = free_port()
        self._open: set[socket.socket] = set()
        self._listener: socket.socket | None = None
        self.mend()

    def mend(self) -> None:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(64)
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def cut(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)  # or the thread goes on accepting
            listener.close()
        for one in list(self._open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            if self._listener is not listener:
                near.close()
                return
            far = socket.create_connection(("127.0.0.1", self._to))
            self._open |= {near, far}
            for pair in ((near, far), (far, near)):
                threading.Thread(target=self._forward, args=pair, daemon=True).start()

    def _forward(self, here: socket.socket, there: socket.socket) -> None:
        with suppress(OSError):
            while content := here.recv(65536):
                there.sendall(content)
        for one in (here, there):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            self._open.discard(one)


@contextmanager
def served() -> Iterator[Server]:
    server = Server()
    try:
        yield server
    finally:
        server.close()


def options(port: int) -> dict[str, Any]:
    return {
        "endpoint_url": f"http://127.0.0.1:{port}",
        "key": "env:BUCKET_TEST_KEY",
        "secret": "env:BUCKET_TEST_SECRET",
        "client_kwargs": {"region_name": "eu-north-1"},
    }


def write_config(path: Path, port: int, **storage: float) -> Path:
    """Write a configuration, as an operator has it, for a server on that port."""
    lines = [
        "[storage]",
        *(f"{name} = {value}" for name, value in storage.items()),
        "[storage.options.s3]",
        f'endpoint_url = "http://127.0.0.1:{port}"',
        'key = "env:BUCKET_TEST_KEY"',
        'secret = "env:BUCKET_TEST_SECRET"',
        "[storage.options.s3.client_kwargs]",
        'region_name = "eu-north-1"',
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


class Bucket:
    """The server's side of a bucket, by boto's own client and past everything of ours."""

    def __init__(self, port: int, name: str, environment: Mapping[str, str] = KEYS) -> None:
        import botocore.session

        self.name = name
        self.client = botocore.session.get_session().create_client(
            "s3",
            region_name="eu-north-1",
            endpoint_url=f"http://127.0.0.1:{port}",
            aws_access_key_id=environment["BUCKET_TEST_KEY"],
            aws_secret_access_key=environment["BUCKET_TEST_SECRET"],
        )
        self.client.create_bucket(
            Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-north-1"}
        )

    def put(self, key: str, content: bytes) -> None:
        self.client.put_object(Bucket=self.name, Key=key, Body=content)

    def get(self, key: str) -> bytes:
        return bytes(self.client.get_object(Bucket=self.name, Key=key)["Body"].read())

    def delete(self, key: str) -> None:
        self.client.delete_object(Bucket=self.name, Key=key)

    def keys(self, prefix: str = "") -> list[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self.name, Prefix=prefix
        )
        return [one["Key"] for page in pages for one in page.get("Contents", [])]
