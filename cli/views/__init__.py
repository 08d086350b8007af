"""What the commands print: one file for each subject, for people; `json_output` for programs."""
