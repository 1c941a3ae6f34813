"""What every job needs of the machine: device, precision, files on disk, progress events."""
