"""What became of metrics that older releases of the engines exported; dashboards and triggers still read them.

Source: vLLM `vllm/v1/metrics/loggers.py` of 0.8.0 to 0.33.0; SGLang 0.5.23 `srt/observability/metrics_collector.py`;
ai-dynamo-runtime 1.6.1 `dynamo/prometheus_names.py`; production-stack 0.1.12 `src/vllm_router/stats`.
"""

from __future__ import annotations

_GONE = "it was removed, and nothing replaced it"

# families by their old name; counters with and without `_total`
RENAMED: dict[str, str] = {
    "vllm:gpu_cache_usage_perc": "it was renamed: use vllm:kv_cache_usage_perc",
    "vllm:cpu_cache_usage_perc": _GONE,
    "vllm:cpu_prefix_cache_hit_rate": _GONE,
    "vllm:num_requests_swapped": f"{_GONE}: requests are preempted, see vllm:num_preemptions_total",
    "vllm:time_per_output_token_seconds": "it was renamed: use vllm:inter_token_latency_seconds",
    "vllm:gpu_prefix_cache_queries": "it was renamed: use vllm:prefix_cache_queries_total",
    "vllm:gpu_prefix_cache_hits": "it was renamed: use vllm:prefix_cache_hits_total",
    "vllm:gpu_prefix_cache_hit_rate": (
        "it was removed: divide the rates of vllm:prefix_cache_hits_total and vllm:prefix_cache_queries_total"
    ),
    "vllm:spec_decode_draft_acceptance_rate": (
        "it was removed: divide the rates of vllm:spec_decode_num_accepted_tokens_total and "
        "vllm:spec_decode_num_draft_tokens_total"
    ),
    "vllm:spec_decode_efficiency": "it was removed: compute it from the vllm:spec_decode_... counters",
    "vllm:request_params_best_of": _GONE,
    "vllm:model_forward_time_milliseconds": _GONE,
    "vllm:model_execute_time_milliseconds": _GONE,
    "vllm:avg_prompt_throughput_toks_per_s": "it was removed: use the rate of vllm:prompt_tokens_total",
    "vllm:avg_generation_throughput_toks_per_s": "it was removed: use the rate of vllm:generation_tokens_total",
}
DEPRECATED: dict[str, str] = {
    "dynamo_frontend_queued_requests": "since Dynamo 1.2 dynamo_frontend_stage_requests tells the stages apart",
    "dynamo_frontend_inflight_requests": "its newer name is dynamo_frontend_active_requests",
}
