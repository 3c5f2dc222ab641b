"""Runs a server of Milvus, of the PyPI package `milvus`, for as long as its input is open.

Words of the command line are `name=value` of the server's configuration. Each line of the input is a command: `up` starts
the server and answers with its port once it is well, `crash` ends it at once and answers `down`.
"""

import os
import shutil
import signal
import socket
import sys
import tempfile
import time
import urllib.request

import milvus

# That of the package has one port for its peers, so that two servers could not run at once.
ETCD = """
name: default
data-dir: {folder}/etcd
listen-client-urls: http://127.0.0.1:{client}
advertise-client-urls: http://127.0.0.1:{client}
listen-peer-urls: http://127.0.0.1:{peer}
initial-advertise-peer-urls: http://127.0.0.1:{peer}
initial-cluster: default=http://127.0.0.1:{peer}
"""


def free_port():
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return bound.getsockname()[1]


def is_well(port):
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
            return b"OK" in answer.read()
    except OSError:
        return False


class Server:
    def __init__(self, folder, settings):
        # The programs are unpacked once for all servers.
        programs = os.path.join(os.path.dirname(milvus.__file__), "unpacked")
        milvus._initialize_data_files(programs)
        os.symlink(os.path.join(programs, "bin"), os.path.join(folder, "bin"))
        self.folder = folder
        self.settings = settings
        config = milvus.MilvusServerConfig()
        self.ports = {name: free_port() for name in config.configurable_items if name.endswith("_port")}

        self.etcd = os.path.join(folder, "etcd.yaml")
        with open(self.etcd, "w", encoding="utf-8") as file:
            file.write(ETCD.format(client=self.ports["etcd_port"], peer=free_port(), folder=folder))

    def up(self):
        config = milvus.MilvusServerConfig(data_dir=self.folder, **self.ports)
        config.template_text = config.template_text.replace(
            "  data:\n    dir: {{ etcd_data_dir", f"  config:\n    path: {self.etcd}\n  data:\n    dir: {{{{ etcd_data_dir"
        )
        # A port of before may still be cooling off, which its server does not mind.
        config.try_bind_port = lambda port: socket.socket()
        for name, value in self.settings.items():
            kind = config.configurable_items.get(name, (str,))[0]
            config.set(name, value == "true" if kind is bool else kind(value))
        self.running = milvus.MilvusServer(config, wait_for_started=False)
        self.running.webservice_port = free_port()
        self.running.start()
        while not is_well(self.running.webservice_port):
            if self.running.server_proc.poll() is not None:
                sys.exit(f"Milvus has ended; see {self.folder}/logs")
            time.sleep(0.05)
        print(self.ports["proxy_port"], flush=True)

    def crash(self):
        process = self.running.server_proc
        process.send_signal(signal.SIGKILL)
        process.wait()
        # So that the package does not end it again.
        self.running.server_proc = None


def main():
    folder = tempfile.mkdtemp(prefix="linprobe-milvus-")
    server = Server(folder, dict(word.split("=", 1) for word in sys.argv[1:]))
    try:
        for command in sys.stdin:
            if command.strip() == "up":
                server.up()
            else:
                server.crash()
                print("down", flush=True)
    finally:
        if getattr(server, "running", None) and server.running.server_proc:
            server.crash()
        shutil.rmtree(folder, ignore_errors=True)


main()
