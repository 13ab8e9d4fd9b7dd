"""Counts without running: parameters, shapes, multiply-accumulates, memory and receptive fields of a model."""

from jaxcnn.analysis.params import count_params
from jaxcnn.analysis.record import Row, Summary
from jaxcnn.analysis.summarize import summary

__all__ = ["Row", "Summary", "count_params", "summary"]
