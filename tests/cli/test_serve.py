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
import spacy
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
        (("--max-length", 2_000_000), "accepts at most 1,000,000 characters"),
        (("--name", "ner"), "no window_ner component named 'ner'"),
    ]:
        code, printed = run(model, *args)
        assert code == 1
        assert said in printed
    assert run(model, "--queue", 0)[0] == 2


@pytest.mark.extra
def test_the_backend_for_label_studio(model, tmp_path, monkeypatch):
    pytest.importorskip("httpx", reason="httpx is not installed")
    uvicorn = pytest.importorskip("uvicorn", reason="uvicorn is not installed")
    testclient = pytest.importorskip("fastapi.testclient", reason="fastapi is not installed")
    answers = []

    def ask_instead(web, **_):
        client = testclient.TestClient(web, base_url="http://box.example")
        answers.append(client.get("/health", auth=("me", "secret")).status_code)
        answers.append(client.get("/health").status_code)
        # Nobody else may have the directory.
        answers.append(run(model, "--label-studio", "--output", tmp_path / "out"))

    monkeypatch.setattr(uvicorn, "run", ask_instead)
    monkeypatch.setenv("WINDOW_NER_BASIC_AUTH", "me:secret")
    args = model, "--label-studio", "--output", tmp_path / "out", "--public-host", "box.example"
    code, printed = run(*args)
    assert code == 0, printed
    assert answers[:2] == [200, 401]
    assert answers[2][0] == 1
    assert "Another server is using it" in answers[2][1]


@pytest.mark.extra
def test_bad_settings_of_the_backend(model, tmp_path, monkeypatch):
    pytest.importorskip("fastapi", reason="fastapi is not installed")
    pytest.importorskip("uvicorn", reason="uvicorn is not installed")
    output = "--output", tmp_path / "out"
    tagger = tmp_path / "tagger"
    spacy.blank("en").to_disk(tagger)
    for args, said in [
        ((*output, "--basic-auth", "me"), "must be USER:PASSWORD"),
        ((*output, "--basic-auth", "me:pässword"), "with ASCII characters only"),
    ]:
        code, printed = run(model, "--label-studio", *args)
        assert code == 1
        assert said in printed
    code, printed = run(tagger, "--label-studio", *output)
    assert code == 1
    assert "no component named 'window_ner'" in printed
    monkeypatch.setenv("LABEL_STUDIO_URL", "http://localhost:8080")
    code, printed = run(model, "--label-studio", *output)
    assert code == 1
    assert "Set both LABEL_STUDIO_URL and LABEL_STUDIO_API_KEY" in printed


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
