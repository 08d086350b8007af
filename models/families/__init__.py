"""One package for each model family: how it learns first, how it learns on, and how it is saved and adopted."""
