"""The bridge: typed references to values, the writer of Helm text, and the same expansion in Python."""
