"""Which cells of a network follow something that a reader can name."""
