"""Where photos come from: known layouts, crops, synthetic low resolution, batches."""
