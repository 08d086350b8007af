"""Boosted trees: LightGBM and XGBoost over one learner that moves leaves, adds trees and averages blocks."""
