"""What scikit-learn's estimators learn with."""

LIBRARIES = ("scikit-learn",)
