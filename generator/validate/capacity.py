"""Whether the pools hold what runs in them: every release at its smallest, and a rollout that needs a pod more.

A pod that finds no GPU waits without end, and a rollout that first starts the new pod waits for the GPUs of the old
one. The largest sizes need not fit together: that is what autoscaling shares, and the quota bounds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from generator.errors import Problem
from generator.sources.environment import Pool
from generator.validate.claims import Claim, claims_of
from generator.validate.scope import EnvironmentScope

CHECK = "capacity"
LISTED = 5


def check(scope: EnvironmentScope) -> Iterator[Problem]:
    """Find pools that are too small for what they must hold."""
    held: dict[str, list[Claim]] = defaultdict(list)
    for release in scope.releases:
        for claim in claims_of(release):
            if claim.pod.gpus and claim.pool in scope.facts.pools:
                held[claim.pool].append(claim)
    for name, claims in held.items():
        pool = scope.facts.pools[name]
        left = _left(pool, claims)
        if left is None:
            yield _too_small(scope, name, pool, claims)
            continue
        for claim in claims:
            if claim.surge and not _room(left, claim):
                yield _no_room(name, pool, claims, claim)


def _left(pool: Pool, claims: list[Claim]) -> dict[int, int] | None:
    """Place the largest pods first; give the nodes by their free GPUs, or None where a pod finds no node."""
    free: dict[int, int] = {pool.gpus_per_node: pool.nodes}
    for claim in sorted(claims, key=lambda claim: -claim.pod.gpus):
        left = claim.pods
        while left:
            # the fullest node that still has room
            room = min((gpus for gpus, nodes in free.items() if nodes and gpus >= claim.pod.gpus), default=None)
            if room is None:
                return None
            taken = min(left, free[room])
            free[room] -= taken
            free[room - claim.pod.gpus] = free.get(room - claim.pod.gpus, 0) + taken
            left -= taken
    return free


def _room(left: dict[int, int], claim: Claim) -> bool:
    places = sum(nodes * (gpus // claim.pod.gpus) for gpus, nodes in left.items())
    return places >= claim.surge


def _holders(claims: list[Claim], *, besides: Claim | None = None) -> str:
    sums: dict[str, int] = defaultdict(int)
    for claim in claims:
        sums[claim.scope.name] += claim.gpus
    if besides is not None:
        sums.pop(besides.scope.name, None)
    largest = sorted(((gpus, name) for name, gpus in sums.items() if gpus), key=lambda item: (-item[0], item[1]))
    listed = [f"{name} {gpus}" for gpus, name in largest[:LISTED]]
    more = len(largest) - LISTED
    return ", ".join([*listed, *([f"and {more} more"] if more > 0 else [])])


def _too_small(scope: EnvironmentScope, name: str, pool: Pool, claims: list[Claim]) -> Problem:
    needed = sum(claim.gpus for claim in claims)
    there = pool.nodes * pool.gpus_per_node
    pods = "" if needed > there else ", in pods that do not share its nodes"
    message = f"{needed} GPUs are needed at least{pods}; {pool.nodes} nodes of {pool.gpus_per_node} have {there}"
    hint = f"held by {_holders(claims)}: add nodes, or lower the replicas of one"
    return scope.problem(("pools", name, "nodes"), message, hint, CHECK)


def _no_room(name: str, pool: Pool, claims: list[Claim], claim: Claim) -> Problem:
    resolved = claim.scope.resolved
    others = _holders(claims, besides=claim) or "nobody else"
    held, there = sum(c.gpus for c in claims), pool.nodes * pool.gpus_per_node
    message = (
        f"a surge needs {claim.surge} more pod of {claim.pod.gpus} GPUs, and pool {name} has no room: "
        f"{held} of {there} are held, the release's own {sum(c.gpus for c in claims if c.scope is claim.scope)} too"
    )
    hint = f"held by {others}: set rollout: in-place (one replica: downtime at each update), or add nodes"
    return Problem(resolved.locate(("rollout",)), "values.rollout", message, hint, CHECK)
