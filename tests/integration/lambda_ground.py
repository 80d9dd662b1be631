#!/usr/bin/env python3
"""What the functions run on, made on MiniStack: scripts/lambda-ground [--on URL] [COMMAND…]

Makes a table with the items of events/table.json, a bucket, a queue, two secrets that hold events/secrets.toml, and
a state machine that does nothing. COMMAND runs with the environment that leads there; without one it is printed as
JSON. MiniStack is started and ends with COMMAND, or with an interrupt; with --on one that runs already is used.
"""

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import contextmanager, nullcontext
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

TABLE, BUCKET, QUEUE, MACHINE = "confab", "confab", "parked", "turn"


@contextmanager
def ministack():
    """A MiniStack of our own and the address it answers on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [ROOT / "scripts/ministack", str(port)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 240
        while True:
            try:
                urllib.request.urlopen(f"{address}/_ministack/health", timeout=5).close()
                break
            except (urllib.error.URLError, ConnectionError, TimeoutError):
                if process.poll() is not None or time.monotonic() > deadline:
                    sys.exit(f"MiniStack did not start; scripts/ministack {port} says why")
                time.sleep(0.05)
        yield address
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def call(address, service, target, body):
    request = urllib.request.Request(
        address,
        data=json.dumps(body).encode(),
        headers={
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": target,
            "Authorization": f"AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/{service}/aws4_request, "
            "SignedHeaders=host, Signature=0",
        },
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.load(response)


def create_stack(address):
    """What the functions of the stack find. Returns the environment that leads to it."""
    create_table(address)
    urllib.request.urlopen(urllib.request.Request(f"{address}/{BUCKET}", method="PUT"), timeout=30).close()
    queue = call(address, "sqs", "AmazonSQS.CreateQueue", {"QueueName": QUEUE})["QueueUrl"]
    text = (ROOT / "events/secrets.toml").read_text()
    access, secrets = (
        call(address, "secretsmanager", "secretsmanager.CreateSecret", {"Name": f"confab/{name}", "SecretString": text})["ARN"]
        for name in ("access", "secrets")
    )
    machine, approvals, notices, reminders, _ = (
        call(
            address,
            "states",
            "AWSStepFunctions.CreateStateMachine",
            {
                "name": name,
                "type": kind,
                "roleArn": "arn:aws:iam::000000000000:role/turn",
                "definition": json.dumps({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}),
            },
        )["stateMachineArn"]
        for name, kind in (
            (MACHINE, "EXPRESS"),
            ("approval", "STANDARD"),
            ("notify", "STANDARD"),
            ("reminder", "STANDARD"),
            ("workflow-unlock_door", "STANDARD"),
        )
    )
    workflow, _ = (
        call(
            address,
            "states",
            "AWSStepFunctions.CreateStateMachine",
            {
                "name": f"workflow-{name}",
                "type": "STANDARD",
                "roleArn": "arn:aws:iam::000000000000:role/workflow",
                "definition": json.dumps({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}),
            },
        )["stateMachineArn"]
        for name in ("changed_hours", "elder_checkin")
    )
    run = {"id": "run-1", "tenant": "local", "bot": "texts", "workflow": "changed_hours"}
    start = {"run": run, "trigger": {"type": "manual"}, "inputs": {"day": "Monday"}}
    call(
        address,
        "states",
        "AWSStepFunctions.StartExecution",
        {"stateMachineArn": workflow, "name": "run-1", "input": json.dumps(start)},
    )
    return {
        "AWS_ENDPOINT_URL": address,
        "AWS_REGION": "us-east-1",
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_SESSION_TOKEN": "test",
        "CONFAB_TABLE": TABLE,
        "CONFAB_BUCKET": BUCKET,
        "CONFAB_PARKED_QUEUE": queue,
        "CONFAB_TURN_MACHINE": machine,
        "CONFAB_APPROVAL_MACHINE": approvals,
        "CONFAB_NOTICE_MACHINE": notices,
        "CONFAB_REMINDER_MACHINE": reminders,
        "CONFAB_WORKFLOW_MACHINES": workflow.removesuffix("changed_hours"),
        "CONFAB_WORKFLOW_ROLE": "arn:aws:iam::000000000000:role/workflow",
        "CONFAB_WORKFLOW_LOGS": "arn:aws:logs:us-east-1:000000000000:log-group:workflows:*",
        "CONFAB_FUNCTIONS": "arn:aws:lambda:us-east-1:000000000000:function:",
        "CONFAB_ACCESS_SECRET": access,
        "CONFAB_SECRETS_SECRET": secrets,
        "CONFAB_SOCKETS": address,
        "CONFAB_EVENT_BUS": "default",
        "CONFAB_EVENTS_WANTED": "calendar.changed",
        "RUST_LOG": "warn",
    }


def create_table(address):
    def dynamodb(operation, body):
        return call(address, "dynamodb", f"DynamoDB_20120810.{operation}", {"TableName": TABLE, **body})

    dynamodb(
        "CreateTable",
        {
            "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            "AttributeDefinitions": [
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "S"},
            ],
        },
    )
    dynamodb("UpdateTimeToLive", {"TimeToLiveSpecification": {"AttributeName": "expires", "Enabled": True}})
    for item in json.loads((ROOT / "events/table.json").read_text()):
        dynamodb("PutItem", {"Item": item})


@contextmanager
def task_root():
    """A folder as Lambda unpacks a function's asset: the example bots, without what is hidden or secret."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(
            ROOT / "examples", Path(folder) / "bots", ignore=shutil.ignore_patterns(".*", "secrets.toml")
        )
        yield folder


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--on", metavar="URL", help="of a MiniStack that runs, like http://127.0.0.1:4566")
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="COMMAND")
    options = parser.parse_args()
    # As an exception, so that MiniStack ends too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with nullcontext(options.on) if options.on else ministack() as address:
        environment = create_stack(address) | {"CONFAB_BOTS": str(ROOT / "examples")}
        if options.command:
            return run(options.command, os.environ | environment)
        print(json.dumps(environment, indent=2), flush=True)
        if not options.on:
            wait()
    return 0


def wait():
    """Returns on an interrupt."""
    try:
        signal.pause()
    except KeyboardInterrupt:
        pass


def run(command, environment):
    """Runs the command to its end; an interrupt reaches it too, and is its to answer."""
    with subprocess.Popen(command, env=environment) as process:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda *_: process.terminate())
        return process.wait()


if __name__ == "__main__":
    sys.exit(main())
