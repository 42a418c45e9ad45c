"""Entering a model by its checkpoint's configuration. Values as in the published config.json files."""

from __future__ import annotations

import http.server
import json
import pathlib
import shutil
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generator.commands.add import run
from generator.errors import Exit
from generator.model.axes import Engine, Task
from generator.sources import checkpoint, references
from generator.sources.catalog import Model
from generator.sources.checkpoint import Facts, Files
from generator.sources.load import load

BASE = pathlib.Path(__file__).parents[1] / "catalogs" / "base"

LLAMA = {
    "architectures": ["LlamaForCausalLM"],
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "max_position_embeddings": 131072,
    "num_attention_heads": 32,
    "num_hidden_layers": 32,
    "num_key_value_heads": 8,
    "torch_dtype": "bfloat16",
    "vocab_size": 128256,
}
QWEN_MOE = {
    **LLAMA,
    "architectures": ["Qwen3MoeForCausalLM"],
    "head_dim": 128,
    "hidden_size": 2048,
    "intermediate_size": 6144,
    "max_position_embeddings": 40960,
    "moe_intermediate_size": 768,
    "num_experts": 128,
    "num_experts_per_tok": 8,
    "num_hidden_layers": 48,
    "num_key_value_heads": 4,
    "sliding_window": 4096,
    "use_sliding_window": False,
    "vocab_size": 151936,
}
DEEPSEEK = {
    "architectures": ["DeepseekV3ForCausalLM"],
    "auto_map": {"AutoConfig": "configuration_deepseek.DeepseekV3Config"},
    "first_k_dense_replace": 3,
    "hidden_size": 7168,
    "intermediate_size": 18432,
    "kv_lora_rank": 512,
    "max_position_embeddings": 163840,
    "moe_intermediate_size": 2048,
    "n_routed_experts": 256,
    "n_shared_experts": 1,
    "num_attention_heads": 128,
    "num_experts_per_tok": 8,
    "num_hidden_layers": 61,
    "num_key_value_heads": 128,
    "q_lora_rank": 1536,
    "qk_nope_head_dim": 128,
    "qk_rope_head_dim": 64,
    "quantization_config": {"quant_method": "fp8", "weight_block_size": [128, 128]},
    "torch_dtype": "bfloat16",
    "v_head_dim": 128,
    "vocab_size": 129280,
}
GPT_OSS = {
    **LLAMA,
    "architectures": ["GptOssForCausalLM"],
    "head_dim": 64,
    "hidden_size": 2880,
    "intermediate_size": 2880,
    "layer_types": ["sliding_attention", "full_attention"] * 12,
    "num_attention_heads": 64,
    "num_experts_per_tok": 4,
    "num_hidden_layers": 24,
    "num_local_experts": 32,
    "quantization_config": {"quant_method": "mxfp4"},
    "sliding_window": 128,
    "vocab_size": 201088,
}
QWEN_HYBRID = {
    "architectures": ["Qwen3_5ForConditionalGeneration"],
    "text_config": {
        "dtype": "bfloat16",
        "head_dim": 256,
        "hidden_size": 5120,
        "layer_types": (["linear_attention"] * 3 + ["full_attention"]) * 16,
        "max_position_embeddings": 262144,
        "num_attention_heads": 24,
        "num_hidden_layers": 64,
        "num_key_value_heads": 4,
    },
    "vision_config": {"depth": 27},
}
GEMMA = {
    "architectures": ["Gemma4ForConditionalGeneration"],
    "text_config": {
        "dtype": "bfloat16",
        "global_head_dim": 512,
        "head_dim": 256,
        "layer_types": (["sliding_attention"] * 5 + ["full_attention"]) * 5,
        "max_position_embeddings": 262144,
        "num_attention_heads": 16,
        "num_experts": 128,
        "num_global_key_value_heads": 2,
        "num_hidden_layers": 30,
        "num_key_value_heads": 8,
        "sliding_window": 1024,
    },
    "vision_config": {"layers": 27},
}
NEMOTRON = {
    **LLAMA,
    "architectures": ["NemotronHForCausalLM"],
    "hybrid_override_pattern": "MEMEM*EMEMEM*EMEMEM*EMEMEM*EMEMEM*EMEMEMEM*EMEMEMEME",
    "n_routed_experts": 128,
    "head_dim": 128,
    "num_hidden_layers": 52,
    "num_key_value_heads": 2,
}
WHISPER = {
    "architectures": ["WhisperForConditionalGeneration"],
    "is_encoder_decoder": True,
    "max_target_positions": 448,
    "num_hidden_layers": 32,
    "torch_dtype": "float16",
}


def facts(config: dict[str, Any], identifier: str = "example/model", **files: Any) -> Facts:
    return checkpoint.read(Files(config=config, **files), identifier)


# ---- attention --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "kind", "layers", "full", "kv_heads", "head_dim", "window", "cache_bytes"),
    [
        (LLAMA, "dense", 32, 32, 8, 128, None, 131072),
        (QWEN_MOE, "moe", 48, 48, 4, 128, None, 98304),
        (DEEPSEEK, "moe-mla", 61, 61, 128, None, None, 70272),
        (GPT_OSS, "moe-swa", 24, 12, 8, 64, 128, 24576),
        (QWEN_HYBRID, "dense-hybrid", 64, 16, 4, 256, None, 65536),
        (GEMMA, "moe-swa", 30, 5, 2, 512, 1024, 20480),
        (NEMOTRON, "moe-mamba", 52, 6, 2, 128, None, 6144),
    ],
    ids=lambda value: value["architectures"][0] if isinstance(value, dict) else None,
)
def test_the_cache_of_a_token_follows_from_the_configuration(
    config: dict[str, Any],
    kind: str,
    layers: int,
    full: int,
    kv_heads: int,
    head_dim: int | None,
    window: int | None,
    cache_bytes: int,
) -> None:
    found = facts(config)
    attention = found.attention
    assert attention is not None and found.kind == kind
    assert (attention.layers, attention.full_attention_layers) == (layers, full)
    assert (attention.kv_heads, attention.head_dim, attention.sliding_window) == (kv_heads, head_dim, window)
    assert attention.kv_bytes_per_token == cache_bytes


@pytest.mark.parametrize(
    ("changes", "full"),
    [
        ({"full_attention_interval": 4}, 8),
        ({"sliding_window": 1024, "sliding_window_pattern": 4}, 8),
        ({"sliding_window": 200000, "sliding_window_pattern": 4}, 32),
        ({"full_attn_idxs": [2, 5, 8]}, 3),
        ({"attn_type_list": [0, 1] * 16}, 16),
        ({"layers_block_type": ["mamba"] * 28 + ["attention"] * 4}, 4),
        ({"sliding_window": 4096}, 32),
    ],
)
def test_layers_that_keep_the_whole_context_are_counted_by_each_familys_key(changes: dict[str, Any], full: int) -> None:
    attention = facts({**LLAMA, **changes}).attention
    assert attention is not None and attention.full_attention_layers == full


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({**LLAMA, "architectures": ["StrangeForCausalLM"]}, "The class StrangeForCausalLM is not one"),
        ({**LLAMA, "architectures": []}, "config.json names no class"),
        ({**LLAMA, "architectures": ["BertModel"]}, "An encoder keeps no cache"),
        ({**LLAMA, "compress_ratios": [0, 4, 128]}, "Compressed attention"),
        ({**LLAMA, "num_hidden_layers": None}, "config.json names no number of layers"),
        (WHISPER, "An encoder with a decoder"),
    ],
)
def test_an_attention_that_is_not_understood_is_null_with_a_reason(config: dict[str, Any], reason: str) -> None:
    found = facts(config)
    assert found.attention is None
    assert found.reasons["architecture.attention"].startswith(reason)


# ---- sizes ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "total", "active"),
    [(LLAMA, 8.03, None), (QWEN_MOE, 30.53, 3.35), (DEEPSEEK, 671.03, 37.55)],
)
def test_parameters_are_counted_and_marked_as_a_guess(
    config: dict[str, Any], total: float, active: float | None
) -> None:
    found = facts(config)
    assert (found.parameters_b, found.active_parameters_b) == (total, active)
    assert "parametersB" in found.guesses


def test_parameters_that_are_stated_or_measured_are_no_guess() -> None:
    stated = facts(LLAMA, index={"metadata": {"total_parameters": 8030261248, "total_size": 16060522496}})
    measured = facts(LLAMA, weights_bytes=16060522496)
    assert stated.parameters_b == measured.parameters_b == 8.03
    assert stated.weights_gib == 14.96
    assert "parametersB" not in {**stated.guesses, **measured.guesses}


def test_the_name_tells_the_size_where_nothing_else_does() -> None:
    found = facts(NEMOTRON, "nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16")
    assert (found.parameters_b, found.active_parameters_b) == (30, 3)


@pytest.mark.parametrize(
    ("changes", "precision"),
    [
        ({}, "bf16"),
        ({"torch_dtype": "float16"}, "fp16"),
        ({"torch_dtype": "float32"}, "bf16"),
        ({"quantization_config": {"quant_method": "fp8"}}, "fp8"),
        ({"quantization_config": {"quant_method": "fp8"}, "expert_dtype": "fp4"}, "fp8+fp4-experts"),
        ({"quantization_config": {"quant_method": "mxfp4"}}, "mxfp4"),
        ({"quantization_config": {"quant_method": "modelopt", "quant_algo": "NVFP4"}}, "nvfp4"),
        ({"quantization_config": {"quant_method": "modelopt", "quant_algo": "FP8"}}, "fp8"),
        ({"quantization_config": {"quant_method": "awq", "bits": 4}}, "int4"),
        ({"quantization_config": {"quant_method": "gptq", "bits": 8}}, "int8"),
        ({"quantization_config": {"quant_method": "brand-new"}}, "bf16"),
    ],
)
def test_the_precision_is_that_of_the_published_weights(changes: dict[str, Any], precision: str) -> None:
    assert facts({**LLAMA, **changes}).precision == precision


def test_packed_integers_are_told_from_floats() -> None:
    def packed(bits: int, kind: str) -> str:
        groups = {"group_0": {"weights": {"num_bits": bits, "type": kind}}}
        config = {"quant_method": "compressed-tensors", "config_groups": groups}
        return facts({**LLAMA, "quantization_config": config}).precision

    assert [packed(4, "int"), packed(8, "int"), packed(8, "float"), packed(4, "float")] == [
        "int4",
        "int8",
        "fp8",
        "nvfp4",
    ]


def test_a_guessed_precision_is_marked() -> None:
    assert "precision" in facts({**LLAMA, "torch_dtype": "float32"}).guesses
    assert "precision" not in facts(LLAMA).guesses


# ---- what it is for ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("config", "identifier", "task", "inputs"),
    [
        (LLAMA, "meta-llama/Llama-3.1-8B-Instruct", Task.CHAT, ["text"]),
        (QWEN_HYBRID, "Qwen/Qwen3.5-27B", Task.CHAT, ["text", "image"]),
        (WHISPER, "openai/whisper-large-v3", Task.TRANSCRIPTION, ["audio"]),
        (LLAMA, "Qwen/Qwen3-Embedding-8B", Task.EMBEDDING, ["text"]),
        (LLAMA, "Qwen/Qwen3-Reranker-4B", Task.RERANK, ["text"]),
        ({**LLAMA, "architectures": ["XLMRobertaModel"]}, "BAAI/bge-m3", Task.EMBEDDING, ["text"]),
    ],
)
def test_task_and_inputs_are_guessed_from_class_parts_and_name(
    config: dict[str, Any], identifier: str, task: Task, inputs: list[str]
) -> None:
    found = facts(config, identifier)
    assert (found.task, found.inputs) == (task, inputs) and "task" in found.guesses


values = st.none() | st.booleans() | st.integers(-5, 200) | st.sampled_from(["", "fp8", "x\n- y", [], ["a"], {}, [1]])
keys = st.sampled_from(
    sorted({*LLAMA, *QWEN_MOE, *DEEPSEEK, *NEMOTRON, *QWEN_HYBRID, "layer_types", "is_encoder_decoder"})
)


@given(st.dictionaries(keys, values), st.sampled_from([LLAMA, DEEPSEEK, GEMMA, NEMOTRON]))
def test_no_configuration_breaks_the_reader(changes: dict[str, Any], config: dict[str, Any]) -> None:
    found = facts({**config, **changes})
    assert (found.attention is None) == ("architecture.attention" in found.reasons)


# ---- the command ------------------------------------------------------------------------------------------


@pytest.fixture
def root(tmp_path: pathlib.Path) -> pathlib.Path:
    repository = pathlib.Path(shutil.copytree(BASE, tmp_path / "repository"))
    accelerators = repository / "catalog/accelerators.yaml"
    accelerators.write_text(accelerators.read_text().replace("  h100:", "  h100-80gb-sxm:", 1))
    for release in repository.glob("environments/*/releases/*.yaml"):
        release.unlink()
    for file in [*repository.glob("catalog/models/*.yaml"), *repository.glob("environments/*/environment.yaml")]:
        file.write_text(file.read_text().replace("accelerator: h100,", "accelerator: h100-80gb-sxm,"))
    return repository


def folder(tmp_path: pathlib.Path, config: dict[str, Any], identifier: str, **files: Any) -> str:
    place = tmp_path / "downloads" / identifier
    place.mkdir(parents=True, exist_ok=True)
    (place / "config.json").write_text(json.dumps(config))
    for name, content in files.items():
        (place / f"{name}.json").write_text(json.dumps(content))
    return str(place)


def added(root: pathlib.Path, name: str) -> Model:
    sources, problems = load(root)
    assert problems + references.check(sources) == []
    return sources.models[name].value


def test_a_folder_becomes_a_model_file_without_problems(
    root: pathlib.Path, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(root, folder(tmp_path, LLAMA, "meta-llama/Llama-3.1-8B-Instruct"), None) == Exit.CLEAN
    model = added(root, "llama-3-1-8b-instruct")
    assert model.source.id == "meta-llama/Llama-3.1-8B-Instruct"
    assert set(model.source.unknown) == {"revision", "license", "gated", "architecture.weightsGib"}
    assert {name: variant.engine for name, variant in model.variants.items()} == {
        "h100": Engine.VLLM,
        "simulated": Engine.SIMULATOR,
    }
    printed = capsys.readouterr().out
    assert "wrote catalog/models/llama-3-1-8b-instruct.yaml" in printed and "run `modelyard build`" in printed


def test_guesses_are_marked_in_the_file(root: pathlib.Path, tmp_path: pathlib.Path) -> None:
    run(root, folder(tmp_path, QWEN_HYBRID, "Qwen/Qwen3.5-27B"), None)
    text = (root / "catalog/models/qwen3-5-27b.yaml").read_text()
    assert "parametersB: 27  # guess: taken from the model's name" in text
    assert "inputs: [text, image]  # guess: by the parts of config.json" in text


def test_gpus_are_as_many_as_the_memory_asks_for(root: pathlib.Path, tmp_path: pathlib.Path) -> None:
    seventy = {
        **LLAMA,
        "hidden_size": 8192,
        "intermediate_size": 28672,
        "num_attention_heads": 64,
        "num_hidden_layers": 80,
    }
    run(root, folder(tmp_path, seventy, "meta-llama/Llama-3.3-70B-Instruct"), None)
    role = added(root, "llama-3-3-70b-instruct").variants["h100"].roles["server"]
    assert role.gpus_per_pod == role.parallelism.tensor == 4


def test_a_model_too_large_for_one_node_gets_no_gpu_variant(
    root: pathlib.Path, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(root, folder(tmp_path, DEEPSEEK, "deepseek-ai/DeepSeek-R1"), None)
    assert set(added(root, "deepseek-r1").variants) == {"simulated"}
    assert "no variant on H100" in capsys.readouterr().out
    assert "then set trustRemoteCode: true" in (root / "catalog/models/deepseek-r1.yaml").read_text()


def test_a_task_that_the_simulator_lacks_gets_a_variant_by_the_rule_of_thumb(
    root: pathlib.Path, tmp_path: pathlib.Path
) -> None:
    index = {"metadata": {"total_size": 3086912962}}
    place = folder(tmp_path, WHISPER, "openai/whisper-large-v3", **{"model.safetensors.index": index})
    run(root, place, None)
    variant = added(root, "whisper-large-v3").variants["h100"]
    assert variant.sizing.minimum_gib == 3.4


def test_the_hubs_cache_layout_tells_identity_and_revision(root: pathlib.Path, tmp_path: pathlib.Path) -> None:
    revision = "0123456789abcdef" * 2 + "01234567"
    place = folder(tmp_path, LLAMA, f"models--meta-llama--Llama-3.1-8B/snapshots/{revision}")
    run(root, place, None)
    source = added(root, "llama-3-1-8b").source
    assert (source.id, source.revision) == ("meta-llama/Llama-3.1-8B", revision)


def test_the_licence_is_read_from_the_model_card(root: pathlib.Path, tmp_path: pathlib.Path) -> None:
    place = folder(tmp_path, LLAMA, "example/small")
    (pathlib.Path(place) / "README.md").write_text("---\nlicense: apache-2.0\ntags: [x]\n---\n# x\n")
    run(root, place, None)
    assert added(root, "small").source.license == "apache-2.0"


# ---- a file that exists -----------------------------------------------------------------------------------

EXISTING = """\
# Chosen by the chat team.
name: llama
servedName: llama  # as clients know it
source: {id: example/llama, revision: null, license: null, gated: null, unknown: {revision: a, license: b, gated: c}}

architecture:
  # read by hand
  kind: dense
  parametersB: 8  # the vendor's count
  contextTokens: 65536
  precision: fp16
  attention:
    layers: 31  # wrong
    fullAttentionLayers: 32
    heads: 32
    kvHeads: 8
    headDim: 128
    slidingWindow: 128
    kvBytesPerToken: 131072

# what it can do
capabilities: {task: chat, inputs: [ text ]}
variants:
  toy:
    engine: simulator
    roles:
      server: {accelerator: none, gpusPerPod: 0}
    sizing: {basis: unknown}
sources:
  - >-
      a folded
      text
"""


def test_an_existing_file_keeps_comments_and_everything_but_facts(
    root: pathlib.Path, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = root / "catalog/models/llama.yaml"
    file.write_text(EXISTING)
    assert run(root, folder(tmp_path, LLAMA, "example/llama"), None) == Exit.CLEAN
    assert file.read_text() == EXISTING.replace("layers: 31  # wrong", "layers: 32  # wrong").replace(
        "    slidingWindow: 128\n", ""
    ).replace("  kind: dense\n", "  kind: dense\n  name: LlamaForCausalLM\n").replace(
        "precision: fp16", "precision: bf16"
    )
    printed = capsys.readouterr().out
    assert "architecture.attention.layers: 31 -> 32" in printed
    assert "kept architecture.contextTokens: 65536; config.json says 131072" in printed


def test_adding_twice_changes_nothing(root: pathlib.Path, tmp_path: pathlib.Path) -> None:
    place = folder(tmp_path, GPT_OSS, "openai/gpt-oss-20b")
    run(root, place, None)
    before = (root / "catalog/models/gpt-oss-20b.yaml").read_bytes()
    assert run(root, place, None) == Exit.CLEAN
    assert (root / "catalog/models/gpt-oss-20b.yaml").read_bytes() == before


def test_a_file_of_another_model_is_not_touched(
    root: pathlib.Path, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = (root / "catalog/models/tiny.yaml").read_bytes()
    assert run(root, folder(tmp_path, LLAMA, "other/tiny"), None) == Exit.PROBLEMS
    assert (root / "catalog/models/tiny.yaml").read_bytes() == before
    error = capsys.readouterr().err
    assert error.startswith("catalog/models/tiny.yaml:3:14: source.id: the file describes") and "--name" in error


def test_a_file_with_problems_is_reported_and_not_touched(
    root: pathlib.Path, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (root / "catalog/models/llama.yaml").write_text("name: [")
    assert run(root, folder(tmp_path, LLAMA, "example/llama"), None) == Exit.PROBLEMS
    assert "catalog/models/llama.yaml:1:8" in capsys.readouterr().err


# ---- what cannot be read ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "the folder has no config.json"),
        ("{", "this is not JSON"),
        ("[]", "the file holds no JSON object"),
        ('{"architectures": ["LlamaForCausalLM"], "vocab_size": 5}', "the number of parameters is not stated"),
    ],
)
def test_a_folder_that_says_too_little_is_a_problem(
    root: pathlib.Path, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str], content: str | None, message: str
) -> None:
    place = tmp_path / "downloads"
    place.mkdir()
    if content is not None:
        (place / "config.json").write_text(content)
    assert run(root, str(place), None) == Exit.PROBLEMS
    error = capsys.readouterr().err
    assert message in error and "hint:" in error


@pytest.mark.parametrize("source", ["not-an-id", "./nowhere", "a/b/c"])
def test_a_source_that_is_nothing_is_a_problem(
    root: pathlib.Path, capsys: pytest.CaptureFixture[str], source: str
) -> None:
    assert run(root, source, None) == Exit.PROBLEMS
    assert "pass a folder with config.json" in capsys.readouterr().err


def test_a_name_that_is_no_label_is_a_problem(root: pathlib.Path, tmp_path: pathlib.Path) -> None:
    assert run(root, folder(tmp_path, LLAMA, "example/llama"), "../Outside") == Exit.PROBLEMS
    assert not list(root.glob("catalog/Outside*"))


# ---- the hub ----------------------------------------------------------------------------------------------

REVISION = "89abcdef" * 5


class Hub(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        about = {
            "sha": REVISION,
            "gated": "manual",
            "cardData": {"license": "llama3.1"},
            "siblings": [{"rfilename": "config.json"}],
        }
        answers = {"/api/models/example/llama": about, f"/example/llama/resolve/{REVISION}/config.json": LLAMA}
        code = 401 if "private" in self.path else 200 if self.path in answers else 404
        self.send_response(code)
        self.end_headers()
        self.wfile.write(json.dumps(answers.get(self.path, {})).encode())

    def log_message(self, *arguments: Any) -> None:
        """Stay quiet."""


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    server = http.server.HTTPServer(("127.0.0.1", 0), Hub)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    yield
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.usefixtures("hub")
def test_the_hub_tells_revision_licence_and_gate(root: pathlib.Path) -> None:
    assert run(root, "example/llama", "chat-model") == Exit.CLEAN
    source = added(root, "chat-model").source
    assert (source.revision, source.license, source.gated) == (REVISION, "llama3.1", True)
    assert set(source.unknown) == {"architecture.weightsGib"}


@pytest.mark.usefixtures("hub")
def test_what_the_hub_refuses_is_a_problem(root: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(root, "example/nothing", None) == Exit.PROBLEMS
    assert "the hub has no such model" in capsys.readouterr().err
    assert run(root, "example/private", None) == Exit.PROBLEMS
    assert "the hub asks for a token" in capsys.readouterr().err


def test_no_network_asks_for_a_folder(
    root: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    assert run(root, "example/llama", None) == Exit.PROBLEMS
    assert "the hub cannot be reached from here\n  hint: pass a folder with config.json" in capsys.readouterr().err
