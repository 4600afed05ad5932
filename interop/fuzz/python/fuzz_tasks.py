"""The tasks of drawn canvases as Celery serves them, and the canvases themselves as a user of Celery composes them."""
import json
import os
import sys

from celery import Celery, __version__, chain, chord, current_task, group
from celery.result import GroupResult
from celery.signals import worker_ready

url = os.environ["FUZZ_REDIS"]
app = Celery("fuzz", broker=url, backend=url)
app.conf.task_routes = {f"fuzz.{side}.*": {"queue": f"fuzz-{side}"} for side in ("ts", "py")}
# What runs is not yet acknowledged, so that nobody takes a busy fleet for an idle one.
app.conf.task_acks_late = True


class Boom(Exception):
    pass


def build(canvas, key):
    signature = compose(canvas, key)
    for link in canvas["link"]:
        signature.link(build(link, key))
    for errback in canvas["linkError"]:
        name = f"fuzz.{errback['side']}.errback"
        label = {"label": f"{key}:{errback['label']}"}
        signature.link_error(app.signature(name, kwargs=label, immutable=errback["immutable"]))
    return signature


def compose(canvas, key):
    kind = canvas["type"]
    if kind == "chain":
        return chain(*[build(step, key) for step in canvas["steps"]])
    if kind == "group":
        return group([build(member, key) for member in canvas["members"]])
    if kind == "chord":
        return chord([build(member, key) for member in canvas["header"]], build(canvas["body"], key))
    own = [canvas["with"]] if "with" in canvas else []
    name = f"fuzz.{canvas['side']}.{canvas['kind']}"
    return app.signature(name, args=(*own, f"{key}:{canvas['label']}"), immutable=canvas["immutable"])


def note(how, args, label):
    record = {"label": label, "id": current_task.request.id, "how": how, "args": list(args)}
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
            raise self.retry(countdown=0, max_retries=1)
        return args

    @app.task(name=f"fuzz.{side}.replace", bind=True)
    def replace(self, *args):
        *given, replacement, label = args
        note("replaced", given, label)
        return self.replace(build(replacement, label.rsplit(":", 1)[0]))

    # One positional parameter: called as a task of its own, with the id of what failed (celery-wire.md §6.7).
    @app.task(name=f"fuzz.{side}.errback")
    def errback(failed=None, *, label):
        note("called", [failed], label)


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
            handles.append(handle(build(job["canvas"], job["key"]).apply_async()))
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
