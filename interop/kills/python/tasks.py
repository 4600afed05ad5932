"""
The Celery side of the campaign, set as its users set it who want nothing lost: late acknowledgement, and again when a child is
lost. What its parent held comes back by the visibility timeout alone (celery-wire.md §4.3): five seconds here, so that it does
within the run, a hundred times what a task takes. Workers look for such messages when they start, then about every 100 s; the
campaign starts them often enough. The lock of that look must not outlive a worker that was killed in it (default: 300 s).
"""
import json
import os
import time

from celery import Celery, chain, chord

url = os.environ["INTEROP_REDIS"]
app = Celery("kills", broker=url, backend=url)
app.set_default()  # of every thread: chains and chords look for it there
app.conf.task_routes = {"ts.*": {"queue": "ts"}, "py.*": {"queue": "py"}}
app.conf.task_acks_late = True
app.conf.task_reject_on_worker_lost = True
app.conf.worker_prefetch_multiplier = 1
app.conf.broker_transport_options = {"visibility_timeout": 5, "unacked_mutex_expire": 2}


@app.task(name="py.step", bind=True)
def step(self, *args):
    request = self.request
    label, given = args[-1], args[0] if len(args) > 1 else None
    run = [label, request.id, "py", bool(request.delivery_info.get("redelivered")), given]
    app.backend.client.rpush("kills:runs", json.dumps(run))
    time.sleep(0.04)  # slots of this side and their pace: each side has the last part about as often
    return label


def compose(drawn):
    if drawn["kind"] == "step":
        return app.signature(f"{drawn['side']}.step", args=(drawn["label"],))
    if drawn["kind"] == "chain":
        return chain(*map(compose, drawn["steps"]))
    return chord(list(map(compose, drawn["header"])), compose(drawn["body"]))


def send(drawn):
    return compose(drawn).apply_async().id


def left():
    """What waits in both queues, is held by Celery, is held by Lovage, and was given up."""
    client = app.backend.client
    held, dead = (sum(map(client.hlen, client.keys(f"lovage:*:{what}"))) for what in ("flight:*", "dead"))
    return [client.llen("ts"), client.llen("py"), client.hlen("unacked"), held, dead]
