"""Plain data to plotly figures, as JSON values; plotly itself is only needed in the browser."""

from trainwell.report.charts.chart import Chart

__all__ = ["Chart"]
