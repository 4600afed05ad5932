"""
A Python client at the end of a pipe: reads one JSON object per line, {"id", "code", "given"}, evaluates the expression as a user
of Celery would type it, and prints {"id", "value"} or {"id", "error"}. Ends with its input.
"""
import json
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, time as time_of_day, timedelta, timezone  # noqa: F401  for the expressions
from decimal import Decimal  # noqa: F401
from uuid import UUID  # noqa: F401

from celery import chain, chord, group  # noqa: F401
from celery.canvas import chunks, xmap, xstarmap  # noqa: F401
from celery.events.state import State
from celery.exceptions import TimeoutError as CeleryTimeoutError
from celery.result import GroupResult, result_from_tuple  # noqa: F401
from celery.states import READY_STATES
from tasks import app

try:
    from celery.canvas import StampingVisitor
except ImportError:  # before 5.3
    StampingVisitor = object

DEADLINE = 20  # seconds; every wait has one
printing = threading.Lock()


def s(name, *args, **kwargs):
    return app.signature(name, args=args, kwargs=kwargs)


def get(result):
    """Asks again now and then: Celery's client shares one pub/sub connection among threads and can miss an announcement."""
    until = time.monotonic() + DEADLINE
    while True:
        try:
            return result.get(timeout=min(5, max(0.1, until - time.monotonic())))
        except CeleryTimeoutError:
            if time.monotonic() >= until:
                raise


def announced(signature):
    """[state, result] of all that is announced. Listens before it sends: `get(on_message=…)` may begin with the end."""
    seen = []
    result = signature.freeze()
    with app.backend.client.pubsub() as channel:
        channel.subscribe(app.backend.get_key_for_task(result.id))
        channel.get_message(timeout=DEADLINE)  # what confirms the subscription
        signature.apply_async()
        while not seen or seen[-1][0] not in READY_STATES:
            meta = json.loads(channel.get_message(timeout=DEADLINE)["data"])
            seen.append([meta["status"], meta["result"]])
    return seen


TASK_FIELDS = (
    "state name sent received started succeeded failed retried revoked rejected args kwargs eta expires retries client result exception "
    "traceback runtime queue exchange routing_key root_id parent_id timestamp clock"
).split()
WORKER_FIELDS = "pid freq clock active processed loadavg sw_ident sw_ver sw_sys".split()


def fold(events):
    """What Celery's own monitors make of these events, one after the other."""
    state = State()
    for event in events:
        state.event(dict(event))
    tasks = {
        uuid: {**{f: getattr(task, f, None) for f in TASK_FIELDS}, "worker": task.worker and task.worker.hostname}
        for uuid, task in state.tasks.items()
    }
    workers = {
        name: {**{f: getattr(worker, f) for f in WORKER_FIELDS}, "heardAt": worker.heartbeats[-1] if worker.heartbeats else None}
        for name, worker in state.workers.items()
    }
    return {"tasks": tasks, "workers": workers, "events": state.event_count, "received": state.task_count}


def failure(result):
    """How it failed, as the client sees it."""
    try:
        value = get(result)
    except Exception as error:
        return {
            "state": result.state,
            "type": type(error).__name__,
            "module": type(error).__module__,
            "args": list(error.args),
            "text": str(error),
            "traceback": result.traceback,
        }
    raise AssertionError(f"it gave {value!r}")


class Marking(StampingVisitor):
    """Every hook stamps with its own name and the part that it was asked about."""

    def on_signature(self, sig, **headers):
        return {"on_signature": sig.task}

    def on_chain_start(self, chain, **headers):
        return {"on_chain": len(chain.tasks)}

    def on_group_start(self, group, **headers):
        return {"on_group": len(group.tasks)}

    def on_chord_body(self, chord, **headers):
        return {"on_body": chord.body.task}

    def on_callback(self, callback, **headers):
        return {"on_callback": callback.task}

    def on_errback(self, errback, **headers):
        return {"on_errback": errback.task}


def stamped(signature, *args, **stamps):
    signature.stamp(*args, **stamps)
    return signature


def sent(signature):
    """The messages that start it, taken back from the queue of nobody."""
    signature.apply_async()
    messages = [message.decode() for message in redis("LRANGE", "celery", 0, -1)]
    redis("DEL", "celery")
    return messages[::-1]


def redis(*command):
    with app.connection_for_write() as connection:
        return connection.default_channel.client.execute_command(*command)


def answer(request):
    try:
        value = {"value": eval(request["code"], {**globals(), "given": request.get("given")})}
    except BaseException as error:
        value = {"error": f"{type(error).__name__}: {error}"}
    line = json.dumps({"id": request["id"], **value}, default=repr)
    with printing:
        print(line, flush=True)


with ThreadPoolExecutor(8) as pool:
    for line in sys.stdin:
        pool.submit(answer, json.loads(line))
