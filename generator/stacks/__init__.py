"""What runs an engine and stands around it, one file each."""
