"""One file per revision, in order; a released file is never changed."""
