"""What became of a flag: in which known versions it exists, and what replaced it."""

from __future__ import annotations

from generator.errors import ProblemsFound
from generator.facts.model import Facts
from generator.facts.store import known, load, release_order

# The parsers do not say what replaced a flag; these come from the engines' release notes and sources.
# Source: vLLM 0.33.0 `entrypoints/cli/serve.py`, `engine/arg_utils.py`; SGLang 0.5.23 `srt/server_args.py`;
# flags that ai-dynamo 0.9.0 or 1.3.1 has and 1.0.0 or 1.4.0 has not, with what their help and errors name instead.
_DYNAMO = {
    "--store-kv": "use `--discovery-backend`",
    "--durable-kv-events": "remove it: the last releases with it were those of 1.3",
}
REPLACEMENTS: dict[str, dict[str, str]] = {
    "vllm": {
        "--task": "use `--runner` or `--convert`",
        "--guided-decoding-backend": "use `--structured-outputs-config`",
        "--cuda-graph-sizes": "use `--cudagraph-capture-sizes`",
        "--rope-scaling": "use `--hf-overrides`",
        "--disable-mm-preprocessor-cache": "use `--mm-processor-cache-gb 0`",
        "--enable-reasoning": "remove it: `--reasoning-parser` alone switches reasoning on",
    },
    "sglang": {
        "--cuda-graph-max-bs": "use `--cuda-graph-max-bs-decode` or `--cuda-graph-max-bs-prefill`",
        "--cuda-graph-bs": "use `--cuda-graph-bs-decode`",
        "--nsa-prefill-backend": "use `--dsa-prefill-backend`",
        "--nsa-decode-backend": "use `--dsa-decode-backend`",
        "--fp8-gemm-runner-backend": "use `--fp8-gemm-backend`",
        "--fp4-gemm-runner-backend": "use `--fp4-gemm-backend`",
        "--mamba-scheduler-strategy": "use `--mamba-radix-cache-strategy`",
    },
    "dynamo-vllm": {
        **_DYNAMO,
        "--is-prefill-worker": "use `--disaggregation-mode prefill`",
        "--is-decode-worker": "use `--disaggregation-mode decode`",
        "--migration-limit": "set it on the frontend",
        "--connector": "use `--kv-transfer-config`",
    },
    "dynamo-sglang": {
        **_DYNAMO,
        "--multimodal-encode-worker": "use `--enable-multimodal --disaggregation-mode encode`",
    },
    "dynamo-frontend": {
        **_DYNAMO,
        "--router-ttl": "use `--router-ttl-secs`",
    },
}


def replacement(engine: str, name: str) -> str | None:
    """Say what to use instead of a removed flag, where that is known."""
    return REPLACEMENTS.get(engine, {}).get(name)


def of_own_server(facts: Facts, name: str) -> str | None:
    """Name the included engine that takes a flag only when its own HTTP server runs."""
    for include in facts.includes:
        flag = load(include.engine, include.version).flag(name)
        if flag is not None and flag.server_only:
            return include.engine
    return None


def elsewhere(facts: Facts, name: str) -> str | None:
    """Say which other known versions have a flag: "since 0.18.0", "last in 0.31.0"; None if none has."""
    having = [version for version in known(facts.engine) if _has(facts.engine, version, name)]
    here = release_order(facts.version)
    newer = [version for version in having if release_order(version) > here]
    older = [version for version in having if release_order(version) < here]
    if newer:
        return f"known since {newer[0]}"
    if older:
        return f"known up to {older[-1]}"
    return None


def _has(engine: str, version: str, name: str) -> bool:
    try:
        return load(engine, version).flag(name) is not None
    except ProblemsFound:  # an included program without facts says nothing about this flag
        return False
