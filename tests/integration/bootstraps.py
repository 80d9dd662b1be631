#!/usr/bin/env python3
"""Answers a sample event with each built function, on MiniStack: bootstraps.py --folder target/lambda NAME…

Each bootstrap runs as Lambda would run it, with the environment the stack gives it, and must answer the sample that
its documentation names. Exit status 1 when one does not.
"""

import argparse
import json
import re
import shlex
import sys
from pathlib import Path

from lambda_ground import ROOT, create_stack, ministack, task_root
from runtime_api import Failed, Function


def sample(name):
    """The event that the function's own documentation names, and the case's name."""
    source = (ROOT / f"functions/{name}/src/main.rs").read_text()
    named = re.search(rf"`events/{name}/(.+)\.json`", source)
    if not named:
        raise Failed(f"functions/{name}/src/main.rs names no sample in events/{name}")
    case = named[1]
    return json.dumps(json.loads((ROOT / f"events/{name}/{case}.json").read_text())).encode(), case


def check(body):
    """A refusal over HTTP is an answer to Lambda, but not the one a sample should get."""
    answer = json.loads(body or b"null")
    if isinstance(answer, dict) and answer.get("statusCode", 200) >= 400:
        raise Failed(f"refused its sample: {body.decode()}")


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
                check(answer.body)
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
