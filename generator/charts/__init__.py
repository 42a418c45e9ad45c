"""From a recipe to the files of a chart. The only room that starts Node."""
