"""The commands: options in `project`, `lifecycle`, `inspect`, `rehearse`, `serve`; what they do in the other files."""
