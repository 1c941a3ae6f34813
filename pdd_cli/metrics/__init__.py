"""Full-reference metrics and the protocol that a number is stated under."""
