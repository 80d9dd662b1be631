"""From what turns came to, to dollars per million turns; and what other designs would cost."""

import json
import math
from dataclasses import replace
from pathlib import Path

FILE = json.loads((Path(__file__).parent / "prices.json").read_text())
USD = {name: usd / per for name, (usd, per, _) in FILE["usd"].items()}
ASSUMED = {name: value for name, (value, _) in FILE["assumed"].items()}

MILLION = 1_000_000
GB = 1024**3
# Lambda gives a whole CPU at 1,769 MB.
MB_PER_CPU = 1769
MONTH_HOURS = 730


def compute(megabytes, milliseconds):
    return megabytes / 1024 * math.ceil(milliseconds) / 1000 * USD["lambda_gb_second"]


def invocation(megabytes, milliseconds):
    return USD["lambda_request"] + compute(megabytes, milliseconds)


def express(milliseconds):
    """One execution: steps of 100 ms, and 64 MB, as 50 MB and the definition come to less."""
    return USD["express_request"] + math.ceil(milliseconds / 100) * 0.1 * 64 / 1024 * USD["express_gb_hour"] / 3600


def storage(size):
    """A month in the table and in its point-in-time backup."""
    return size / GB * (USD["dynamodb_gb_month"] + USD["dynamodb_backup_gb_month"])


def durations(measured, memory, wait):
    """Milliseconds of each function's invocation: its CPU time at its share of one, and what it waits for."""
    found = {}
    for function, count in measured.invocations.items():
        waits = sum(
            calls * ASSUMED.get(f"{service}_ms", ASSUMED["other_ms"])
            for (caller, service, _), calls in measured.calls.items()
            if caller == function and service != "secretsmanager"
        )
        cpu = measured.cpu_ms[function] / min(1, memory[function] / MB_PER_CPU)
        carrier = ASSUMED["carrier_ms"] * measured.sent if function == "turn-deliver" else 0
        found[function] = (cpu + waits + carrier) / count + (wait if function == "turn-run" else 0)
    return found


def execution_ms(measured, took):
    """How long Step Functions is at it: calls of one round run side by side."""
    rounds = measured.invocations["turn-run"]
    steps = {"turn-run": rounds, "tool-call": rounds - 1 if "tool-call" in took else 0, "turn-deliver": 1}
    return sum(steps[name] * (took[name] + ASSUMED["hop_ms"]) for name in steps if name in took)


def bill(measured, memory, wait=ASSUMED["model_wait_ms"]):
    """Dollars per million turns, by line."""
    took = durations(measured, memory, wait)
    execution = execution_ms(measured, took)
    by_service = {}
    for (_, service, operation), count in measured.calls.items():
        by_service[service, operation] = by_service.get((service, operation), 0) + count
    seconds = execution / 1000
    lines = {
        "API Gateway": measured.requests * USD["http_api_request"],
        "Lambda requests": measured.invocations.total() * USD["lambda_request"],
        "Lambda while the model thinks": measured.invocations["turn-run"] * compute(memory["turn-run"], wait),
        "Lambda at work": sum(
            count * compute(memory[name], took[name] - (wait if name == "turn-run" else 0))
            for name, count in measured.invocations.items()
        ),
        "Step Functions": express(execution),
        "DynamoDB writes": measured.write_units * USD["dynamodb_write_unit"],
        "DynamoDB reads": measured.read_units * USD["dynamodb_read_unit"],
        "DynamoDB storage, one month": storage(measured.stored_bytes),
        "S3 and SQS": by_service.get(("s3", "PUT"), 0) * USD["s3_put"]
        + by_service.get(("s3", "GET"), 0) * USD["s3_get"]
        + sum(count for (service, _), count in by_service.items() if service == "sqs") * USD["sqs_request"],
        "Secrets Manager, every 5 minutes": shared(measured.secret_readers * USD["secret_call"], 300, seconds),
        "Holds: stream and notes": holds(seconds),
        "Logs": measured.log_bytes / GB * USD["logs_gb"],
        "X-Ray": ASSUMED["trace_rate"] * USD["trace"],
    }
    return {name: usd * MILLION for name, usd in lines.items()}


def shared(usd, every, turn_seconds):
    """What each warm process pays once in `every` seconds, by turn."""
    processes = max(1, ASSUMED["turns_per_second"] * turn_seconds)
    return usd * processes / (every * ASSUMED["turns_per_second"])


def holds(turn_seconds):
    """`stream-holds` once a minute; a note, its check and its end for each turn that is open just then."""
    window, rate = 60, ASSUMED["turns_per_second"]
    note = 2 * USD["dynamodb_write_unit"] + USD["dynamodb_read_unit"]
    return invocation(128, 20) / (window * rate) + turn_seconds / window * note


def idle(template):
    """Dollars a month without a single turn, item by item."""
    count = lambda kind: sum(resource["Type"] == kind for resource in template["Resources"].values())
    sweep = invocation(128, 20) + USD["schedule"] + 0.5 * USD["dynamodb_read_unit"]
    # Five pollers that wait 20 s each.
    polls = 5 * 3 * 60 * MONTH_HOURS
    return {
        f"{count('AWS::SecretsManager::Secret')} secrets": count("AWS::SecretsManager::Secret") * USD["secret_month"],
        f"{count('AWS::CloudWatch::Alarm')} alarms (the first ten of an account are free)": count("AWS::CloudWatch::Alarm")
        * USD["alarm_month"],
        "Lambda's polling of the queue `redrive`": polls * USD["sqs_request"],
        "`job-sweep` every 5 minutes": 12 * MONTH_HOURS * sweep,
        "dashboard (the first three of an account are free)": 0.0,
        "table, bucket, queues, APIs, state machine, stream, budget": 0.0,
    }


def in_one_function(measured):
    """The same if turn-run delivered where no carrier is between: gate and finish are one write."""
    merged = lambda counter: type(counter)(counter)
    calls, invocations, cpu = merged(measured.calls), merged(measured.invocations), merged(measured.cpu_ms)
    calls["turn-run", "dynamodb", "UpdateItem"] += 1
    del calls["turn-deliver", "dynamodb", "UpdateItem"], invocations["turn-deliver"]
    # Half of what deliver does is to be invoked.
    cpu["turn-run"] += cpu.pop("turn-deliver") / 2
    finish = measured.write_units / measured.writes
    return replace(
        measured, calls=calls, invocations=invocations, cpu_ms=cpu,
        writes=measured.writes - 1, write_units=measured.write_units - finish,
    )


def naive(tools):
    """The desk model: Standard, a dozen states, a polled lock, 128 MB."""
    wait, rounds = ASSUMED["model_wait_ms"], 2 if tools else 1
    transitions = 12 + 0.2 * 2 * 3 + (2 * tools + 3 if tools else 0)
    usd = USD["http_api_request"] + transitions * USD["standard_transition"]
    usd += 6 * invocation(128, 20) + invocation(128, 120) + rounds * invocation(128, wait + 60) + tools * invocation(128, 150)
    usd += (13 + 3 * tools) * USD["dynamodb_write_unit"] + 7 * USD["dynamodb_read_unit"] + storage((4 + 2 * tools) * 1024)
    usd += (0.45 * (8 + rounds + tools) + 6) * 1024 / GB * USD["logs_gb"] + 0.05 * USD["trace"]
    return usd * MILLION


def floor(tools):
    """The desk model: a request, a short function, one that waits, three writes and a read."""
    rounds = 2 if tools else 1
    usd = USD["http_api_request"] + invocation(128, 8) + invocation(128, rounds * ASSUMED["model_wait_ms"] + 60)
    usd += 3 * USD["dynamodb_write_unit"] + 1.5 * rounds * USD["dynamodb_read_unit"] + storage(1.2 * 1024)
    return (usd + 0.3 * 1024 / GB * USD["logs_gb"]) * MILLION


def temporal(tools):
    """Signal, model, delivery and each tool is an action; the functions' own compute is not in it."""
    return (3 + tools) * USD["temporal_action"] * (1 + USD["temporal_plan"]) * MILLION


def lex(_tools):
    return USD["lex_text_request"] * MILLION


def read_by_polling():
    """A page that waits for its reply with GET …/messages: a request, and a 256 MB function that reads every 700 ms."""
    seconds = ASSUMED["model_wait_ms"] / 1000 + 0.3
    reads = math.ceil(seconds / 0.7) * 2 * USD["dynamodb_read_unit"]
    return (USD["http_api_request"] + invocation(256, seconds * 1000) + reads) * MILLION


def read_by_socket():
    """A page on the WebSocket API, open for a minute per turn: some 30 posts, as pieces of a reply are joined."""
    return (30 * USD["socket_message"] + USD["socket_minute"]) * MILLION
