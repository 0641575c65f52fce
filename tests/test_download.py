"""Downloads from a local server that misbehaves in every known way."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch
from processes import full_disk
from tiny_data import TinyData

from helpers import data


class Handler(BaseHTTPRequestHandler):
    """Serve `/<behaviour>/<archive>`; see the methods for behaviours."""

    def do_GET(self):
        _, behaviour, archive = self.path.split("/")
        self.server.requests.append(self.path)
        getattr(self, behaviour)(archive)

    def send(self, content, sent):
        """Announce the content, and send so many bytes of it."""
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[:sent])
        self.wfile.flush()

    def good(self, archive):
        content = self.server.tiny.archives[archive]
        self.send(content, len(content))

    def moved(self, archive):
        self.send_response(302)
        self.send_header("Location", f"/good/{archive}")
        self.end_headers()

    def forbidden(self, archive):
        self.send_error(403)

    def missing(self, archive):
        self.send_error(404)

    def without_third(self, archive):
        if archive.startswith(data.TEST_IMAGES):
            self.send_error(404)
        else:
            self.good(archive)

    def wrong(self, archive):
        content = TinyData(seed=1).archives[archive]
        self.send(content, len(content))

    def half(self, archive):
        content = self.server.tiny.archives[archive]
        self.send(content, len(content) // 2)

    def cut(self, archive):
        self.half(archive)
        self.close_connection = True

    def stall(self, archive):
        """Fall silent in the middle of the first file."""
        if not archive.startswith(data.TRAIN_IMAGES):
            self.good(archive)
            return
        self.half(archive)
        self.server.closing.wait(30)

    def hang(self, archive):
        """Never answer for the first file."""
        if not archive.startswith(data.TRAIN_IMAGES):
            self.good(archive)
            return
        self.server.closing.wait(30)

    def drop(self, archive):
        self.close_connection = True

    def babble(self, archive):
        self.wfile.write(b"this is not HTTP\r\n\r\n")

    def interrupt(self, archive):
        """Press Ctrl-C when half of the third file is there."""
        if not archive.startswith(data.TEST_IMAGES):
            self.good(archive)
            return
        # torchvision asks twice: where the file is, then for the file.
        # Count before the answer, or both threads may see two requests.
        second = self.server.requests.count(self.path) == 2
        self.half(archive)
        if second:
            time.sleep(0.5)
            self.server.seen = sorted(self.server.root.rglob("*"))
            main = threading.main_thread().ident
            signal.pthread_kill(main, signal.SIGINT)
            self.server.closing.wait(30)

    def together(self, archive):
        """Answer only when another process asks for a file as well."""
        self.server.barrier.wait(60)
        self.good(archive)

    def log_message(self, *args):
        """Print nothing."""


@pytest.fixture
def server(monkeypatch, tmp_path):
    """Serve tiny data in MNIST's place; BOOK_DATA is an empty folder."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.tiny = TinyData()
    server.requests = []
    server.closing = threading.Event()
    server.barrier = threading.Barrier(2)
    server.host = f"127.0.0.1:{server.server_port}"
    server.root = tmp_path / "root"
    server.root.mkdir()
    for proxy in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(proxy, raising=False)
        monkeypatch.delenv(proxy.upper(), raising=False)
    monkeypatch.setenv("BOOK_DATA", str(server.root))
    monkeypatch.setattr(data, "TIMEOUT", 0.5)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield server
    server.closing.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def refusing_host():
    """Return a host and port where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{probe.getsockname()[1]}"


def use_mirrors(server, monkeypatch, *behaviours):
    mirrors = [
        behaviour
        if behaviour.startswith("http")
        else f"http://{server.host}/{behaviour}/"
        for behaviour in behaviours
    ]
    server.tiny.stand_in("mnist", mirrors, monkeypatch.setattr)


def files_under(root):
    return sorted(path for path in root.rglob("*") if path.is_file())


def assert_complete(server):
    raw = server.root / "MNIST" / "raw"
    assert files_under(server.root) == sorted(
        raw / file for file in server.tiny.files
    )
    for file, content in server.tiny.files.items():
        assert (raw / file).read_bytes() == content
    assert os.listdir(server.root) == ["MNIST"]
    assert os.listdir(server.root / "MNIST") == ["raw"]


def test_download(server, monkeypatch, capfd):
    use_mirrors(server, monkeypatch, "good")
    images = data.load("mnist")
    assert torch.equal(images.train_images, server.tiny.train[0])
    assert torch.equal(images.test_labels, server.tiny.test[1])
    assert_complete(server)
    out, err = capfd.readouterr()
    assert err == ""
    raw = server.root / "MNIST" / "raw"
    assert out == f"Downloading mnist to {raw}\n"


def test_second_load_asks_nobody(server, monkeypatch, capfd):
    use_mirrors(server, monkeypatch, "good")
    first = data.load("mnist")
    assert server.requests
    server.requests.clear()
    capfd.readouterr()
    second = data.load("mnist")
    assert server.requests == []
    assert capfd.readouterr() == ("", "")
    assert torch.equal(first.train_images, second.train_images)


def test_only_missing_files_are_downloaded(server, monkeypatch):
    use_mirrors(server, monkeypatch, "good")
    data.load("mnist")
    server.requests.clear()
    raw = server.root / "MNIST" / "raw"
    (raw / data.TEST_LABELS).unlink()
    kept = (raw / data.TRAIN_IMAGES).stat()
    data.load("mnist")
    assert_complete(server)
    assert set(server.requests) == {f"/good/{data.TEST_LABELS}.gz"}
    assert (raw / data.TRAIN_IMAGES).stat().st_mtime_ns == kept.st_mtime_ns


def test_the_folder_is_made(server, monkeypatch):
    server.root = server.root / "new" / "folder"
    monkeypatch.setenv("BOOK_DATA", str(server.root))
    use_mirrors(server, monkeypatch, "good")
    data.load("mnist")
    assert_complete(server)


def test_redirection_is_followed(server, monkeypatch):
    use_mirrors(server, monkeypatch, "moved")
    data.load("mnist")
    assert_complete(server)


# What the message says for each behaviour of a host
REASONS = {
    "forbidden": "403",
    "missing": "404",
    "cut": "corrupted",
    "wrong": "corrupted",
    "stall": "timed out",
    "hang": "timed out",
    "drop": "closed connection",
    "babble": "not HTTP",
}


@pytest.mark.parametrize("behaviour", REASONS)
def test_next_mirror_helps(server, monkeypatch, behaviour):
    use_mirrors(server, monkeypatch, behaviour, "good")
    images = data.load("mnist")
    assert torch.equal(images.train_images, server.tiny.train[0])
    assert_complete(server)
    asked = {request.split("/")[1] for request in server.requests}
    assert asked == {behaviour, "good"}


@pytest.mark.parametrize("behaviour", REASONS)
def test_no_mirror_helps(server, monkeypatch, capfd, behaviour):
    use_mirrors(server, monkeypatch, behaviour)
    started = time.monotonic()
    stdout, stderr = sys.stdout, sys.stderr
    with pytest.raises(data.DataError) as caught:
        data.load("mnist")
    assert time.monotonic() - started < 5
    message = str(caught.value)
    assert f"{server.host} ({data.TRAIN_IMAGES}.gz)" in message
    assert REASONS[behaviour] in message
    assert str(server.root / "MNIST" / "raw") in message
    for file in server.tiny.files:
        assert file in message
    assert "BOOK_DATA" in message
    assert "connect to the internet and run again" in message
    assert 'load("digits") needs no network' in message
    assert list(server.root.iterdir()) == []
    # nothing is changed for the code that runs next
    assert socket.getdefaulttimeout() is None
    assert (sys.stdout, sys.stderr) == (stdout, stderr)
    out, err = capfd.readouterr()
    assert out.count("\n") <= 1
    assert err == ""


def test_nobody_listens(server, monkeypatch, refusing_host):
    mirror = f"http://{refusing_host}/"
    use_mirrors(server, monkeypatch, mirror)
    with pytest.raises(data.DataError, match="refused") as caught:
        data.load("mnist")
    assert refusing_host in str(caught.value)
    assert list(server.root.iterdir()) == []
    use_mirrors(server, monkeypatch, mirror, "good")
    data.load("mnist")
    assert_complete(server)


def test_message_names_every_host(server, monkeypatch, refusing_host):
    use_mirrors(server, monkeypatch, "missing", f"http://{refusing_host}/")
    with pytest.raises(data.DataError) as caught:
        data.load("mnist")
    message = str(caught.value)
    assert re.search(rf"{server.host} .*404", message)
    assert re.search(rf"{refusing_host} .*refused", message)


def test_fewer_than_all_files_are_none(server, monkeypatch):
    use_mirrors(server, monkeypatch, "without_third")
    with pytest.raises(data.DataError) as caught:
        data.load("mnist")
    assert f"({data.TEST_IMAGES}.gz)" in str(caught.value)
    assert list(server.root.iterdir()) == []
    use_mirrors(server, monkeypatch, "without_third", "good")
    data.load("mnist")
    assert_complete(server)


def test_archive_of_another_file_is_refused(server, monkeypatch):
    # the archives have the MD5 that torchvision asks for, but what is in
    # them is not what this book was written with
    use_mirrors(server, monkeypatch, "good")
    source = data.SOURCES["mnist"]
    source.sha256[data.TRAIN_LABELS] = "0" * 64
    with pytest.raises(data.DataError, match=f"SHA-256.*{'0' * 64}"):
        data.load("mnist")
    assert list(server.root.iterdir()) == []


@pytest.mark.usefixtures("heed_interrupts")
def test_interrupted_download_leaves_nothing(server, monkeypatch):
    monkeypatch.setattr(data, "TIMEOUT", 20)
    use_mirrors(server, monkeypatch, "interrupt")
    with pytest.raises(KeyboardInterrupt):
        data.load("mnist")
    half_done = {path.name for path in server.seen}
    assert {data.TRAIN_IMAGES, f"{data.TEST_IMAGES}.gz"} <= half_done
    assert list(server.root.iterdir()) == []
    assert socket.getdefaulttimeout() is None


CHILD = """
import sys
from helpers import data
from tiny_data import TinyData

TinyData().stand_in("mnist", [sys.argv[1]], setattr)
print(data.load("mnist").train_images.sum().item())
"""


def test_two_processes_at_once(server):
    tests = str(Path(__file__).parent)
    command = [sys.executable, "-c", CHILD]
    command.append(f"http://{server.host}/together/")
    environment = {**os.environ, "PYTHONPATH": tests}
    children = [
        subprocess.Popen(
            command,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    for child in children:
        out, err = child.communicate(timeout=120)
        assert err == ""
        assert out.split()[-1] == str(server.tiny.train[0].sum().item())
        assert child.returncode == 0
    assert_complete(server)


@pytest.mark.parametrize("below", ["file", "file/deeper", "file/a/b"])
def test_folder_that_cannot_be_made(server, monkeypatch, below):
    (server.root / "file").write_text("not a folder")
    monkeypatch.setenv("BOOK_DATA", str(server.root / below))
    use_mirrors(server, monkeypatch, "good")
    with pytest.raises(data.DataError) as caught:
        data.load("mnist")
    message = str(caught.value)
    assert str(server.root / below) in message
    assert data.TRAIN_IMAGES in message
    assert "BOOK_DATA" in message
    assert server.requests == []
    assert os.listdir(server.root) == ["file"]


@pytest.mark.parametrize("step", ["tempfile.mkdtemp", "os.replace"])
def test_folder_that_cannot_be_written(server, monkeypatch, step):
    """Permissions do not bind a superuser, so the system call refuses."""

    def refuse(*args, **kwargs):
        raise PermissionError(13, "Permission denied")

    use_mirrors(server, monkeypatch, "good")
    monkeypatch.setattr(step, refuse)
    with pytest.raises(data.DataError) as caught:
        data.load("mnist")
    message = str(caught.value)
    assert str(server.root / "MNIST" / "raw") in message
    assert "Permission denied" in message
    assert "BOOK_DATA" in message
    assert [p for p in server.root.rglob("*") if p.is_file()] == []


def test_file_in_the_place_of_a_folder(server, monkeypatch):
    (server.root / "MNIST").write_text("not a folder")
    use_mirrors(server, monkeypatch, "good")
    with pytest.raises(data.DataError) as caught:
        data.load("mnist")
    assert str(server.root / "MNIST") in str(caught.value)
    assert "BOOK_DATA" in str(caught.value)
    assert os.listdir(server.root) == ["MNIST"]


@pytest.mark.parametrize("room", [0, 10, 150])
def test_full_disk(server, monkeypatch, room):
    use_mirrors(server, monkeypatch, "good")
    with full_disk(room), pytest.raises(data.DataError) as caught:
        data.load("mnist")
    assert "File too large" in str(caught.value)
    assert "BOOK_DATA" in str(caught.value)
    assert [p for p in server.root.rglob("*") if p.is_file()] == []
    data.load("mnist")  # there is room again
