"""Networks: loading any, naming the known, the discriminator."""
