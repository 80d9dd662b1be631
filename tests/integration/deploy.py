"""Deploys a synthesised stack without the CDK's command line: deploy.py ASSEMBLY [--endpoint URL] [Parameter=value…]

Uploads the assets that ASSEMBLY (a cdk.out folder) lists, creates or updates the stack with its template unchanged,
and prints the stack's outputs as JSON. With --endpoint it talks to an emulator, whose credentials are made up. It has
neither names in DNS nor TLS, so afterwards the functions are told where its WebSocket connections are, and the bucket
and the queues take plain HTTP (MiniStack with AUTH=true evaluates policies, and theirs refuse it).
"""

import argparse
import io
import json
import os
import pathlib
import sys
import zipfile

import boto3
from botocore.exceptions import ClientError, WaiterError

REGION = "us-east-1"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("assembly", type=pathlib.Path)
    parser.add_argument("--endpoint", help="like http://127.0.0.1:4566")
    parser.add_argument("parameters", nargs="*", metavar="Parameter=value")
    arguments = parser.parse_intermixed_args()

    session = connect(arguments.endpoint)
    manifest = json.loads(only(arguments.assembly, "*.assets.json").read_text())
    template = only(arguments.assembly, "*.template.json")
    account = session("sts").get_caller_identity()["Account"]
    addresses = upload(session("s3"), arguments.assembly, manifest, account, session("s3").meta.region_name)
    parameters = dict(parameter.split("=", 1) for parameter in arguments.parameters)
    outputs = apply(session("cloudformation"), template.name.split(".")[0], addresses[template.name], parameters)
    if arguments.endpoint:
        outputs["SocketsUrl"] = point_at_sockets(session("lambda"), arguments.endpoint, outputs["SocketsUrl"])
        session("s3").delete_bucket_policy(Bucket=outputs["Bucket"])
        for queue in ("ParkedQueue", "RedriveQueue"):
            session("sqs").set_queue_attributes(QueueUrl=outputs[queue], Attributes={"Policy": ""})
    json.dump(outputs, sys.stdout, indent=2)
    print()


def connect(endpoint):
    region = os.environ.get("AWS_REGION", REGION)
    if not endpoint:
        return lambda service: boto3.client(service, region_name=region)

    def emulated(service):
        client = boto3.client(
            service, region_name=region, endpoint_url=endpoint, aws_access_key_id="test", aws_secret_access_key="test"
        )
        secure = {"X-Forwarded-Proto": "https"}
        client.meta.events.register("before-send", lambda request, **_: request.headers.update(secure))
        return client

    return emulated


def only(folder: pathlib.Path, pattern: str) -> pathlib.Path:
    found = list(folder.glob(pattern))
    if len(found) != 1:
        sys.exit(f"{folder} holds {len(found)} files like {pattern}, not one: synthesise one stack into it first")
    return found[0]


def upload(s3, assembly: pathlib.Path, manifest: dict, account: str, region: str) -> dict[str, str]:
    """Puts each asset where the template expects it. Returns the URL of each by its file's name."""
    urls = {}
    for asset in manifest["files"].values():
        path = assembly / asset["source"]["path"]
        body = zipped(path) if asset["source"]["packaging"] == "zip" else path.read_bytes()
        for destination in asset["destinations"].values():
            bucket = destination["bucketName"].replace("${AWS::AccountId}", account).replace("${AWS::Region}", region)
            make_bucket(s3, bucket)
            s3.put_object(Bucket=bucket, Key=destination["objectKey"], Body=body)
            urls[path.name] = f"{s3.meta.endpoint_url}/{bucket}/{destination['objectKey']}"
    return urls


def make_bucket(s3, bucket: str) -> None:
    try:
        s3.head_bucket(Bucket=bucket)
    except ClientError:
        s3.create_bucket(Bucket=bucket)


def zipped(folder: pathlib.Path) -> bytes:
    """The folder as Lambda takes it: ZipFile.write keeps the mode, without which no bootstrap can start."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1, strict_timestamps=False) as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(folder))
    return buffer.getvalue()


def apply(cloudformation, stack: str, url: str, parameters: dict[str, str]) -> dict[str, str]:
    wanted = {
        "StackName": stack,
        "TemplateURL": url,
        "Capabilities": ["CAPABILITY_IAM"],
        "Parameters": [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
    }
    try:
        cloudformation.create_stack(**wanted)
        done = "stack_create_complete"
    except cloudformation.exceptions.AlreadyExistsException:
        done = update(cloudformation, wanted)
    try:
        cloudformation.get_waiter(done).wait(StackName=stack, WaiterConfig={"Delay": 1, "MaxAttempts": 600})
    except WaiterError:
        sys.exit(f"{stack} was not deployed:\n" + "\n".join(failures(cloudformation, stack)))
    described = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    return {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}


def update(cloudformation, wanted: dict) -> str:
    try:
        cloudformation.update_stack(**wanted)
    except ClientError as error:
        if "No updates are to be performed" not in str(error):
            raise
        return "stack_exists"
    return "stack_update_complete"


def failures(cloudformation, stack: str) -> list[str]:
    events = cloudformation.describe_stack_events(StackName=stack)["StackEvents"]
    return [
        f"{event['LogicalResourceId']} ({event['ResourceType']}): {event.get('ResourceStatusReason', '')}"
        for event in events
        if event["ResourceStatus"].endswith("FAILED")
    ]


def point_at_sockets(functions, endpoint: str, url: str) -> str:
    """The WebSocket API by a path of the endpoint instead of by its host, which no resolver knows."""
    host, stage = url.split("://")[1].split("/")
    reachable = f"{endpoint}/_aws/execute-api/{host.split('.')[0]}/{stage}"
    for function in functions.get_paginator("list_functions").paginate().build_full_result()["Functions"]:
        variables = function.get("Environment", {}).get("Variables", {})
        if "CONFAB_SOCKETS" in variables:
            variables["CONFAB_SOCKETS"] = reachable
            functions.update_function_configuration(
                FunctionName=function["FunctionName"], Environment={"Variables": variables}
            )
    return reachable


if __name__ == "__main__":
    main()
