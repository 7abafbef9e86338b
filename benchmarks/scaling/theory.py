"""What queueing theory says of waiting; the simulation is held against it."""

from math import log


def compute_wait_share(servers: int, load: float) -> float:
    """The share of arrivals that wait in an M/M/c queue (Erlang C).

    ``load`` is arrivals a second times seconds of service: servers busy on average.
    """
    blocked = 1.0
    for number in range(1, servers + 1):
        blocked = load * blocked / (number + load * blocked)
    return blocked / (1 - load / servers * (1 - blocked))


def compute_mean_wait(servers: int, rate: float, service: float) -> float:
    """Seconds that an arrival waits on average, M/M/c."""
    load = rate * service
    return compute_wait_share(servers, load) * service / (servers - load)


def compute_wait_quantile(share: float, servers: int, rate: float, service: float) -> float:
    """Seconds that this share of arrivals waits longer than, M/M/c; 0.01 gives the p99."""
    load = rate * service
    waiting = compute_wait_share(servers, load)
    return max(log(waiting / share), 0.0) * service / (servers - load)


def compute_constant_wait(rate: float, service: float) -> float:
    """Seconds on average at one server whose service always takes as long (M/D/1)."""
    load = rate * service
    return load * service / (2 * (1 - load))
