"""Waiting times from queueing theory, to check the simulation."""

from math import log


def compute_wait_share(servers: int, load: float) -> float:
    """The share of arrivals that wait in an M/M/c queue (Erlang C).

    ``load`` is arrivals per second times seconds of service: the average number of busy servers.
    """
    blocked = 1.0
    for number in range(1, servers + 1):
        blocked = load * blocked / (number + load * blocked)
    return blocked / (1 - load / servers * (1 - blocked))


def compute_mean_wait(servers: int, rate: float, service: float) -> float:
    """The mean wait in an M/M/c queue, in seconds."""
    load = rate * service
    return compute_wait_share(servers, load) * service / (servers - load)


def compute_wait_quantile(share: float, servers: int, rate: float, service: float) -> float:
    """The wait that ``share`` of arrivals exceed in an M/M/c queue; 0.01 gives the p99."""
    load = rate * service
    waiting = compute_wait_share(servers, load)
    return max(log(waiting / share), 0.0) * service / (servers - load)


def compute_constant_wait(rate: float, service: float) -> float:
    """The mean wait at one server with constant service time (M/D/1), in seconds."""
    load = rate * service
    return load * service / (2 * (1 - load))
