"""How replicas follow load, one file each."""
