"""SimPy. Hold: a Timeout with a callback, the cheapest it has. M/M/1: a process for each customer, and a Resource, as its
manual does it. See work.ts for the work."""

import sys
import time
from array import array

import simpy


def read_gaps(path):
    gaps = array("i")
    with open(path, "rb") as file:
        gaps.frombytes(file.read())
    return gaps


def hold(gaps_ms, pending, until_ms):
    env = simpy.Environment()
    rows = [entity & 0xFFFF for entity in range(pending)]
    events, clock_ms, total = 0, 0, 0

    def comes_due(timeout):
        nonlocal events, clock_ms, total
        entity, now_ms = timeout.value, env.now
        events += 1
        clock_ms = now_ms
        total += now_ms * (entity + 1)
        rows[entity] = row = rows[entity] + 7919 & 0xFFFF
        env.timeout(gaps_ms[row], entity).callbacks.append(comes_due)

    for entity in range(pending):
        rows[entity] = row = rows[entity] + 7919 & 0xFFFF
        env.timeout(gaps_ms[row], entity).callbacks.append(comes_due)
    start = time.perf_counter()
    env.run(until=until_ms + 1)  # what is due at that instant comes after its end
    return events, clock_ms, total & 0xFFFFFFFF, time.perf_counter() - start


def station(gaps_ms, customers):
    env = simpy.Environment()
    server = simpy.Resource(env)
    events, clock_ms, waited_ms = 0, 0, 0

    def customer(service_ms):
        nonlocal events, clock_ms, waited_ms
        arrived_ms = env.now
        events += 1
        with server.request() as request:
            yield request
            waited_ms += env.now - arrived_ms
            yield env.timeout(service_ms)
        events += 1
        clock_ms = env.now

    def door():
        for number in range(customers):
            yield env.timeout(gaps_ms[2 * number])
            env.process(customer(gaps_ms[2 * number + 1]))

    env.process(door())
    start = time.perf_counter()
    env.run()
    return events, clock_ms, waited_ms, time.perf_counter() - start


if __name__ == "__main__":
    work, path, *numbers = sys.argv[1:]
    print(*{"hold": hold, "station": station}[work](read_gaps(path), *map(int, numbers)))
