"""Long calls: Ctrl-C ends them and loses nothing, and other threads run meanwhile."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time

import linprobe

# Whoever runs the tests in the background may have Ctrl-C ignored.
INDEX = """
    import signal, sys, linprobe
    signal.signal(signal.SIGINT, signal.default_int_handler)
    project = linprobe.Project(sys.argv[1])
    texts = [f"note {i} about {i % 97} cats and {i % 89} dogs" * 20 for i in range(400_000)]
    def show(n_done, n_total, n_skipped):
        print(n_done, flush=True)
    try:
        project.index(texts, name="notes", progress=show)
    except KeyboardInterrupt:
        print("interrupted", project.n_records, flush=True)
"""


def test_ctrl_c_ends_an_index_run_and_what_was_written_stays(tmp_path):
    command = [sys.executable, "-c", textwrap.dedent(INDEX), str(tmp_path / "project")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip().isdigit()
        process.send_signal(signal.SIGINT)
        begun = time.monotonic()
        said = process.stdout.read().splitlines()[-1].split()
    assert process.returncode == 0 and said[0] == "interrupted"
    assert 0 < int(said[1]) < 400_000
    assert time.monotonic() - begun < 30
    assert linprobe.Project(tmp_path / "project", create=False).search("cats", k=1).ids


OPEN = """
    import signal, linprobe
    signal.signal(signal.SIGINT, signal.default_int_handler)
    print("ready", flush=True)
    try:
        linprobe.Encoder("some/model")
    except KeyboardInterrupt:
        print("interrupted", flush=True)
"""


def test_ctrl_c_ends_the_wait_for_a_hub_that_is_silent():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        endpoint = f"http://127.0.0.1:{silent.getsockname()[1]}"
        command = [sys.executable, "-c", textwrap.dedent(OPEN)]
        environment = {**os.environ, "HF_ENDPOINT": endpoint, "HF_HUB_OFFLINE": "0"}
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
            assert process.stdout is not None and process.stdout.readline() == "ready\n"
            silent.accept()
            process.send_signal(signal.SIGINT)
            begun = time.monotonic()
            assert process.stdout.read() == "interrupted\n"
        assert process.returncode == 0 and time.monotonic() - begun < 10


def test_other_threads_run_while_records_are_embedded(tmp_path):
    ticks = []
    ended = threading.Event()

    def tick() -> None:
        while not ended.wait(0.002):
            ticks.append(time.monotonic())

    thread = threading.Thread(target=tick)
    thread.start()
    begun = time.monotonic()
    linprobe.Encoder().embed(["many words " * 50] * 20_000)
    passed = time.monotonic() - begun
    ended.set()
    thread.join()
    assert len(ticks) > passed / 0.05


def test_what_a_callback_raises_ends_the_run(tmp_path):
    class Enough(Exception):
        pass

    def show(*reached: object) -> None:
        raise Enough

    project = linprobe.Project(tmp_path / "project")
    try:
        project.index([f"note {i}" for i in range(5000)], progress=show)
    except Enough:
        pass
    else:
        raise AssertionError("the run went on")
    assert project.index([f"note {i}" for i in range(5000)], progress=False).n_skipped == 0
    assert project.n_records == 5000
