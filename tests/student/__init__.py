"""Tests of the student: training, artefacts, promotion, drift, and the export for distillation."""
