"""Turns on the synthesised stack, deployed on an emulator with a meter in between, and what each came to."""

import base64
import hashlib
import hmac
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from meter import Meter
from outside import MESSAGE_BYTES, Outside, said

ROOT = Path(__file__).resolve().parents[3]
# As in shared/engine.
SEEN_CAPACITY = 16
KEY = "an-operator-of-acme-0123456789abcdef"
TOKEN = "twilio-token"
PUBLIC = "https://bots.example.com"
# What a turn goes through; the template's other functions are deployed as stubs.
FUNCTIONS = ("webhook-web", "webhook-twilio", "turn-run", "tool-call", "turn-deliver", "stream-holds")

MODEL = '[model]\nuse = "openai/gpt-4.1-mini"\nbase_urls = {{ openai = "{url}/v1" }}\n'
TWILIO = (
    '[channels.twilio]\naccount_sid = "AC00000000000000000000000000000001"\nfrom = "+15550100"\n'
    f'auth_token = "TWILIO_AUTH_TOKEN"\npublic_url = "{PUBLIC}"\n'
)
ORDER = '[parameters]\ntype = "object"\nrequired = ["order_id"]\n[parameters.properties.order_id]\ntype = "string"\n'
TABLE = 'format = 1\nkind = "table"\ndescription = "Looks up {what} by the order."\n' + ORDER + (
    '[table]\nfile = "orders.csv"\nmatch = ["order_id"]\nlimit = 1\n'
)
RECORD = 'format = 1\nkind = "record"\ndescription = "Asks for {what} of an order."\nside_effect = "irreversible"\n' + (
    'business_key = ["order_id"]\n' + ORDER + '[record]\ncollection = "{what}"\n'
)
SOUL = "# Juniper\n\nYou answer customers of an outdoor shop, briefly and kindly. You look things up before you say them.\n"
SECRETS = f'format = 1\n[secrets]\nOPENAI_API_KEY = "none"\nTWILIO_AUTH_TOKEN = "{TOKEN}"\n'
KEYS = f'format = 1\n[[keys]]\nkey = "{KEY}"\ntenant = "acme"\nperson = "dana"\nrole = "operator"\n'


@dataclass
class Measured:
    """What some turns came to. Everything is a mean per turn but `items`."""

    turns: int
    requests: float = 0
    invocations: Counter = field(default_factory=Counter)
    cpu_ms: Counter = field(default_factory=Counter)
    # By function, service and operation.
    calls: Counter = field(default_factory=Counter)
    writes: float = 0
    write_units: float = 0
    reads: float = 0
    read_units: float = 0
    stored_bytes: float = 0
    log_bytes: float = 0
    # Replies that a carrier took, and functions that read a secret.
    sent: float = 0
    secret_readers: int = 0
    # Each kind of item written: the mean units and the sizes of the smallest and largest.
    items: dict = field(default_factory=dict)
    disagreements: Counter = field(default_factory=Counter)

    @property
    def billed_calls(self):
        """Requests, invocations and calls; a function reads its secrets once in five minutes, not per turn."""
        secrets = sum(count for (_, service, _), count in self.calls.items() if service == "secretsmanager")
        return self.requests + self.invocations.total() + self.calls.total() - secrets


def write_bots(folder, url):
    """A bot without tools, one with two that read, and one with two that keep a record."""
    orders = "order_id,item,status,carrier,tracking,total\n" + "".join(
        f"A{number},Rain jacket,shipped,DHL,0150502{number}483926,89.95 EUR\n" for number in range(1000, 2000)
    )
    tools = {
        "plain": {},
        "lookups": {"find_order": TABLE.format(what="the order"), "find_parcel": TABLE.format(what="the parcel")},
        "records": {"refund": RECORD.format(what="refunds"), "callback": RECORD.format(what="callbacks")},
    }
    for name, files in tools.items():
        bot = folder / name
        (bot / "tools").mkdir(parents=True)
        head = f'format = 1\nname = "{name}"\n{MODEL.format(url=url)}'
        (bot / "bot.toml").write_text(head + (TWILIO if name == "plain" else ""))
        (bot / "SOUL.md").write_text(SOUL)
        (bot / "orders.csv").write_text(orders)
        for tool, text in files.items():
            (bot / "tools" / f"{tool}.toml").write_text(text)
    return [folder / name for name in tools]


@contextmanager
def stack(binaries, folder):
    """The deployed stack. `binaries` holds native builds of FUNCTIONS."""
    outside = Outside()
    bots = write_bots(folder / "bots", outside.url)
    for function in (ROOT / "functions").iterdir():
        place = folder / "lambda" / function.name / "bootstrap"
        place.parent.mkdir(parents=True)
        if function.name in FUNCTIONS:
            subprocess.run(["strip", "-o", place, binaries / function.name], check=True)
        else:
            place.write_text("#!/bin/sh\nexit 1\n")
            place.chmod(0o755)
    settings = {"assets": folder / "lambda", "bots": ",".join(map(str, bots)), "stage": "dev", "twilioApiBase": outside.url}
    context = [part for name, value in settings.items() for part in ("--context", f"{name}={value}")]
    run("scripts/npx", "cdk", "synth", "--quiet", "--output", folder / "assembly", *context)
    with emulator(folder) as (port, meter):
        endpoint = f"http://127.0.0.1:{port}"
        deploy = ROOT / "tests/integration/deploy.py"
        outputs = run("scripts/venv", "python", deploy, folder / "assembly", "--endpoint", endpoint, "TraceRate=0", "BudgetUsd=0")
        template = json.loads(next((folder / "assembly").glob("*.template.json")).read_text())
        yield Stack(port, meter, json.loads(outputs), template)


def run(script, *arguments):
    done = subprocess.run([ROOT / script, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{script} {arguments[0]} failed:\n{done.stderr}")
    return done.stdout


@contextmanager
def emulator(folder):
    """MiniStack, whose temporary files go into `folder`, and the meter, which every function it starts calls instead."""
    ports = []
    for _ in range(2):
        with socket.create_server(("127.0.0.1", 0)) as free:
            ports.append(free.getsockname()[1])
    meter = Meter(ports[1], ports[0])
    process = subprocess.Popen(
        [ROOT / "scripts/ministack", str(ports[0])],
        env=os.environ | {"AWS_ENDPOINT_URL": meter.url, "TMPDIR": str(folder)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + 240
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{ports[0]}/_ministack/health", timeout=5).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    sys.exit(f"MiniStack did not start; scripts/ministack {ports[0]} says why")
                time.sleep(0.1)
        yield ports[0], meter
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


class Stack:
    def __init__(self, port, meter, outputs, template):
        self.template = template
        self.port, self.meter, self.outputs = port, meter, outputs
        self.secret_readers = set()
        for name, text in (("AccessSecret", KEYS), ("SecretsSecret", SECRETS)):
            self.call("secretsmanager", "secretsmanager.PutSecretValue", {"SecretId": outputs[name], "SecretString": text})

    def call(self, service, target, body):
        """Past the meter, as an operator."""
        headers = {
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": target,
            "Authorization": f"AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/{service}/aws4_request, "
            "SignedHeaders=host, Signature=0",
        }
        return json.loads(self.send("/", json.dumps(body).encode(), headers) or "{}")

    def send(self, path, body, headers):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", body, headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return response.read()
        except urllib.error.HTTPError as error:
            sys.exit(f"{path}: {error.code} {error.read().decode()}")

    def table(self, operation, **body):
        return self.call("dynamodb", f"DynamoDB_20120810.{operation}", {"TableName": self.outputs["Table"], **body})

    def post(self, bot, session, text):
        """A message over the HTTP API; returns once its turn has settled."""
        headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json", "Host": self.host()}
        body = json.dumps({"id": str(uuid.uuid4()), "text": text}).encode()
        before = self.delivered(f"acme/{bot}/web:{session}")
        self.send(f"/v1/acme/{bot}/sessions/{session}/messages", body, headers)
        self.settle(f"acme/{bot}/web:{session}", before)

    def text_message(self, contact, text):
        """The same by Twilio."""
        form = {"MessageSid": f"SM{uuid.uuid4().hex}", "From": contact, "To": "+15550100", "Body": text, "NumMedia": "0"}
        path = "/webhooks/twilio/acme/plain"
        signed = PUBLIC + path + "".join(name + form[name] for name in sorted(form))
        signature = base64.b64encode(hmac.digest(TOKEN.encode(), signed.encode(), hashlib.sha1)).decode()
        headers = {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Twilio-Signature": signature,
            "Host": self.host(),
        }
        session = f"acme/plain/sms:{contact}"
        before = self.delivered(session)
        self.send(path, urllib.parse.urlencode(form).encode(), headers)
        self.settle(session, before)

    def memory(self):
        """Megabytes by function, as the template has them."""
        made = (each["Properties"] for each in self.template["Resources"].values() if each["Type"] == "AWS::Lambda::Function")
        return {each["FunctionName"].removeprefix("confab-dev-"): each["MemorySize"] for each in made if "FunctionName" in each}

    def host(self):
        return self.outputs["HttpUrl"].split("://")[1]

    def session(self, key):
        place = {"pk": {"S": f"session/{key}"}, "sk": {"S": "turns"}}
        return self.table("GetItem", Key=place).get("Item", {})

    def delivered(self, key):
        return int(self.session(key).get("delivered", {"N": 0})["N"])

    def settle(self, key, before):
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            item = self.session(key)
            if int(item.get("delivered", {"N": 0})["N"]) > before and "owner" not in item:
                # The machine's last states, and what functions do after their answer.
                time.sleep(0.05)
                return
            time.sleep(0.02)
        sys.exit(f"{key} was not answered within a minute: {json.dumps(item)}")

    def age(self, key):
        """Makes of a session one that has forgotten messages: a full set of hashes, and one that was spilled."""
        hashes = lambda: {"BS": [base64.b64encode(random.randbytes(8)).decode() for _ in range(SEEN_CAPACITY)]}
        place = {"pk": {"S": f"session/{key}"}, "sk": {"S": "turns"}}
        self.table("PutItem", Item={**place, "sk": {"S": "seen#001790000000000"}, "seen": hashes()})
        self.table(
            "UpdateItem",
            Key=place,
            UpdateExpression="SET seen_old = :old ADD arrivals :more, drained :more",
            ExpressionAttributeValues={":old": hashes(), ":more": {"N": "160"}},
        )

    def logged(self):
        """By function: invocations, and bytes beyond START, END and REPORT, which the template turns off."""
        invocations, written = Counter(), 0
        for function in (path.name for path in (ROOT / "functions").iterdir()):
            group = {"logGroupName": f"/aws/lambda/confab-dev-{function}", "limit": 10_000}
            events = self.call("logs", "Logs_20140328.FilterLogEvents", group).get("events", [])
            for line in (event["message"] for event in events):
                if line.startswith("START RequestId"):
                    invocations[function] += 1
                elif not line.startswith(("END RequestId", "REPORT RequestId")):
                    written += len(line.encode()) + 26  # CloudWatch adds 26 bytes to each event.
        return invocations, written

    def take(self):
        calls = self.meter.take()
        readers = (call.function for call in calls if call.service == "secretsmanager")
        self.secret_readers |= {name.removeprefix("confab-dev-") for name in readers}
        return calls

    def measure(self, turns, make):
        """`make(number)` for each of `turns`, one after the other."""
        self.take()
        cpu, (invocations, written) = self.meter.processes.cpu_ms(), self.logged()
        for number in range(turns):
            make(number)
        spent = Counter()
        for (pid, name), used in self.meter.processes.cpu_ms().items():
            spent[name.removeprefix("confab-dev-")] += used - cpu.get((pid, name), 0)
        disagreements = self.meter.disagreements()
        calls = self.take()
        after, written_after = self.logged()
        # The stream's function works for itself, at its own pace.
        of_turns = [call for call in calls if "stream-holds" not in call.function]
        invoked = after - invocations
        invoked.pop("stream-holds", None)
        spent.pop("stream-holds", None)
        writes, reads = [call for call in of_turns if call.is_write], [call for call in of_turns if call.is_read]
        mean = lambda counter: Counter({key: value / turns for key, value in counter.items() if value})
        return Measured(
            turns=turns,
            requests=1,
            invocations=mean(invoked),
            cpu_ms=mean({name: used for name, used in spent.items() if name in invoked}),
            calls=mean(Counter((call.function.removeprefix("confab-dev-"), call.service, call.operation) for call in of_turns)),
            writes=len(writes) / turns,
            write_units=sum(call.units for call in writes) / turns,
            reads=len(reads) / turns,
            read_units=sum(call.units for call in reads) / turns,
            stored_bytes=sum(call.grown for call in writes) / turns,
            log_bytes=(written_after - written) / turns,
            secret_readers=len(self.secret_readers & invoked.keys()),
            items=summary(writes),
            disagreements=disagreements,
        )


def summary(writes):
    kinds = {}
    for call in writes:
        kinds.setdefault((call.operation, call.item), []).append(call)
    return {
        kind: (sum(call.units for call in calls) / len(calls), min(call.size for call in calls), max(call.size for call in calls))
        for kind, calls in kinds.items()
    }


def measure_all(deployed, turns, only=None):
    """Each kind of turn, `turns` times; the first ones warm the functions up and are not counted."""

    def web(bot, session="ada", start=0):
        return deployed.measure(turns, lambda number: deployed.post(bot, session, message(start + number)))

    def warm_up(bot):
        for number in range(2):
            deployed.post(bot, "warm", message(900 + number))

    found = {}
    for bot in ("plain", "lookups", "records"):
        warm_up(bot)
        found[bot] = web(bot)
        if bot == only:
            return found
    deployed.age("acme/plain/web:ada")
    found["old"] = web("plain", start=turns)
    deployed.text_message("+15550123", message(900))
    texts = deployed.measure(turns, lambda number: deployed.text_message("+15550123", message(number)))
    found["sms"] = replace(texts, sent=1)
    return found


def message(number):
    return f"Order A{1000 + number}: {said(MESSAGE_BYTES - 14, number)}"
