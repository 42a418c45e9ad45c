"""How a replica is laid over pods and GPUs, one file each."""
