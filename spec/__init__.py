"""The spec and the glossary: what a user declares, and the values that rooms hand to each other."""
