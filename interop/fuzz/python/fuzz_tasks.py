"""The tasks of drawn canvases as Celery serves them, and the canvases themselves as a user of Celery composes them."""
import json
import os
import sys

from celery import Celery, __version__, chain, chord, chunks, current_task, group
from celery.canvas import xmap, xstarmap
from celery.result import GroupResult
from celery.signals import worker_ready

url = os.environ["FUZZ_REDIS"]
app = Celery("fuzz", broker=url, backend=url)
app.conf.task_routes = {f"fuzz.{side}.*": {"queue": f"fuzz-{side}"} for side in ("ts", "py")}
# What runs is not yet acknowledged, so that nobody takes a busy fleet for an idle one.
app.conf.task_acks_late = True
# Celery waits so long for results of a chord's header that are never stored, and its processes are few.
app.conf.result_chord_join_timeout = 0.5
# For those of a group inside the header it waits for ever: such a process must not be lost to all other canvases.
app.conf.task_time_limit = 8
# Celery stores RETRY once it has sent the next attempt, over whatever that one may have stored by then (app/task.py Task.retry,
# backends/base.py _store_result): a chord that joins by ids, and whoever asks, would wait for ever.
RETRY_AFTER = 0.5


class Boom(Exception):
    pass


def build(canvas, key):
    signature = compose(canvas, key)
    for link in canvas["link"]:
        signature.link(build(link, key))
    for errback in canvas["linkError"]:
        signature.link_error(errback_of(errback, key))
    if "stamps" in canvas:
        signature.stamp(**canvas["stamps"])
    return signature


def compose(canvas, key):
    kind = canvas["type"]
    if kind == "chain":
        return chain(*[build(step, key) for step in canvas["steps"]])
    if kind == "group":
        whole = group([build(member, key) for member in canvas["members"]])
        if canvas.get("immutable"):
            whole.set_immutable(True)
        return whole
    if kind == "chord":
        return chord([build(member, key) for member in canvas["header"]], build(canvas["body"], key))
    if kind == "chunks":
        return chunks(mapped(canvas), labelled(canvas, key), canvas["size"], app=app).group()
    signature = task(canvas, key)
    if canvas.get("hasId"):
        signature.set(task_id=f"given:{key}:{canvas['label']}")
    if canvas.get("ignored"):
        signature.set(ignore_result=True)
    return signature


def task(node, key):
    label = f"{key}:{node['label']}"
    name = f"fuzz.{node['side']}.{node['kind']}"
    if node["kind"] == "map":
        return xmap(mapped(node), [item[0] for item in labelled(node, key)], app=app)
    if node["kind"] == "starmap":
        return xstarmap(mapped(node), labelled(node, key), app=app)
    if "kwargs" in node:
        own = {**node["kwargs"]["own"], "label": label}
        return app.signature(name, kwargs=own, immutable=node["immutable"]).clone(kwargs=node["kwargs"]["over"])
    args = [node["with"]] if "with" in node else []
    return app.signature(name, args=(*args, label), immutable=node["immutable"])


def mapped(node):
    return app.signature(f"fuzz.{node['side']}.{'broken' if node.get('breaks') else 'item'}")


def labelled(node, key):
    return [(*given, f"{key}:{label}") for *given, label in node["items"]]


def errback_of(errback, key):
    label = f"{key}:{errback['label']}"
    if errback.get("hearsAll"):
        return app.signature(f"fuzz.{errback['side']}.hear", args=(label,))
    return app.signature(f"fuzz.{errback['side']}.errback", kwargs={"label": label}, immutable=errback["immutable"])


def note(how, args, label):
    request = current_task.request
    stamps = getattr(request, "stamps", None)
    write({"label": label, "id": request.id, "how": how, "args": list(args), "stamps": stamps})


def write(record):
    redis().rpush("fuzz-records", json.dumps(record))


def redis():
    return app.backend.client


def serve(side):
    @app.task(name=f"fuzz.{side}.give")
    def give(*args):
        note("ran", args[:-1], args[-1])
        return args

    @app.task(name=f"fuzz.{side}.fail")
    def fail(*args):
        note("ran", args[:-1], args[-1])
        raise Boom(args[-1])

    @app.task(name=f"fuzz.{side}.retry", bind=True)
    def retry(self, *args):
        again = self.request.retries == 0
        note("retried" if again else "ran", args[:-1], args[-1])
        if again:
            raise self.retry(countdown=RETRY_AFTER, max_retries=1)
        return args

    @app.task(name=f"fuzz.{side}.exhaust", bind=True)
    def exhaust(self, *args):
        note("retried" if self.request.retries == 0 else "ran", args[:-1], args[-1])
        raise self.retry(exc=Boom(args[-1]), countdown=RETRY_AFTER, max_retries=1)

    @app.task(name=f"fuzz.{side}.named")
    def named(given=None, *, label, **kwargs):
        args = [*([] if given is None else [given]), kwargs]
        note("ran", args, label)
        return [*args, label]

    @app.task(name=f"fuzz.{side}.replace", bind=True)
    def replace(self, *args):
        *given, replacement, label = args
        note("replaced", given, label)
        return self.replace(build(replacement, label.rsplit(":", 1)[0]))

    @app.task(name=f"fuzz.{side}.add", bind=True)
    def add(self, *args):
        *given, member, label = args
        note("ran", given, label)
        self.add_to_chord(build(member, label.rsplit(":", 1)[0]))
        return [*given, label]

    # Called in place, by celery.map and celery.starmap.
    @app.task(name=f"fuzz.{side}.item")
    def item(*args):
        write({"label": args[-1], "id": None, "how": "ran", "args": args[:-1]})
        return args

    @app.task(name=f"fuzz.{side}.broken")
    def broken(*args):
        write({"label": args[-1], "id": None, "how": "ran", "args": args[:-1]})
        raise Boom(args[-1])

    # One positional parameter: called as a task of its own, with the id of what failed (celery-wire.md §6.7).
    @app.task(name=f"fuzz.{side}.errback")
    def errback(failed=None, *, label):
        write({"label": label, "id": None, "how": "called", "args": [failed, None]})

    # More than one: called in place with all of it, or sent with the id where another worker reports the failure.
    @app.task(name=f"fuzz.{side}.hear")
    def hear(*args):
        request, *told, label = args
        failed = request if isinstance(request, str) else request.id
        write({"label": label, "id": None, "how": "called", "args": [failed, type(told[0]).__name__ if told else None]})


for each in ("ts", "py"):
    serve(each)


@worker_ready.connect
def say_ready(**_):
    print("fuzz worker ready", file=sys.__stdout__, flush=True)  # the worker logs what goes to stdout


def handle(result):
    if isinstance(result, GroupResult):
        return {"group": [handle(each) for each in result.results]}
    return result.id


def send(jobs):
    """[{"key", "canvas"}] → what the caller of each holds, or {"error"}."""
    handles = []
    for job in jobs:
        try:
            handles.append(handle(build(job["canvas"], job["key"]).apply_async(job["canvas"].get("given"))))
        except Exception as error:
            handles.append({"error": f"{type(error).__name__}: {error}"})
    return handles


def records(seen):
    """Those after the first `seen`."""
    return [json.loads(each) for each in redis().lrange("fuzz-records", seen, -1)]


def load(ids):
    """The stored documents."""
    found = redis().mget([app.backend.get_key_for_task(each) for each in ids]) if ids else []
    return [each and json.loads(each) for each in found]


def version():
    return __version__


def waiting():
    return sum(redis().llen(queue) for queue in ("fuzz-ts", "fuzz-py", "celery")) + redis().hlen("unacked")
