# Celery's own client: enqueue rates, round trips and a chord. Prints one JSON document.
import json
import sys
import time

from celery import chord, group
from celery_app import noop, total

what, count = sys.argv[1], int(sys.argv[2])


def timed(function):
    started = time.perf_counter()
    function()
    return time.perf_counter() - started


if what == "one-by-one":
    print(json.dumps(count / timed(lambda: [noop.delay(i) for i in range(count)])))
elif what == "bulk":
    print(json.dumps(count / timed(lambda: group(noop.s(i) for i in range(count)).apply_async())))
elif what == "round-trips":
    times = []
    for i in range(count):
        times.append(1000 * timed(lambda: noop.delay(i).get(timeout=10)))
        time.sleep(0.005)
    print(json.dumps(times))
elif what == "fan-in":
    print(json.dumps(1000 * timed(lambda: chord([noop.s(i) for i in range(count)])(total.s()).get(timeout=60))))
