"""The chart's interface: typed values, their schema, their text, and the layers that set them."""
