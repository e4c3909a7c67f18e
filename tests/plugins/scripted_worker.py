"""A program that speaks the protocol but computes nothing, to see what becomes of a worker's misfortunes."""

import json
import os
import signal
import sys
import threading
import time

WHOLE_LINES = threading.Lock()


def say(**event: object) -> None:
    with WHOLE_LINES:
        sys.stdout.write(json.dumps(event) + "\n")
        sys.stdout.flush()


def greet(protocol: int = 1) -> None:
    say(id="hello", event="result", protocol=protocol, version="9.9", model="none", device="cpu", state="ready")


def answer(request: dict) -> None:
    number, op = request["id"], request["op"]
    if op == "echo":
        say(id=number, event="result", fields=request, pid=os.getpid(), environment=dict(os.environ))
    elif op == "tell":
        say(id=number, event="log", level="info", message="one")
        say(id=number, event="progress", stage="tiles", n_tiles=2, n_finished=1)
        say(id="nobody", event="log", message="for somebody else")
        say(id=number, event="result")
    elif op == "refuse":
        say(id=number, event="error", kind="raster", message="no raster came: give one")
    elif op == "chatter":
        sys.stdout.write("this is no JSON\n[1]\n")
        sys.stderr.write("x" * 3_000_000 + "\n")
        sys.stderr.flush()
        say(id=number, event="result")
    elif op == "die":
        sys.stderr.write(request["last_words"] + "\n")
        sys.stderr.flush()
        os._exit(request["code"])
    elif op == "kill":
        os.kill(os.getpid(), signal.Signals[request["signal"]])
    elif op == "cancel":
        say(id=request["target"], event="result", state="cancelled")


if __name__ == "__main__":
    how = sys.argv[1]
    if how == "no module":
        sys.exit("/usr/bin/python: No module named sam_backend")
    if how == "refused":
        say(id="hello", event="error", kind="model", message="the weights are damaged: name others")
    elif how == "slow":
        time.sleep(60)
    elif how == "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        greet()
    else:
        greet(protocol=7 if how == "newer" else 1)
    for line in sys.stdin:
        request = json.loads(line)
        if how == "stubborn" and request["op"] != "echo":
            continue
        threading.Thread(target=answer, args=(request,)).start()
