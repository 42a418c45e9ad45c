"""Parts of Kubernetes objects that every stack builds from: labels, pods, network, storage, secrets."""
