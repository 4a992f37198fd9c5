"""Every form that Schemathesis sends has a key of its own: under one key, all after the first would be other answers."""

import uuid

import schemathesis


@schemathesis.hook
def before_call(context, case, **kwargs):
    try:
        uuid.UUID((case.headers or {})["Idempotency-Key"])
    except (KeyError, ValueError):
        return  # it is meant to be missing or wrong
    case.headers["Idempotency-Key"] = str(uuid.uuid4())
