"""What every job needs of the machine: device and precision, weights files, run directories, progress events."""
