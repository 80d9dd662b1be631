"""A proxy between the functions and an emulator of AWS that notes every call, by whom it was made, and its units.

DynamoDB's units follow its documented rules for item sizes; no emulator is trusted with them.
"""

import http.client
import json
import math
import os
import threading
import time
from base64 import b64decode
from collections import Counter
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

WRITES = {"PutItem", "UpdateItem", "DeleteItem"}
READS = {"GetItem", "Query"}


@dataclass
class Call:
    function: str
    service: str
    operation: str
    status: int
    # DynamoDB only: what it reads or writes, what it is billed, and the bytes that are.
    item: str = ""
    units: float = 0
    size: int = 0
    grown: int = 0
    # What the emulator says, if it does.
    emulated: float | None = None

    @property
    def is_write(self):
        return self.service == "dynamodb" and self.operation in WRITES

    @property
    def is_read(self):
        return self.service == "dynamodb" and self.operation in READS


def value_size(value):
    """Bytes of one attribute value, without its name."""
    ((kind, content),) = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "N":
            return math.ceil(len(content.lstrip("-").replace(".", "").strip("0")) / 2) + 1 + content.startswith("-")
        case "B":
            return len(b64decode(content))
        case "L":
            return 3 + sum(1 + value_size(element) for element in content)
        case "M":
            return 3 + sum(1 + len(name.encode()) + value_size(element) for name, element in content.items())
        case "SS" | "NS" | "BS":
            return sum(value_size({kind[0]: element}) for element in content)
    return 1


def item_size(item):
    return sum(len(name.encode()) + value_size(value) for name, value in (item or {}).items())


def write_units(size):
    return max(1, math.ceil(size / 1024))


def read_units(size, consistent):
    return max(1, math.ceil(size / 4096)) * (1 if consistent else 0.5)


class Table:
    """The sizes of all items, as requests and answers show them: a write is billed by the larger of old and new."""

    def __init__(self):
        self.sizes = {}
        self.lock = threading.Lock()

    def bill(self, call, request, answer):
        """Adds to `call` what it is billed."""
        if not call.is_write:
            items = answer.get("Items", [answer["Item"]] if "Item" in answer else [])
            call.size = sum(item_size(item) for item in items)
            call.units = read_units(call.size, request.get("ConsistentRead", False))
            call.item = "range" if call.operation == "Query" else kind_of(request["Key"])
            return
        source = request.get("Item") or request["Key"]
        key = (request["TableName"], source["pk"]["S"], source["sk"]["S"])
        call.item = kind_of(source)
        with self.lock:
            old = self.sizes.get(key, 0)
            if call.status != 200:
                # A condition that failed is billed by what is there.
                new = old = item_size(answer.get("Item")) or old
            elif call.operation == "PutItem":
                new = item_size(request["Item"])
            elif call.operation == "DeleteItem":
                new = 0
            else:
                # UpdateItem: all that it says of the item it leaves, or the values that it sets.
                new = item_size(answer.get("Attributes")) or max(
                    old, item_size(request["Key"]) + item_size(request.get("ExpressionAttributeValues"))
                )
            self.sizes[key] = new
        call.size = max(old, new)
        # What is stored of a new item are 100 bytes more.
        call.grown = new - old + (0 if old else 100)
        call.units = write_units(call.size)


def kind_of(key):
    """`session`, `round`, `effect`, `record`, … of an item's key."""
    pk, sk = key["pk"]["S"].split("/")[0], key["sk"]["S"].split("#")
    if pk != "session":
        return pk
    return {"turns": "session", "turn": sk[2] if len(sk) > 2 else ""}.get(sk[0], sk[0])


class Processes:
    """The functions as processes of this machine that call `endpoint`."""

    def __init__(self, endpoint):
        self.endpoint = endpoint

    def all(self):
        """Process ids and the names of their functions."""
        found = {}
        for process in Path("/proc").iterdir():
            if not process.name.isdigit():
                continue
            try:
                variables = (process / "environ").read_bytes().split(b"\0")
            except OSError:
                continue  # It ended, or is another user's.
            if f"AWS_ENDPOINT_URL={self.endpoint}".encode() in variables:
                for variable in variables:
                    if variable.startswith(b"AWS_LAMBDA_FUNCTION_NAME="):
                        found[int(process.name)] = variable.split(b"=")[1].decode()
        return found

    def cpu_ms(self):
        """CPU time so far by process."""
        used = {}
        for pid, name in self.all().items():
            try:
                used[pid, name] = time_of(pid)
            except OSError:
                continue  # It ended.
        return used

    def at_port(self, port):
        """The function that calls from `port`."""
        inode = next(
            (
                fields[9]
                for fields in map(str.split, Path("/proc/net/tcp").read_text().splitlines()[1:])
                if fields[1].endswith(f":{port:04X}") and fields[9] != "0"
            ),
            None,
        )
        for pid, name in self.all().items():
            try:
                if any(os.readlink(fd) == f"socket:[{inode}]" for fd in Path(f"/proc/{pid}/fd").iterdir()):
                    return name
            except OSError:
                continue  # It ended.
        return "?"


def time_of(pid):
    return time.clock_gettime_ns((~pid << 3) | 2) / 1e6


class Meter:
    """Listens on `url`, passes everything on to `upstream`, and keeps the calls."""

    def __init__(self, port, upstream_port):
        self.calls = []
        self.table = Table()
        self.url = f"http://127.0.0.1:{port}"
        self.processes = Processes(self.url)
        handler = type("Handler", (Handler,), {"meter": self, "upstream_port": upstream_port})
        self.server = ThreadingHTTPServer(("127.0.0.1", port), handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def take(self):
        """The calls since it was last asked."""
        calls, self.calls = self.calls, []
        return calls

    def disagreements(self):
        """Writes whose units the emulator counts differently."""
        return Counter(
            (call.operation, call.units, call.emulated)
            for call in self.calls
            if call.is_write and call.emulated not in (None, call.units)
        )


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    meter = None
    upstream_port = 0

    def setup(self):
        super().setup()
        self.function = None
        self.upstream = http.client.HTTPConnection("127.0.0.1", self.upstream_port, timeout=60)

    def finish(self):
        super().finish()
        self.upstream.close()

    def log_message(self, *_):
        pass

    def handle_any(self):
        if self.function is None:
            self.function = self.meter.processes.at_port(self.client_address[1])
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        service, operation = self.named()
        if operation in WRITES | READS:
            body = json.dumps(json.loads(body) | {"ReturnConsumedCapacity": "TOTAL"}).encode()
        headers = {name: value for name, value in self.headers.items() if name.lower() != "content-length"}
        self.upstream.request(self.command, self.path, body, headers | {"Content-Length": str(len(body))})
        response = self.upstream.getresponse()
        answer = response.read()
        self.meter.calls.append(self.noted(Call(self.function, service, operation, response.status), body, answer))
        self.send_response_only(response.status)
        for name, value in response.getheaders():
            if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = handle_any

    def named(self):
        """Service and operation: by X-Amz-Target, else by the scope of the signature and the method."""
        scope = self.headers.get("Authorization", "").partition("Credential=")[2].split("/")
        service = scope[3] if len(scope) > 3 else "?"
        target = self.headers.get("X-Amz-Target", "").rpartition(".")[2]
        return service, target or self.command

    def noted(self, call, body, answer):
        if call.is_write or call.is_read:
            answer = json.loads(answer or b"{}")
            self.meter.table.bill(call, json.loads(body), answer)
            call.emulated = answer.get("ConsumedCapacity", {}).get("CapacityUnits")
        return call
