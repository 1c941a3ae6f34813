"""Pairwise Distance Distillation: features, distances, objectives, the step and the average."""
