#!/usr/bin/env python3
"""Lambda's Runtime API for one function: starts a bootstrap, hands it events, returns what it answers.

runtime_api.py [--event FILE]… -- COMMAND… prints the answers; exit status 1 when the function fails.
"""

import argparse
import json
import os
import selectors
import signal
import socket
import sys
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

API = "/2018-06-01/runtime"


class Failed(Exception):
    """The function reported an error, ended, or was silent for too long."""


@dataclass
class Request:
    method: str
    path: str
    body: bytes
    connection: socket.socket


@dataclass
class Answer:
    body: bytes
    ms: float
    cpu_ms: float


class Function:
    """A running bootstrap, from its exec to the end of the `with` block."""

    def __init__(self, command, env, timeout=30.0, stderr=None):
        self.timeout = timeout
        self.buffers = {}
        self.selector = selectors.DefaultSelector()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.selector.register(self.listener, selectors.EVENT_READ)
        port = self.listener.getsockname()[1]
        env = {
            "PATH": os.environ.get("PATH", ""),
            "AWS_LAMBDA_FUNCTION_NAME": "function",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
            "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/function",
            "AWS_LAMBDA_LOG_STREAM_NAME": "stream",
            **env,
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{port}",
        }
        # What the function logs goes to our standard error: a run prints answers only.
        files = [(os.POSIX_SPAWN_DUP2, stderr.fileno() if stderr else 2, fd) for fd in (1, 2)]
        self.ended = None
        started = time.perf_counter()
        self.pid = os.posix_spawn(command[0], [str(part) for part in command], env, file_actions=files)
        try:
            self.polled = self._next()
        except BaseException:
            self._stop()
            raise
        self.init_ms = (time.perf_counter() - started) * 1000
        self.init_cpu_ms = self.cpu_ms()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._stop()

    def invoke(self, event, timeout_s=30.0):
        """Hands out an event; returns when the function has answered it. `Failed` when it reports an error."""
        request_id = str(uuid.uuid4())
        headers = {
            "Lambda-Runtime-Aws-Request-Id": request_id,
            "Lambda-Runtime-Deadline-Ms": str(int((time.time() + timeout_s) * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:123456789012:function:function",
            "Lambda-Runtime-Trace-Id": "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=0",
            "Content-Type": "application/json",
        }
        cpu, started = self.cpu_ms(), time.perf_counter()
        self._answer(self.polled, 200, event, headers)
        request = self._receive()
        answer = Answer(request.body, (time.perf_counter() - started) * 1000, self.cpu_ms() - cpu)
        self._answer(request, 202, b"")
        kind = request.path.removeprefix(f"{API}/invocation/{request_id}/")
        if (request.method, kind) != ("POST", "response"):
            raise Failed(f"{request.method} {request.path}: {request.body.decode(errors='replace')}")
        self.polled = self._next()
        return answer

    def cpu_ms(self):
        """CPU time of the process so far, all threads."""
        return time.clock_gettime_ns((~self.pid << 3) | 2) / 1e6

    def resident_mb(self):
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) / 1024
        raise Failed("no VmRSS")

    def _next(self):
        request = self._receive()
        if (request.method, request.path) != ("GET", f"{API}/invocation/next"):
            raise Failed(f"{request.method} {request.path}: {request.body.decode(errors='replace')}")
        return request

    def _receive(self):
        """The next whole request on any connection."""
        deadline = time.monotonic() + self.timeout
        while time.monotonic() < deadline:
            for key, _ in self.selector.select(0.2):
                if key.fileobj is self.listener:
                    connection, _ = self.listener.accept()
                    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    self.selector.register(connection, selectors.EVENT_READ)
                    self.buffers[connection] = b""
                    continue
                connection = key.fileobj
                read = connection.recv(1 << 16)
                if not read:
                    self.selector.unregister(connection)
                    del self.buffers[connection]
                    connection.close()
                    continue
                self.buffers[connection] += read
                if request := _parse(self.buffers[connection], connection):
                    self.buffers[connection] = b""
                    return request
            if self._has_ended():
                raise Failed(f"ended with {self.ended} and without a word")
        raise Failed(f"said nothing for {self.timeout:.0f} s")

    def _answer(self, request, status, body, headers=None):
        head = [f"HTTP/1.1 {status} OK", f"Content-Length: {len(body)}"]
        head += [f"{name}: {value}" for name, value in (headers or {}).items()]
        request.connection.sendall("\r\n".join(head).encode() + b"\r\n\r\n" + body)

    def _has_ended(self):
        if self.ended is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.ended = os.waitstatus_to_exitcode(status)
        return self.ended is not None

    def _stop(self):
        if not self._has_ended():
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self.ended = -signal.SIGKILL
        for connection in [*self.buffers, self.listener]:
            connection.close()
        self.selector.close()


def _parse(data, connection):
    """One request, or None while it is not whole."""
    head, found, body = data.partition(b"\r\n\r\n")
    if not found:
        return None
    lines = head.decode("latin-1").split("\r\n")
    method, path, _ = lines[0].split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
    if headers.get("transfer-encoding", "").lower() == "chunked":
        body = _unchunk(body)
    elif len(body) < int(headers.get("content-length", 0)):
        body = None
    return None if body is None else Request(method, path, body, connection)


def _unchunk(data):
    whole = b""
    while True:
        size, found, data = data.partition(b"\r\n")
        if not found:
            return None
        length = int(size.split(b";")[0], 16)
        if length == 0:
            return whole
        if len(data) < length + 2:
            return None
        whole, data = whole + data[:length], data[length + 2 :]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--event", action="append", default=[], type=Path, help="a JSON file; may be repeated")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    try:
        with Function(options.command, dict(os.environ)) as function:
            print(f"first poll after {function.init_ms:.1f} ms, {function.init_cpu_ms:.1f} ms CPU")
            for event in options.event:
                answer = function.invoke(json.dumps(json.loads(event.read_text())).encode())
                print(f"{event}: {answer.ms:.1f} ms, {answer.cpu_ms:.1f} ms CPU: {answer.body.decode()}")
    except Failed as error:
        sys.exit(f"failed: {error}")


if __name__ == "__main__":
    main()
