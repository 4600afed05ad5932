"""A Celery worker beside: it looks for messages that were not acknowledged for the visibility timeout, and puts them back."""
import os

from celery import Celery

url = os.environ["REDIS_URL"]
app = Celery("long", broker=url, backend=url)
app.conf.task_routes = {"py.*": {"queue": "py"}}
app.conf.task_acks_late = True
# Workers look when they start, and one at a time: the lock of that look must not keep the next one from it.
app.conf.broker_transport_options = {"visibility_timeout": float(os.environ["CHAOS_VISIBILITY"]), "unacked_mutex_expire": 1}


@app.task(name="py.echo")
def echo(value):
    return value
