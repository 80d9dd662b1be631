#!/usr/bin/env python3
"""Answers a sample event with each built function, on MiniStack: bootstraps.py --folder target/lambda NAME…

Each bootstrap runs as Lambda would run it, with the environment the stack gives it, and must answer
events/<name>/<case>.json; the first case, unless CASES names another. Exit status 1 when one does not.
"""

import argparse
import json
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from pathlib import Path

from runtime_api import Failed, Function

ROOT = Path(__file__).resolve().parents[2]

# function: the case a bootstrap can answer on an empty table, where that is not the first
CASES = {}

TABLE, BUCKET, QUEUE, MACHINE = "confab", "confab", "parked", "turn"
SECRETS = {
    "access": "",
    "secrets": "",
}


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


def call(address, service, target, body, version="1.0"):
    request = urllib.request.Request(
        address,
        data=json.dumps(body).encode(),
        headers={
            "Content-Type": f"application/x-amz-json-{version}",
            "X-Amz-Target": target,
            "Authorization": f"AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/{service}/aws4_request, "
            "SignedHeaders=host, Signature=0",
        },
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        return json.load(response)


def create_stack(address):
    """What the functions of the stack find: a table, a bucket, a queue, secrets and a state machine, all empty.

    Returns the environment that leads to them."""
    call(
        address,
        "dynamodb",
        "DynamoDB_20120810.CreateTable",
        {
            "TableName": TABLE,
            "BillingMode": "PAY_PER_REQUEST",
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            "AttributeDefinitions": [
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "S"},
            ],
        },
    )
    urllib.request.urlopen(urllib.request.Request(f"{address}/{BUCKET}", method="PUT"), timeout=30).close()
    queue = call(address, "sqs", "AmazonSQS.CreateQueue", {"QueueName": QUEUE})["QueueUrl"]
    secret = {
        name: call(
            address, "secretsmanager", "secretsmanager.CreateSecret", {"Name": f"confab/{name}", "SecretString": text or "#"}
        )["ARN"]
        for name, text in SECRETS.items()
    }
    machine = call(
        address,
        "states",
        "AWSStepFunctions.CreateStateMachine",
        {
            "name": MACHINE,
            "type": "EXPRESS",
            "roleArn": "arn:aws:iam::000000000000:role/turn",
            "definition": json.dumps({"StartAt": "End", "States": {"End": {"Type": "Succeed"}}}),
        },
    )["stateMachineArn"]
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
        "CONFAB_ACCESS_SECRET": secret["access"],
        "CONFAB_SECRETS_SECRET": secret["secrets"],
        "CONFAB_SOCKETS": address,
        "RUST_LOG": "warn",
    }


def sample(name):
    """The event a bootstrap is asked to answer, and the case's name."""
    folder = ROOT / "events" / name
    files = sorted(folder.glob("*.json"))
    if name in CASES:
        files = [folder / f"{CASES[name]}.json"]
    if not files:
        raise Failed(f"there is no sample event in events/{name}")
    return json.dumps(json.loads(files[0].read_text())).encode(), files[0].stem


@contextmanager
def task_root():
    """A folder as Lambda unpacks a function's asset: the example bots, without what is hidden or secret."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(
            ROOT / "examples", Path(folder) / "bots", ignore=shutil.ignore_patterns(".*", "secrets.toml")
        )
        yield folder


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runner", default="", help="the command that runs a bootstrap, for another processor")
    parser.add_argument("--folder", type=Path, required=True, help="holds <name>/bootstrap")
    parser.add_argument("names", nargs="+")
    options = parser.parse_args()

    failed = 0
    with ministack() as address, task_root() as folder:
        env = create_stack(address) | {"LAMBDA_TASK_ROOT": folder}
        print("| function | case | first poll, ms | answer, ms | answer |\n|---|---|---:|---:|---|")
        for name in options.names:
            command = [*shlex.split(options.runner), options.folder / name / "bootstrap"]
            try:
                event, case = sample(name)
                with Function(command, env | {"AWS_LAMBDA_FUNCTION_NAME": name}) as function:
                    answer = function.invoke(event)
                text = answer.body.decode(errors="replace").replace("\n", " ").replace("|", "\\|")
                text = text if len(text) <= 100 else f"{text[:100]}…"
                print(f"| {name} | {case} | {function.init_ms:.0f} | {answer.ms:.0f} | {text} |", flush=True)
            except Failed as error:
                failed += 1
                print(f"{name}: {error}", file=sys.stderr)
    if failed:
        sys.exit(f"{failed} of {len(options.names)} functions did not answer their event")


if __name__ == "__main__":
    main()
