"""The command that the wheel carries, and with it the web app."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import sysconfig
import urllib.request
from pathlib import Path

import linprobe

COMMAND = str(Path(sysconfig.get_path("scripts")) / "linprobe")


def test_the_command_works_and_tells_its_exit_code(tmp_path):
    version = subprocess.run([COMMAND, "--version"], capture_output=True, text=True, check=True)
    assert version.stdout.strip() == f"linprobe {linprobe.__version__}"
    project = linprobe.Project(tmp_path / "project")
    project.index(["a cat", "a dog"], progress=False)
    arguments = ["--project", str(project.path), "--json", "search", "cats", "-k", "1"]
    found = subprocess.run([COMMAND, *arguments], capture_output=True, text=True, check=True)
    assert json.loads(found.stdout)["text"] == "a cat"
    module = subprocess.run([sys.executable, "-m", "linprobe", "nonsense"], capture_output=True, text=True, check=False)
    assert module.returncode == 2 and "unrecognized subcommand" in module.stderr
    failed = subprocess.run([COMMAND, "--project", str(tmp_path), "inspect"], capture_output=True, text=True, check=False)
    assert failed.returncode == 1 and "is not a linprobe project" in failed.stderr


def test_the_web_app_is_served_until_ctrl_c(tmp_path):
    project = linprobe.Project(tmp_path / "project")
    project.index(["a cat", "a dog"], progress=False)
    command = [COMMAND, "--project", str(project.path), "--json", "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["url"]
        with urllib.request.urlopen(url) as page:
            assert b"<!doctype html" in page.read().lower()
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
