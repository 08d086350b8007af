"""What all pages that we write have in common: their style, marks and words, and that they load nothing."""
