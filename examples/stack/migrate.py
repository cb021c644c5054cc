"""Brings the data to the schema that api.py wants, step by step; a second run does nothing."""
import os

from resp import Redis

STEPS = [("SETNX", "visits", "0"), ("SETNX", "installed", "yes")]

redis = Redis(int(os.environ["REDIS_PORT"]))
schema = int(redis.call("GET", "schema") or 0)
for number, step in enumerate(STEPS, 1):
    if number > schema:
        redis.call(*step)
        redis.call("SET", "schema", str(number))
        print("migrated to", number, flush=True)
