"""The demo: two years of hourly bike rentals, replayed through the live flows beside scheduled retraining."""
