"""Mistakes in what people write: a file, a text in it, what stands there instead, and what is said of it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

LLAMA = "catalog/models/llama-3-1-8b-instruct.yaml"
VLLM = "catalog/engines/vllm.yaml"
STAGING, PROD = "environments/staging/environment.yaml", "environments/prod/environment.yaml"
RELEASE = "environments/staging/releases/llama-8b.yaml"
VALUES = "namespace: assistants\n"


class Written(NamedTuple):
    """One text of one file, replaced; a file that is not there yet is all new."""

    name: str
    check: str
    file: str
    old: str
    new: str
    says: str
    # a word of the line that is pointed at, if not the new text
    at: str = ""
    # where it is reported, if elsewhere
    reported: str = ""

    def apply(self, root: Path) -> None:
        """Write the mistake."""
        place = root / self.file
        text = place.read_text(encoding="utf-8") if place.exists() else ""
        assert self.old in text, self.old
        place.write_text(text.replace(self.old, self.new, 1), encoding="utf-8")


def values(name: str, check: str, text: str, says: str, at: str = "", reported: str = "") -> Written:
    """Values of a release."""
    body = "".join(f"  {line}\n" for line in text.splitlines())
    return Written(
        name, check, RELEASE, VALUES, f"{VALUES}values:\n{body}", says, at or text.splitlines()[-1].strip(), reported
    )


WRITTEN = (
    Written("an unknown key", "schema", LLAMA, "servedName:", "servedname:", "unknown key"),
    Written(
        "a context that no checkpoint has, in a variant that nobody runs",
        "variants",
        LLAMA,
        "  a100:\n    engine: vllm\n",
        "  a100:\n    engine: vllm\n    contextTokens: 262144\n",
        "the engine refuses to start",
        "contextTokens: 262144",
    ),
    Written(
        "another engine than the stack carries",
        "carried",
        "catalog/stacks/dynamo.yaml",
        "vllm: 0.31.0",
        "vllm: 0.33.0",
        "dynamo 1.6.1 carries vllm 0.31.0, not 0.33.0",
    ),
    Written("a key twice", "syntax", LLAMA, "servedName:", "name: x\nservedName:", "stands twice", "name: x"),
    Written("a model that is not there", "references", RELEASE, "instruct", "chat", "has no model"),
    Written("a variant that is not there", "references", RELEASE, "variant: h100", "variant: h1000", "has no variant"),
    Written("a number with a point", "schema", LLAMA, "layers: 32", "layers: 32.5", "with a fraction"),
    Written(
        "GPUs that do not add up",
        "references",
        LLAMA,
        "accelerator: l40s\n        gpusPerPod: 1",
        "accelerator: l40s\n        gpusPerPod: 2",
        "but a replica has 2",
        "accelerator: l40s",
    ),
    Written(
        "a promotion to nowhere", "references", STAGING, "promotesTo: prod", "promotesTo: pord", "unknown environment"
    ),
    Written(
        "weights behind a licence",
        "references",
        STAGING,
        "  tokenSecret: hugging-face\n",
        "",
        "has no token for them",
        "model:",
        RELEASE,
    ),
    Written(
        "an engine that is too old",
        "references",
        LLAMA,
        "vllm: 0.6.0",
        "vllm: 0.34.0",
        "but the model needs 0.34.0",
        "engine:",
    ),
    Written(
        "a floating tag in the catalog",
        "security",
        VLLM,
        "tag: v0.33.0\n",
        "tag: latest\n",
        "the tag latest moves",
        "docker.io:",
        PROD,
    ),
    Written("a version without schemas", "cluster", STAGING, 'kubernetes: "1.36"', 'kubernetes: "1.26"', "no schemas"),
    Written(
        "a controller that is not there",
        "cluster",
        STAGING,
        "  keda: 2.21.0\n",
        "",
        "the cluster has no KEDA",
        "kubernetes:",
    ),
    Written("a digest that is wanted", "digests", STAGING, "digests: warn", "digests: deny", "has no digest"),
    Written(
        "a revision that is wanted",
        "revisions",
        "catalog/models/gpt-oss-20b.yaml",
        "  revision: db6852caddef0cf0c1f729034ed700c84eab376e",
        "  revision: null\n  unknown: {revision: nobody said}",
        "have no revision",
        "id:",
    ),
    Written("a quota that is too small", "quotas", PROD, "quota: {gpus: 256", "quota: {gpus: 4", "the quota is 4"),
    Written(
        "a licence that is not allowed",
        "policies",
        STAGING,
        "policies:\n",
        "policies:\n  licences: {allow: [mit]}\n",
        "have the licence llama3.1",
        "id:",
        LLAMA,
    ),
    Written(
        "a release named like a part of another",
        "clashes",
        "environments/prod/releases/gpt-oss-120b-dynamo-decode.yaml",
        "",
        "model: gpt-oss-20b\nvariant: h100\nnamespace: reasoning\nservedName: other\n",
        "gpt-oss-120b-dynamo-decode",
        "model:",
    ),
    values("a misspelt value", "values", "rollot: surge", "rollot"),
    values("a value of another type", "values", "roles:\n  server:\n    scaling:\n      maxReplicas: many", "many"),
    values(
        "a context that does not fit",
        "fit",
        "roles:\n  server:\n    engine:\n      gpuMemoryUtilization: 0.35",
        "131072 tokens needs",
        "contextTokens: 131072",
        LLAMA,
    ),
    values("a context that the checkpoint lacks", "models", "model:\n  contextTokens: 131073", "that has 131072"),
    Written(
        "an architecture that the engine lacks",
        "models",
        LLAMA,
        "name: LlamaForCausalLM",
        "name: LlamaForCausalLN",
        "vllm 0.33.0 knows no architecture LlamaForCausalLN",
        "id:",
    ),
    values(
        "heads that do not divide",
        "fit",
        "roles:\n  server:\n    accelerator: {count: 3}\n    parallelism:\n      tensor: 3",
        "tensor 3 does not divide",
    ),
    values("milliseconds for seconds", "values", "timing: {drainSeconds: 300000}", "300000 is too large"),
    Written(
        "an image without a build for arm64",
        "topology",
        VLLM,
        "        digest: null\n        architectures: [amd64, arm64]\n",
        "        digest: null\n        architectures: [amd64]\n",
        "the image is built for amd64, and the pod asks for nodes of arm64",
        "tag: v0.33.0",
    ),
    values(
        "a flag that the chart writes",
        "flags",
        "roles:\n  server:\n    extraArgs:\n      - --max-model-len=4096",
        "already set by the value",
    ),
    values(
        "more replicas than the pool holds",
        "capacity",
        "roles:\n  server:\n    scaling:\n      maxReplicas: 120\n      minReplicas: 120",
        "120 GPUs are needed at least",
        "nodes: 14",
        STAGING,
    ),
)
