"""A client at the end of a pipe: one JSON object per line, {"id", "code", "given"}; answers {"id", "value"} or {"id", "error"}."""
import json
import sys

from fuzz_tasks import load, records, send, version, waiting  # noqa: F401  for the expressions

for line in sys.stdin:
    request = json.loads(line)
    try:
        answer = {"value": eval(request["code"], {**globals(), "given": request.get("given")})}
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    print(json.dumps({"id": request["id"], **answer}), flush=True)
