"""One file per check over what was made; none prints."""
