"""A throw-away control plane whose simulated nodes are the pools of one environment; Linux only."""
