"""Which hidden units of a network follow something that a reader can name: the interpretable cells of the API."""
