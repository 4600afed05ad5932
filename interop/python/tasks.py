"""A Celery app as its users write it, and the tasks of its worker. Both sides route by the first part of a task's name."""
import os
import time

from celery import Celery, current_task, group
from celery.signals import before_task_publish
from celery.worker.control import inspect_command

url = os.environ["INTEROP_REDIS"]
app = Celery("interop", broker=url, backend=url)
app.conf.task_routes = {f"{side}.*": {"queue": side} for side in ("ts", "py", "shared")}


@inspect_command(args=[("x", int)])
def doubled(state, x):
    """A command of one's own."""
    return {"doubled": 2 * x}


class OutOfStock(Exception):
    pass


class Shop:
    class Closed(Exception):
        pass


@before_task_publish.connect
def hand_on(headers=None, **_):
    """What docs/guide/tracing.md tells those to install whose Python tasks send tasks."""
    request = current_task.request if current_task else None
    if not headers or not request or not request.id or headers.get("id") == request.id:
        return
    for name in ("traceparent", "tracestate", "baggage"):
        value = request.get(name)
        if value:
            headers.setdefault(name, value)
    stamps = {name: value for name, value in (request.get("stamps") or {}).items() if name in ("correlation", "tags")}
    if stamps and not headers.get("stamps"):
        headers["stamps"], headers["stamped_headers"] = stamps, list(stamps)


@app.task(name="py.seen", bind=True)
def seen(self):
    """Its trace and its request, as code in Python reads them."""
    stamps = self.request.get("stamps") or {}
    return [self.request.get("traceparent"), stamps.get("correlation")]


@app.task(name="py.add")
def add(x, y):
    return x + y


@app.task(name="py.sum")
def total(values):
    return sum(values)


@app.task(name="py.fail")
def fail(what, left):
    raise OutOfStock(what, left)


@app.task(name="py.raises")
def raises(kind):
    if kind == "nested class":
        raise Shop.Closed()
    if kind == "argument that cannot travel":
        raise OutOfStock({1, 2}.__class__, "ink")
    if kind == "cause":
        try:
            raise KeyError("ink")
        except KeyError as cause:
            raise OutOfStock("größer 💡", None, 1.5) from cause
    raise OSError(28, "No space left on device")


@app.task(name="py.square")
def square(number):
    return number ** 2


@app.task(name="py.fan")
def fan(count, child, *more):
    """Calls `child` with 0, 1, … and the rest of its own arguments, side by side."""
    group(app.signature(child, args=(i, *more)) for i in range(count))()


@app.task(name="py.hand")
def hand(number, child):
    app.send_task(child, (number,))


@app.task(name="py.kind")
def kind(value):
    return [type(value).__name__, value]


@app.task(name="py.about", bind=True)
def about(self):
    request = self.request
    return {
        "id": request.id,
        "parent": request.parent_id,
        "root": request.root_id,
        "queue": request.delivery_info["routing_key"],
        # 5.2 has no dictionary of the headers that are not its own
        "tenant": request.get("x-tenant"),
        "timelimit": request.timelimit,
        "priority": request.delivery_info["priority"],
    }


@app.task(name="py.now")
def now():
    """Milliseconds since 1970."""
    return time.time() * 1000


@app.task(name="py.note")
def note(values, file):
    with open(file, "a") as log:
        log.write(f"{sum(values)} python\n")
    return sum(values)


@app.task(name="py.nap")
def nap(seconds):
    time.sleep(seconds)


@app.task(name="shared.flaky", bind=True, max_retries=None)
def flaky(self, file, times):
    with open(file, "a") as log:
        log.write(f"{self.request.id} {self.request.retries} python\n")
    time.sleep(0.02)
    if self.request.retries < times:
        raise self.retry(countdown=0)
    return self.request.retries


@app.task(name="shared.mark")
def mark(file, number):
    with open(file, "a") as log:
        log.write(f"{number} python\n")
    # Long enough that neither side can empty the queue before the other looks.
    time.sleep(0.02)
    return number
