"""The same workflow of three steps in DBOS (https://docs.dbos.dev), durable on SQLite: rows for scripts/bench --peer.

DBOS recommends PostgreSQL for production; SQLite is what it uses, as Confab does, where there is nothing but a folder.
"""

import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

from dbos import DBOS

LEVELS = {1: 300, 32: 600}
WARM_UP = 30


@DBOS.step()
def look_up(order: str) -> dict[str, str]:
    return {"order": order, "state": "sent"}


@DBOS.workflow()
def three(order: str) -> str:
    first = look_up(order)
    second = look_up(first["order"])
    return look_up(second["order"])["state"]


def run(_: int) -> float:
    begun = time.perf_counter()
    assert three("A1") == "sent"
    return (time.perf_counter() - begun) * 1000


def measure(at_once: int, runs: int) -> None:
    begun, cpu = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(at_once) as pool:
        times = sorted(pool.map(run, range(runs)))
    speed = runs / (time.perf_counter() - begun)
    cpu = (time.process_time() - cpu) / runs * 1000
    p50, p99 = times[runs // 2], times[runs * 99 // 100]
    print(
        f"| DBOS on SQLite: workflow of three steps, {at_once} at once | {speed:.0f} runs/s; "
        f"a run takes {p50:.2f} ms p50, {p99:.2f} ms p99; CPU per run: {cpu:.2f} ms |"
    )


def main() -> None:
    with tempfile.TemporaryDirectory(dir=sys.argv[1]) as folder:
        DBOS(
            config={
                "name": "peer",
                "system_database_url": f"sqlite:///{folder}/peer.sqlite",
                "log_level": "ERROR",
                "run_admin_server": False,
            }
        )
        DBOS.launch()
        try:
            for number in range(WARM_UP):
                run(number)
            for at_once, runs in LEVELS.items():
                measure(at_once, runs)
        finally:
            DBOS.destroy()


main()
