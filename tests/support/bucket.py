"""A server that speaks S3, on loopback, and a bucket of it."""

import contextlib
from collections.abc import Iterator, Mapping
from urllib.request import Request, urlopen

from moto.server import ThreadedMotoServer

NAME = "files-of-the-tests"


@contextlib.contextmanager
def running_s3() -> Iterator[Mapping[str, str]]:
    """The variables by which its clients find it."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        _, port = server.get_host_and_port()
        endpoint = f"http://127.0.0.1:{port}"
        urlopen(Request(f"{endpoint}/{NAME}", method="PUT")).close()
        yield {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": "tests",
            "AWS_SECRET_ACCESS_KEY": "tests",
            "AWS_REGION": "us-east-1",
        }
    finally:
        server.stop()
