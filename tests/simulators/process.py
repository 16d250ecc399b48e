"""Starting a simulator as a user does: a process, its first line, its control socket."""

import json
import socket
import subprocess
import sys
import time
from contextlib import contextmanager


class Running:
    """A simulator process and a connection to its control socket."""

    def __init__(self, process, ports):
        self.process = process
        self.ports = ports
        host, port = ports["control"].split(":")
        self._socket = socket.create_connection((host, int(port)), timeout=10)
        self._file = self._socket.makefile("rw")

    def ask(self, **request):
        """One control request; its answer."""
        self._file.write(json.dumps(request) + "\n")
        self._file.flush()
        return json.loads(self._file.readline())

    def close(self):
        """The control connection."""
        self._file.close()
        self._socket.close()


@contextmanager
def simulator(*arguments, module="simulators", **popen):
    """A running simulator; ended at the end, whatever happened."""
    command = [sys.executable, "-m", module, *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, **popen)
    running = None
    try:
        line = process.stdout.readline()
        assert line, f"{' '.join(command)} said nothing and ended with {process.wait()}"
        running = Running(process, json.loads(line))
        yield running
    finally:
        if running is not None:
            running.close()
        if process.poll() is None:
            process.terminate()
            process.wait(5)
        process.stdout.close()


def until(condition, seconds=10.0, what="it"):
    """Wait for a condition, with a deadline; its value."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError(f"{what} did not happen within {seconds} s")
