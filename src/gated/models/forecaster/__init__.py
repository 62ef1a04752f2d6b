"""The forecaster: series of numbers go on, with intervals. `gated.models.Forecaster` is what users take."""
