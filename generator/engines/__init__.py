"""The programs that serve models, one file each."""
