"""`python -m spacy window-ner serve`."""

import builtins
import json
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection

import pytest
from typer.testing import CliRunner

from spacy_window_ner.cli import app


def run(*args: object) -> tuple[int, str]:
    outcome = CliRunner().invoke(app, ["serve", *map(str, args)])
    return outcome.exit_code, " ".join(outcome.output.split())


def test_without_fastapi_the_error_says_what_to_do(monkeypatch, model):
    real = builtins.__import__

    def missing(name, *args, **settings):
        if name in ("fastapi", "uvicorn"):
            raise ImportError(f"No module named {name!r}")
        return real(name, *args, **settings)

    monkeypatch.setattr(builtins, "__import__", missing)
    code, printed = run(model)
    assert code == 1
    assert "pip install 'spacy-window-ner[serve]'" in printed


@pytest.mark.extra
def test_bad_input(model, tmp_path):
    pytest.importorskip("fastapi", reason="fastapi is not installed")
    pytest.importorskip("uvicorn", reason="uvicorn is not installed")
    for args, said in [
        (("--max-length", 2_000_000), "reads no more than 1,000,000 characters"),
        (("--name", "ner"), "no window_ner named 'ner'"),
    ]:
        code, printed = run(model, *args)
        assert code == 1
        assert said in printed
    assert run(model, "--queue", 0)[0] == 2


def ask_much(port: int) -> int:
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    body = json.dumps({"text": ["Paris Hilton met Samuel in Paris. " * 290] * 100})
    connection.request("POST", "/entities", body, {"Content-Type": "application/json"})
    return connection.getresponse().status


def waiting(port: int) -> int:
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", "/healthz")
    return json.load(connection.getresponse())["waiting"]


@pytest.mark.extra
@pytest.mark.skipif(os.name == "nt", reason="signals are those of POSIX")
def test_it_serves_until_it_is_told_to_stop(model):
    pytest.importorskip("fastapi", reason="fastapi is not installed")
    pytest.importorskip("uvicorn", reason="uvicorn is not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    code = "from spacy_window_ner.cli import app; app()"
    command = [sys.executable, "-c", code, "serve", str(model), "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    try:
        status = None
        for _ in range(300):
            connection = HTTPConnection("127.0.0.1", port, timeout=20)
            try:
                connection.request("GET", "/healthz")
                status = connection.getresponse().status
                break
            except OSError:
                assert process.poll() is None, process.stdout.read()
                time.sleep(0.2)
            finally:
                connection.close()
        assert status == 200
        # What is at work when the signal comes is finished.
        with ThreadPoolExecutor() as threads:
            asked = threads.submit(ask_much, port)
            while not asked.done() and not waiting(port):
                time.sleep(0.01)
            process.send_signal(signal.SIGTERM)
            assert asked.result(60) == 200
        printed = process.communicate(timeout=60)[0].decode()
        # uvicorn stops in good order, then gives itself the signal again.
        assert process.returncode in (0, -signal.SIGTERM), printed
        assert "Traceback" not in printed
    finally:
        process.kill()
        process.wait()
