"""The words of the field as types: axes, recipes, names, labels, units. No I/O."""
