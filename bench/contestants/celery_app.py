# Real Celery on the same broker, with its defaults but for JSON and kept results.
import os

from celery import Celery

app = Celery("bench", broker=os.environ["BENCH_REDIS"], backend=os.environ["BENCH_REDIS"])
app.conf.update(worker_hijack_root_logger=False, broker_connection_retry_on_startup=True)


@app.task(name="bench.noop")
def noop(i=0):
    return None


@app.task(name="bench.sum")
def total(values):
    return len(values)
